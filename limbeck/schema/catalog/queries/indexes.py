"""Indexes that no constraint owns."""

from __future__ import annotations

from typing import Final, NamedTuple

from limbeck.schema.catalog.names import of, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.arrays import settled
from limbeck.schema.catalog.queries.building import SPACES, Found, Row, options, vector
from limbeck.schema.catalog.queries.constraints import NULLS_NOT_DISTINCT_SINCE
from limbeck.schema.sql.quoting import literal

BTREE: Final = 403
"""BTREE_AM_OID of pg_am.dat."""

OPERATOR_CLASSES: Final = """
SELECT o.oid, CASE WHEN pg_opclass_is_visible(o.oid) THEN quote_ident(o.opcname)
  ELSE format('%I.%I', n.nspname, o.opcname) END, o.opcdefault
FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace
"""

PLAIN: Final = f"""c.relkind = 'i' AND c.relam = {BTREE} AND c.reloptions IS NULL
  AND c.reltablespace = 0 AND i.indexprs IS NULL AND i.indpred IS NULL
  AND i.indnatts = i.indnkeyatts AND i.indoption::int2[] <@ '{{0}}'
  AND i.indcollation::oid[] <@ '{{0,100}}' AND i.indclass::oid[] <@ (ARRAY(
    SELECT o.oid FROM pg_opclass o JOIN pg_type t ON t.oid = o.opcintype
    WHERE o.opcdefault AND o.opcmethod = {BTREE} AND t.typtype = 'b' AND NOT EXISTS (
      SELECT 1 FROM pg_cast k JOIN pg_opclass d ON d.opcintype = k.castsource
      WHERE k.casttarget = o.opcintype AND k.castmethod = 'b' AND k.castcontext = 'i'
        AND d.opcdefault AND d.opcmethod = {BTREE})))"""
"""Says no more than its columns: pg_get_indexdef() looks up so much that this is worth asking.

A type with an operator class of its own that is taken for another one without a cast may have an
index by that one's, which is then spelled out though it is a default: GetDefaultOpClass().
"""

KEY_SETTINGS: Final = """
SELECT a.attrelid, a.attnum, nullif(a.attstattarget, -1), a.attoptions
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind IN ('i', 'I') AND (a.attstattarget >= 0 OR a.attoptions IS NOT NULL)
ORDER BY 1, 2
"""

DESCENDING: Final = 1
NULLS_FIRST: Final = 2
DEFAULT_COLLATION: Final = 100


def sql(server: int) -> str:
    """Return the question; older servers lack NULLS NOT DISTINCT."""
    distinct = "i.indnullsnotdistinct" if server >= NULLS_NOT_DISTINCT_SINCE else "false"
    return f"""
SELECT i.indexrelid, i.indrelid, c.relnamespace, c.relname,
  CASE WHEN {distinct} OR NOT ({PLAIN}) THEN pg_get_indexdef(i.indexrelid) END,
  i.indisvalid, i.indisclustered, i.indisreplident, i.indisunique, am.amname,
  CASE WHEN i.indpred IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) END,
  c.reloptions, {distinct}, i.indnkeyatts, i.indkey::text, i.indoption::text, i.indclass::text,
  i.indcollation::text,
  CASE WHEN NOT i.indcollation::oid[] <@ '{{0,100}}' THEN ARRAY(
    SELECT u.oid::regcollation::text FROM unnest(i.indcollation::oid[]) AS u (oid)) END,
  CASE WHEN i.indexprs IS NOT NULL THEN ARRAY(
    SELECT pg_get_indexdef(i.indexrelid, number, false)
    FROM generate_series(1, i.indnkeyatts) AS number) END
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE c.relnamespace = ANY {SPACES} AND k.oid IS NULL
"""


