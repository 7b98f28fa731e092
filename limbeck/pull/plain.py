"""The part of a catalog that SQLAlchemy's tables can say; the rest is said beside them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from limbeck.catalog.names import chosen_name
from limbeck.catalog.objects import Address, Column, Constraint, Index, NotNull, Table
from limbeck.pull.contents import Contents
from limbeck.spelling import identity, index, parts

Part = TypeVar("Part", Table, Column, Constraint, Index, NotNull)


def plain(
    tables: Mapping[Address, Contents],
    late: frozenset[Address],
    mapped: Container[Address] = (),
) -> dict[Address, Contents]:
    """Return the tables that can be said, each without what cannot be said of it.

    Args:
        tables: all tables.
        late: the parts of tables that need something that comes after the tables.
        mapped: partitions that are said as tables all the same.

    """
    sayable = {address for address, found in tables.items() if _is_sayable(found, late, mapped)}
    return {address: _contents(tables[address], sayable, late) for address in sorted(sayable)}


def _is_sayable(found: Contents, late: frozenset[Address], mapped: Container[Address]) -> bool:
    table = found.table
    alone = table.address in mapped or not (
        table.partition_of or table.inherits or table.of_type or table.server
    )
    early = all(
        column.address not in late and not (column.generated and _default(column) in late)
        for column in found.columns
    )
    return alone and early and table.kind in {"r", "p"}


def _with(found: Part, **values: Any) -> Part:
    # Most have these values already, and making a new one takes long.
    changed = {name: value for name, value in values.items() if getattr(found, name) != value}
    return replace(found, **changed) if changed else found


def _contents(found: Contents, sayable: set[Address], late: frozenset[Address]) -> Contents:
    late_ones = {column.name for column in found.columns if _default(column) in late}
    filled = found.filled | late_ones
    columns = (
        replace(column, default=None) if column.name in filled else column
        for column in found.columns
    )
    return Contents(
        _table(found.table),
        tuple(_column(column) for column in columns),
        tuple(one for one in _constraints(found, sayable) if one.address not in late),
        tuple(one for one in _indexes(found) if one.address not in late),
        found.serial,
        filled,
    )


def _default(column: Column) -> Address:
    return Address("default", column.schema, column.table, column.name)


def _table(table: Table) -> Table:
    # heap is the usual access method; SQLAlchemy writes any other as USING.
    return _with(table, row_security=False, force_row_security=False, replica_identity="d")


def _column(column: Column) -> Column:
    generator = column.identity and identity(column)
    return _with(
        column,
        storage=None,
        compression=None,
        statistics=None,
        options=(),
        identity=column.identity if generator else None,
        not_null=_not_null(column),
    )


def _not_null(column: Column) -> NotNull | None:
    found = column.not_null
    if found is None or not found.validated or found.no_inherit:
        return None  # said afterwards: beside the column's own NOT NULL it would contradict
    usual = chosen_name(column.table, column.name, "not_null")
    if found.name is None or (column.identity and found.name != usual):
        return NotNull(name=found.name and usual)
    return _with(found, comment=None)


def _constraints(found: Contents, sayable: set[Address]) -> Iterator[Constraint]:
    seen: set[tuple[object, ...]] = set()
    for constraint in sorted(found.constraints, key=lambda one: one.type != "p"):
        bare = _with(constraint, clustered=False, replica_identity=False, comment=None)
        refers = bare.reference
        if refers is not None and refers.table not in sayable:
            continue
        # Only a foreign key can come after its table, where NOT VALID has a meaning.
        late = not bare.validated and bare.type != "f"
        if late or bare.inherited or parts(bare) is None:
            continue
        if bare.type in {"p", "u"}:
            # CREATE TABLE leaves out a constraint that asks for an index once more.
            key = (bare.columns, bare.deferrable, bare.deferred, bare.nulls_not_distinct)
            if key in seen:
                continue
            seen.add(key)
        yield bare


def _indexes(found: Contents) -> Iterator[Index]:
    for one in found.indexes:
        bare = _with(one, clustered=False, replica_identity=False, comment=None, statistics=())
        if bare.valid and bare.parent is None and index(bare) is not None:
            yield bare
