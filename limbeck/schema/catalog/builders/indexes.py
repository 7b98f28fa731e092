"""Indexes that no constraint owns."""

from __future__ import annotations

from typing import Final, NamedTuple

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading, options, vector
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.catalog.pipeline import Row
from limbeck.schema.catalog.queries import classes
from limbeck.schema.sql.quoting import literal, quote

DESCENDING: Final = 1
NULLS_FIRST: Final = 2
DEFAULT_COLLATION: Final = 100


def build(reading: Reading) -> None:
    """Add the indexes of the tables and materialized views that are read."""
    rows = [row for row in reading.rows["indexes"] if row[1] in reading.relations]
    if not rows:
        return
    names = {oid: (name, default) for oid, name, default in reading.rows["operator classes"]}
    settings: dict[int, dict[int, Row]] = {}
    for oid, number, *rest in reading.rows["key settings"]:
        settings.setdefault(oid, {})[number] = tuple(rest)
    for row in rows:
        own = settings.get(row[0], {})
        places = _Places(*map(vector, row[14:18]))
        index = _index(row, places, _keys(row, places, reading, names, own), own, reading)
        reading.add(classes.RELATION, row[0], index)


class _Places(NamedTuple):
    """The vectors of pg_index, by key: column, DESC and NULLS, operator class, collation."""

    numbers: list[int]
    flags: list[int]
    operators: list[int]
    collations: list[int]


def _index(
    row: Row, places: _Places, keys: tuple[Key, ...], settings: dict[int, Row], reading: Reading
) -> Index:
    oid, relation, space, name, definition, valid, clustered, replica, unique, method = row[:10]
    where, storage, nulls_not_distinct, count = row[10:14]
    parents = reading.parents.get(oid)
    columns = reading.columns[relation]
    return Index(
        schema=reading.schemas[space],
        name=name,
        table=reading.relations[relation],
        definition=settled(definition) or _plain(row, places, reading),
        valid=valid,
        clustered=clustered,
        replica_identity=replica,
        parent=Address("index", *parents[0]) if parents else None,
        comment=reading.comments.get((classes.RELATION, oid, 0)),
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


def _plain(row: Row, places: _Places, reading: Reading) -> str:
    """Return the definition of an index that has nothing but columns, as Postgres spells it."""
    relation, name, unique = row[1], row[3], row[8]
    columns = reading.columns[relation]
    keys = [
        quote(columns[number])
        + ("" if reading.collations.get((relation, number), 0) == own else ' COLLATE "default"')
        for number, own in zip(places.numbers, places.collations, strict=True)
    ]
    kind, table = "UNIQUE INDEX" if unique else "INDEX", of(reading.relations[relation])
    return f"CREATE {kind} {quote(name)} ON {table} USING btree ({', '.join(keys)})"


def _keys(
    row: Row,
    places: _Places,
    reading: Reading,
    names: dict[int, tuple[str, bool]],
    settings: dict[int, Row],
) -> tuple[Key, ...]:
    columns, (numbers, flags, operators, _) = reading.columns[row[1]], places
    return tuple(
        [
            Key(
                column=columns[numbers[n]] if numbers[n] else None,
                expression=None if numbers[n] else settled(row[19][n]),
                opclass=_operator_class(*names[operators[n]], settings.get(n + 1)),
                collation=_collation(row, n, places, reading),
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


def _collation(row: Row, number: int, places: _Places, reading: Reading) -> str | None:
    """Return the collation of a key, unless it is the default or its column's."""
    collation = places.collations[number]
    if collation in {0, DEFAULT_COLLATION}:
        return None
    own = reading.collations.get((row[1], places.numbers[number]))
    return row[18][number] if own != collation else None
