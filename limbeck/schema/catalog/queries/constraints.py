"""Constraints of tables; those of domains and NOT NULLs are handed to what they belong to."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import NotNull
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.types import DomainCheck
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.arrays import settled
from limbeck.schema.catalog.queries.building import SPACES, Found, Row, options, vector

ACTIONS: Final = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}
MATCHES: Final = {"s": "SIMPLE", "f": "FULL", "p": "PARTIAL"}

NOT_NULLS: Final = f"""
SELECT k.oid, k.conrelid, k.contypid, k.conname, k.conkey[1], k.connoinherit, k.convalidated,
  k.conislocal
FROM pg_constraint k
WHERE k.contype = 'n' AND k.connamespace = ANY {SPACES}
"""

SET_COLUMNS: Final = """CASE WHEN k.confdelsetcols IS NOT NULL THEN (
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
    FROM unnest(k.confdelsetcols) WITH ORDINALITY AS u (number, place)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) END"""
SET_COLUMNS_SINCE: Final = 15_00_00
ENFORCED_SINCE: Final = 18_00_00
NULLS_NOT_DISTINCT_SINCE: Final = 15_00_00


def sql(server: int) -> str:
    """Return the question; older servers lack some columns."""
    set_columns = SET_COLUMNS if server >= SET_COLUMNS_SINCE else "NULL::text"
    enforced = "k.conenforced" if server >= ENFORCED_SINCE else "true"
    distinct = "i.indnullsnotdistinct" if server >= NULLS_NOT_DISTINCT_SINCE else "false"
    return f"""
SELECT k.oid, k.conrelid, k.contypid, k.conname, k.contype::text,
  pg_get_constraintdef(k.oid), k.convalidated, NOT k.conislocal, k.conparentid, k.conkey,
  k.condeferrable, k.condeferred, {enforced}, k.connoinherit AND k.contype = 'c',
  CASE WHEN k.contype = 'x' THEN pg_get_indexdef(i.indexrelid) END,
  coalesce(i.indisclustered, false), coalesce(i.indisreplident, false),
  i.indnkeyatts, i.indkey::text, coalesce({distinct}, false), ic.reloptions,
  k.confrelid, rn.nspname, rc.relname, k.confkey,
  CASE WHEN k.contype = 'f' AND rc.relnamespace <> ALL {SPACES} THEN ARRAY(
    SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number
    ORDER BY u.place) END,
  k.confupdtype::text, k.confdeltype::text, k.confmatchtype::text, {set_columns}
FROM pg_constraint k
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.reloptions IS NOT NULL
LEFT JOIN pg_class rc ON rc.oid = k.confrelid AND rc.relkind IN ('r', 'p')
LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE k.contype NOT IN ('n', 't') AND k.connamespace = ANY {SPACES}
"""


def build_not_nulls(found: Found) -> None:
    """Keep the NOT NULLs by column or by domain."""
    for row in found.rows["not nulls"]:
        oid, relation, domain, name, number, no_inherit, validated, local = row
        if domain:
            found.domain_not_nulls[domain] = name
            continue
        found.not_nulls[relation, number] = NotNull(
            name=name,
            no_inherit=no_inherit,
            validated=validated,
            inherited=not local,
            comment=found.comments.get((classes.CONSTRAINT, oid, 0)),
        )


def build(found: Found) -> None:
    """Keep the constraints of the tables that are read, and the checks of domains."""
    homes = {row[0]: row[1] for row in found.rows["constraints"]}
    for row in found.rows["constraints"]:
        oid, relation, domain, name, _, definition, _, _, parent = row[:9]
        if domain:
            comment = found.comment(classes.CONSTRAINT, oid)
            check = DomainCheck(name=name, definition=settled(definition), comment=comment)
            found.domain_checks.setdefault(domain, []).append(check)
        # A foreign key to a partitioned table has copies for the partitions on the same table.
        elif relation in found.relations and homes.get(parent) != relation:
            found.add(classes.CONSTRAINT, oid, _constraint(row, found.relations[relation], found))


def _constraint(row: Row, table: Address, found: Found) -> Constraint:
    oid, relation, _, name, kind, definition, validated, inherited, parent, key = row[:10]
    deferrable, deferred, enforced, no_inherit, index, clustered, replica = row[10:17]
    keys, positions, nulls_not_distinct, settings = row[17:21]
    definition = settled(definition)
    names = found.columns[relation]
    return Constraint(
        schema=table.schema,
        table=table.name,
        name=name,
        type=kind,
        definition=definition,
        validated=validated,
        inherited=inherited or parent != 0,
        comment=found.comments.get((classes.CONSTRAINT, oid, 0)),
        index=index,
        clustered=clustered,
        replica_identity=replica,
        columns=tuple([names[number] for number in key or () if number]),
        expression=_expression(definition) if kind == "c" else None,
        reference=_reference(row, found) if kind == "f" else None,
        deferrable=deferrable,
        deferred=deferred,
        enforced=enforced,
        no_inherit=no_inherit,
        include=tuple([names[number] for number in vector(positions)[keys or 0 :]]),
        nulls_not_distinct=nulls_not_distinct,
        options=options(settings),
    )


def _expression(check: str) -> str:
    """Return what stands between the outer parentheses of CHECK (...) NO INHERIT NOT VALID."""
    return check[check.index("(") + 1 : check.rindex(")")]


def _reference(row: Row, found: Found) -> Reference:
    relation, schema, name, key, hidden, on_update, on_delete, match, set_columns = row[21:]
    return Reference(
        table=Address("table", schema, name),
        columns=tuple(hidden or [found.columns[relation][number] for number in key]),
        on_update=ACTIONS[on_update],
        on_delete=f"{ACTIONS[on_delete]} ({set_columns})" if set_columns else ACTIONS[on_delete],
        match=MATCHES[match],
    )
