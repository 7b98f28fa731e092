"""Columns of tables."""

from __future__ import annotations

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading, options
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, Identity, NotNull
from limbeck.schema.catalog.pipeline import Row
from limbeck.schema.catalog.queries import classes


def build_names(reading: Reading) -> None:
    """Add the names and collations of columns by relation and number, for other builders."""
    for row in reading.rows["columns"]:
        reading.columns.setdefault(row[0], {})[row[1]] = row[2]
        if row[14]:
            reading.collations[row[0], row[1]] = row[14]


def build_defaults(reading: Reading) -> None:
    """Add default and generation expressions by relation and number."""
    for oid, relation, number, expression in reading.rows["defaults"]:
        reading.defaults[relation, number] = settled(expression)
        if table := reading.relations.get(relation):
            name = reading.columns[relation][number]
            reading.addresses[classes.DEFAULT, oid, 0] = (
                Address("default", table.schema, table.name, name)
                if table.kind == "table"
                else table
            )


def build(reading: Reading) -> None:
    """Add the columns of the tables that are read."""
    last, position = 0, 0
    for row in reading.rows["columns"]:
        relation = row[0]
        table = reading.relations.get(relation)
        if table is None or table.kind != "table":
            continue
        position = position + 1 if relation == last else 1
        last = relation
        address = Address("column", table.schema, table.name, row[2])
        reading.objects[address] = _column(row, table, position, reading)
        reading.addresses[classes.RELATION, relation, row[1]] = address


def _column(row: Row, table: Address, position: int, reading: Reading) -> Column:
    relation, number, name, type_, not_null, identity, generated, collation, storage = row[:9]
    compression, statistics, attributes, remote, local = row[9:14]
    key = (relation, number)
    return Column(
        schema=table.schema,
        table=table.name,
        name=name,
        type=type_,
        not_null=(reading.not_nulls.get(key) or NotNull(name=None)) if not_null else None,
        default=reading.defaults.get(key),
        generated=generated,
        identity=_identity(reading, key, identity) if identity else None,
        collation=collation,
        storage=storage,
        compression=compression,
        statistics=statistics,
        options=options(attributes),
        server_options=tuple(remote or ()),
        inherited=not local,
        comment=reading.comments.get((classes.RELATION, relation, number)),
        position=position,
    )


def _identity(reading: Reading, key: tuple[int, int], kind: str) -> Identity | None:
    # Since Postgres 17 a partition's identity column counts with the parent's sequence.
    sequence = reading.identities.get(key)
    if sequence is None:
        return None
    return Identity(always=kind == "a", sequence=sequence[0], options=sequence[1])
