"""Sequences that come with their column."""

from __future__ import annotations

from limbeck.catalog.catalog import Catalog
from limbeck.catalog.objects import Address, Column, Sequence, SequenceOptions, Table
from limbeck.spelling import identifier, implicit_name

_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def serials(catalog: Catalog) -> dict[Address, Sequence]:
    """Return the sequences that writing "serial" would make just so, by their columns."""
    owned = {found.owned_by: found for found in catalog.of(Sequence) if found.owned_by}
    # A serial's sequence is as its table is.
    unlogged = {(table.schema, table.name) for table in catalog.of(Table) if table.unlogged}
    return {
        column.address: owned[column.address]
        for column in catalog.of(Column)
        if column.address in owned
        and _is_serial(
            column,
            owned[column.address],
            unlogged=(column.schema, column.table) in unlogged,
        )
    }


def _is_serial(column: Column, sequence: Sequence, *, unlogged: bool) -> bool:
    name = implicit_name(column.table, column.name, "seq")
    qualified = f"{identifier(column.schema)}.{identifier(name)}"
    return (
        column.type in _LARGEST
        and column.not_null is not None
        and (sequence.schema, sequence.name) == (column.schema, name)
        and column.default == f"nextval('{qualified.replace(chr(39), chr(39) * 2)}'::regclass)"
        and sequence.options == _usual(column.type)
        and sequence.unlogged == unlogged
        and sequence.comment is None
    )


def _usual(type_: str) -> SequenceOptions:
    return SequenceOptions(
        type=type_,
        start=1,
        increment=1,
        minimum=1,
        maximum=_LARGEST[type_],
        cache=1,
        cycle=False,
    )