def build(found: Found) -> None:
    """Keep the indexes of the tables and materialized views that are read."""
    kept = [row for row in found.rows["indexes"] if row[1] in found.relations]
    if not kept:
        return
    names = {oid: (name, default) for oid, name, default in found.rows["operator classes"]}
    settings: dict[int, dict[int, Row]] = {}
    for oid, number, *rest in found.rows["key settings"]:
        settings.setdefault(oid, {})[number] = tuple(rest)
    for row in kept:
        own = settings.get(row[0], {})
        places = _Places(*map(vector, row[14:18]))
        index = _index(row, places, _keys(row, places, found, names, own), own, found)
        found.add(classes.RELATION, row[0], index)


class _Places(NamedTuple):
    """What pg_index says of each key: column, DESC and NULLS, operator class, collation."""

    numbers: list[int]
    flags: list[int]
    operators: list[int]
    collations: list[int]


def _index(
    row: Row, places: _Places, keys: tuple[Key, ...], settings: dict[int, Row], found: Found
) -> Index:
    oid, relation, space, name, definition, valid, clustered, replica, unique, method = row[:10]
    where, storage, nulls_not_distinct, count = row[10:14]
    parents = found.parents.get(oid)
    columns = found.columns[relation]
    return Index(
        schema=found.schemas[space],
        name=name,
        table=found.relations[relation],
        definition=settled(definition) or _plain(row, places, found),
        valid=valid,
        clustered=clustered,
        replica_identity=replica,
        parent=Address("index", *parents[0]) if parents else None,
        comment=found.comments.get((classes.RELATION, oid, 0)),
        statistics=_targets(settings) if settings else (),
        unique=unique,
        method=method,
        keys=keys,
        include=tuple([columns[number] for number in places.numbers[count:]]),
        where=settled(where),
        options=options(storage),
        nulls_not_distinct=nulls_not_distinct,
    )


def _targets(settings: dict[int, Row]) -> tuple[tuple[int, int], ...]:
    return tuple((n, target) for n, (target, _) in settings.items() if target is not None)


def _plain(row: Row, places: _Places, found: Found) -> str:
    """Spell the definition of an index of which the columns say all, as Postgres does."""
    relation, name, unique = row[1], row[3], row[8]
    columns = found.columns[relation]
    keys = [
        quote(columns[number])
        + ("" if found.collations.get((relation, number), 0) == own else ' COLLATE "default"')
        for number, own in zip(places.numbers, places.collations, strict=True)
    ]
    kind, table = "UNIQUE INDEX" if unique else "INDEX", of(found.relations[relation])
    return f"CREATE {kind} {quote(name)} ON {table} USING btree ({', '.join(keys)})"


def _keys(
    row: Row,
    places: _Places,
    found: Found,
    names: dict[int, tuple[str, bool]],
    settings: dict[int, Row],
) -> tuple[Key, ...]:
    columns, (numbers, flags, operators, _) = found.columns[row[1]], places
    return tuple(
        [
            Key(
                column=columns[numbers[n]] if numbers[n] else None,
                expression=None if numbers[n] else settled(row[19][n]),
                opclass=_operator_class(*names[operators[n]], settings.get(n + 1)),
                collation=_collation(row, n, places, found),
                descending=flags[n] & DESCENDING != 0,
                nulls_first=flags[n] & NULLS_FIRST != 0,
            )
            for n in range(row[13])
        ]
    )


def _operator_class(name: str, default: bool, settings: Row | None) -> str | None:  # noqa: FBT001
    parameters = settings[1] if settings else None
    if parameters:
        pairs = (parameter.partition("=") for parameter in parameters)
        return f"{name} ({', '.join(f'{key}={literal(value)}' for key, _, value in pairs)})"
    return None if default else name


def _collation(row: Row, number: int, places: _Places, found: Found) -> str | None:
    """Return the collation of a key, where that is neither the usual nor its column's."""
    collation = places.collations[number]
    if collation in {0, DEFAULT_COLLATION}:
        return None
    own = found.collations.get((row[1], places.numbers[number]))
    return row[18][number] if own != collation else None
