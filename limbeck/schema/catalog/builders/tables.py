"""Tables: plain, partitioned and foreign."""

from __future__ import annotations

from limbeck.schema.catalog.builders.reading import Reading, options
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.pipeline import Row
from limbeck.schema.catalog.queries import classes


def build_inherits(reading: Reading) -> None:
    """Add the parents of each relation in their order, also of partitions of indexes."""
    for relation, schema, name in reading.rows["inherits"]:
        reading.parents.setdefault(relation, []).append((schema, name))


def build(reading: Reading) -> None:
    """Add the tables that the filters select."""
    for row in reading.rows["tables"]:
        schema = reading.schemas.get(row[1])
        if schema is None or not reading.filters.table(schema, row[2]):
            continue
        table = _table(row, schema, reading)
        reading.add(classes.RELATION, row[0], table)
        reading.relations[row[0]] = table.address


def _table(row: Row, schema: str, reading: Reading) -> Table:
    oid, _, name, kind, unlogged, own, toast, key, bound, secure, forced, identity, *rest = row
    method, of_type, server, server_options = rest
    parents = tuple(Address("table", *parent) for parent in reading.parents.get(oid, ()))
    return Table(
        schema=schema,
        name=name,
        kind=kind,
        unlogged=unlogged,
        options=options([*(own or ()), *(f"toast.{option}" for option in toast or ())]),
        partition_key=key,
        partition_of=parents[0] if bound else None,
        partition_bound=bound,
        inherits=() if bound else parents,
        row_security=secure,
        force_row_security=forced,
        replica_identity=identity,
        access_method=method,
        of_type=of_type,
        server=server,
        server_options=tuple(server_options or ()),
        columns=tuple(reading.columns.get(oid, {}).values()),
        comment=reading.comment(classes.RELATION, oid),
    )
