"""The part of a catalog that SQLAlchemy's tables can say; the rest is said beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from limbeck.models.pull.render.contents import Contents
from limbeck.models.source.constraints import constraint_is_sayable
from limbeck.models.source.defaults import identity
from limbeck.models.source.indexes import index_is_sayable
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, NotNull
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table

Part = TypeVar("Part", Table, Column, Constraint, Index, NotNull)
_Parts: TypeAlias = dict[tuple[str, ...], set[str]]
"""The names of parts, by the first three words of their addresses."""


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
    parts: _Parts = defaultdict(set)
    for one in late:
        parts[one[:3]].add(one.part)
    sayable = {address for address, found in tables.items() if _is_sayable(found, parts, mapped)}
    return {address: _contents(tables[address], sayable, parts) for address in sorted(sayable)}


def _is_sayable(found: Contents, late: _Parts, mapped: Container[Address]) -> bool:
    table = found.table
    alone = table.address in mapped or not (
        table.partition_of or table.inherits or table.of_type or table.server
    )
    columns, defaults = _late("column", table, late), _late("default", table, late)
    early = not any(
        column.name in columns or (column.generated and column.name in defaults)
        for column in found.columns
    )
    return alone and early and table.kind in {"r", "p"}


def _late(kind: str, table: Table, late: _Parts) -> Collection[str]:
    """Return the names of a table's late parts of a kind."""
    return late.get((kind, table.schema, table.name), ())


def _with(found: Part, **values: Any) -> Part:
    # Most have these values already, and making a new one takes long.
    for name, value in values.items():
        if getattr(found, name) != value:
            return replace(found, **values)
    return found


def _contents(found: Contents, sayable: set[Address], late: _Parts) -> Contents:
    table = found.table
    defaults, constraints = _late("default", table, late), _late("constraint", table, late)
    late_ones = {column.name for column in found.columns if column.name in defaults}
    filled = found.filled | late_ones
    return Contents(
        _table(table),
        tuple(_column(column, filled) for column in found.columns),
        tuple(one for one in _constraints(found, sayable) if one.name not in constraints),
        tuple(one for one in _indexes(found) if one.address[:3] not in late),
        found.serial,
        filled,
    )


def _table(table: Table) -> Table:
    # heap is the usual access method; SQLAlchemy writes any other as USING.
    return _with(table, row_security=False, force_row_security=False, replica_identity="d")


def _column(column: Column, filled: frozenset[str]) -> Column:
    if column.name not in filled and _is_bare(column):
        return column
    generator = column.identity and identity(column)
    return _with(
        column,
        storage=None,
        compression=None,
        statistics=None,
        options=(),
        default=None if column.name in filled else column.default,
        identity=column.identity if generator else None,
        not_null=_not_null(column),
    )


def _is_bare(column: Column) -> bool:
    """Say whether a column is plain as it is, as most are: this is asked of every one."""
    found = column.not_null
    return (
        not (column.identity or column.storage or column.compression or column.options)
        and column.statistics is None
        and (found is None or (found.validated and not found.no_inherit and found.comment is None))
        and (found is None or found.name is not None)
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
        if late or bare.inherited or not constraint_is_sayable(bare):
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
        if bare.valid and bare.parent is None and index_is_sayable(bare):
            yield bare
