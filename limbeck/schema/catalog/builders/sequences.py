"""Sequences: stand-alone, owned by a column, or behind an identity column."""

from __future__ import annotations

from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.catalog.pipeline import Row
from limbeck.schema.catalog.queries import classes


def build(reading: Reading) -> None:
    """Add the sequences; those of identity columns are parts of their columns."""
    for oid, space, name, qualified, unlogged, table, column, internal, *rest in reading.rows[
        "sequences"
    ]:
        counts = _options(tuple(rest))
        if internal:
            reading.identities[table, column] = (qualified, counts)
            continue
        owner = reading.relations.get(table) if table else None
        if space not in reading.schemas or (table and owner is None):
            continue
        sequence = Sequence(
            schema=reading.schemas[space],
            name=name,
            options=counts,
            owned_by=_owner(reading, owner, table, column),
            unlogged=unlogged,
            comment=reading.comment(classes.RELATION, oid),
        )
        reading.add(classes.RELATION, oid, sequence)
        reading.relations[oid] = sequence.address


def _owner(reading: Reading, table: Address | None, oid: int, column: int) -> Address | None:
    if table is None:
        return None
    return Address("column", table.schema, table.name, reading.columns[oid][column])


def _options(row: Row) -> SequenceOptions:
    type_, start, increment, minimum, maximum, cache, cycle = row
    return SequenceOptions(
        type=type_,
        start=start,
        increment=increment,
        minimum=minimum,
        maximum=maximum,
        cache=cache,
        cycle=cycle,
    )
