"""Sequences that `serial` creates along with its column."""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.sql.quoting import quote

_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def serials(catalog: Catalog) -> dict[Address, Sequence]:
    """Return the sequences that "serial" would create, by their columns.

    Their options and comments may differ: a later statement sets them.
    """
    owned = {sequence.owned_by: sequence for sequence in catalog.of(Sequence) if sequence.owned_by}
    # The sequence of a serial is unlogged if its table is.
    unlogged = {(table.schema, table.name) for table in catalog.every(Table) if table.unlogged}
    columns = {at: column for at in owned if isinstance(column := catalog.objects.get(at), Column)}
    return {
        at: owned[at]
        for at, column in sorted(columns.items())
        if _is_serial(column, owned[at], unlogged=(column.schema, column.table) in unlogged)
    }


def _is_serial(column: Column, sequence: Sequence, *, unlogged: bool) -> bool:
    name = chosen_name(column.table, column.name, "seq")
    return (
        column.type in _LARGEST
        and column.not_null is not None
        and (sequence.schema, sequence.name) == (column.schema, name)
        and _is_fed(column, sequence)
        and sequence.unlogged == unlogged
    )


def _is_fed(column: Column, sequence: Sequence) -> bool:
    return column.default == next_value(sequence)


def next_value(sequence: Sequence) -> str:
    """Return the default of a column that a sequence feeds."""
    qualified = f"{quote(sequence.schema)}.{quote(sequence.name)}"
    return f"nextval('{qualified.replace(chr(39), chr(39) * 2)}'::regclass)"


def columns_fed(catalog: Catalog) -> frozenset[Address]:
    """Return the columns whose default is the next value of a sequence that they own.

    Alembic's autogenerate takes each of these for a serial and hides its default. It compares the
    name of the column but not of the table, and does not know smallserial.
    """
    fed = {
        (sequence.owned_by.part, next_value(sequence))
        for sequence in catalog.of(Sequence)
        if sequence.owned_by
    }
    return frozenset(
        column.address
        for column in catalog.every(Column)
        if column.type in {"integer", "bigint"} and (column.name, column.default) in fed
    )


def feeding(catalog: Catalog) -> dict[Address, Address]:
    """Return the columns of columns_fed() by the sequences whose next value is their default."""
    fed = columns_fed(catalog)
    return {
        sequence.address: sequence.owned_by
        for sequence in catalog.of(Sequence)
        if sequence.owned_by in fed
        and isinstance(column := catalog.objects.get(sequence.owned_by), Column)
        and _is_fed(column, sequence)
    }


def as_created(sequence: Sequence, type_: str) -> Sequence:
    """Return the sequence as "serial" creates it for a column of a type."""
    return replace(sequence, options=_usual(type_), comment=None)


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
