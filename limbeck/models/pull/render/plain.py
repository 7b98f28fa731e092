"""The part of a catalog that SQLAlchemy's tables can describe; `beside` has the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from limbeck.models.pull.render.contents import Contents, covers
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
    apart: Container[Address] = (),
) -> dict[Address, Contents]:
    """Return the tables that SQLAlchemy can describe, each without what it cannot.

    Args:
        tables: all tables.
        late: the parts of tables that need an object created after the tables.
        mapped: partitions that the working models declare as tables.
        apart: tables that inherit, which the working models declare by their SQL.

    """
    parts: _Parts = defaultdict(set)
    for part in late:
        parts[part[:3]].add(part.part)
    sayable = {
        address for address, contents in tables.items() if _is_sayable(contents, parts, mapped)
    }
    _leave_heirs(tables, sayable, mapped, apart)
    described = {address: _contents(tables[address], sayable, parts) for address in sorted(sayable)}
    return {address: _with_targets(contents, described) for address, contents in described.items()}


def _with_targets(contents: Contents, described: Mapping[Address, Contents]) -> Contents:
    """Return a table without the foreign keys to columns whose unique index is created later."""
    constraints = tuple(
        part
        for part in contents.constraints
        if part.reference is None
        or part.reference.table not in described
        or covers(described[part.reference.table], part.reference.columns)
    )
    if len(constraints) == len(contents.constraints):
        return contents
    return replace(contents, constraints=constraints)


def _leave_heirs(
    tables: Mapping[Address, Contents],
    sayable: set[Address],
    mapped: Container[Address],
    apart: Container[Address],
) -> None:
    """Remove the tables that do not have from their parents, as it is, what they share with them.

    So are those that inherit from a table that is not described itself.
    """
    heirs = {at for at in sayable if tables[at].table.inherits and at not in mapped}
    while gone := {
        at
        for at in heirs & sayable
        if at in apart
        or not sayable.issuperset(tables[at].table.inherits)
        or not all(_passes_on(tables[of], tables[at]) for of in tables[at].table.inherits)
    }:
        sayable -= gone


def _passes_on(parent: Contents, heir: Contents) -> bool:
    own = {column.name: column for column in heir.columns}
    key = heir.primary_key.columns if heir.primary_key else ()
    return all(
        _is_passed_on(column, own[column.name], keyed=column.name in key)
        for column in parent.columns
    )


def _is_passed_on(column: Column, own: Column, *, keyed: bool) -> bool:
    """Return whether a column is the one of a parent; its comment and identity do not pass on.

    Args:
        column: the parent's.
        own: that of the table which inherits.
        keyed: whether its primary key has it, which makes it NOT NULL.

    """
    not_null = own.not_null
    usual = {None, chosen_name(own.table, own.name, "not_null")}
    as_given = not_null is None or not_null.inherited or (keyed and not_null.name in usual)
    if not (own.inherited and as_given) or own.identity:
        return False
    return column == replace(
        own,
        schema=column.schema,
        table=column.table,
        inherited=column.inherited,
        not_null=column.not_null if own.not_null else None,
        identity=column.identity,
        comment=column.comment,
    )


def _is_sayable(contents: Contents, late: _Parts, mapped: Container[Address]) -> bool:
    table = contents.table
    alone = table.address in mapped or not (table.partition_of or table.of_type or table.server)
    columns, defaults = _late("column", table, late), _late("default", table, late)
    early = not any(
        column.name in columns or (column.generated and column.name in defaults)
        for column in contents.columns
    )
    return alone and early and table.kind in {"r", "p"}


def _late(kind: str, table: Table, late: _Parts) -> Collection[str]:
    """Return the names of those late parts of a table that are of one kind."""
    return late.get((kind, table.schema, table.name), ())


def _with(part: Part, **values: Any) -> Part:
    # Most have these values already, and replace() is slow.
    for name, value in values.items():
        if getattr(part, name) != value:
            return replace(part, **values)
    return part


def _contents(contents: Contents, sayable: set[Address], late: _Parts) -> Contents:
    table = contents.table
    defaults, constraints = _late("default", table, late), _late("constraint", table, late)
    late_ones = {column.name for column in contents.columns if column.name in defaults}
    filled = contents.filled | late_ones
    inherited: Collection[Constraint] = ()
    if contents.table.inherits:
        # Its parents give it their defaults and checks, whatever those need.
        filled -= {column.name for column in contents.columns if column.inherited}
        inherited = [part for part in contents.constraints if part.inherited]
    return Contents(
        _table(table),
        tuple(_column(column, filled) for column in contents.columns),
        tuple(part for part in _constraints(contents, sayable) if part.name not in constraints),
        tuple(part for part in _indexes(contents) if part.address[:3] not in late),
        contents.serial,
        filled,
        inherited=tuple(inherited),
        serials=contents.serials,
    )


def _table(table: Table) -> Table:
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
    """Return whether a column needs no change, as most: a fast check, made for every column."""
    constraint = column.not_null
    return (
        not (column.identity or column.storage or column.compression or column.options)
        and column.statistics is None
        and (
            constraint is None
            or (constraint.validated and not constraint.no_inherit and constraint.comment is None)
        )
        and (constraint is None or constraint.name is not None)
    )


def _not_null(column: Column) -> NotNull | None:
    constraint = column.not_null
    if constraint is None or not constraint.validated or constraint.no_inherit:
        return None  # added by a later ALTER TABLE: the column's own NOT NULL would contradict it
    usual = chosen_name(column.table, column.name, "not_null")
    if constraint.name is None or (column.identity and constraint.name != usual):
        return NotNull(name=constraint.name and usual)
    return _with(constraint, comment=None)


def _constraints(contents: Contents, sayable: set[Address]) -> Iterator[Constraint]:
    seen: set[tuple[object, ...]] = set()
    for constraint in sorted(contents.constraints, key=lambda part: part.type != "p"):
        bare = _with(constraint, clustered=False, replica_identity=False, comment=None)
        refers = bare.reference
        if refers is not None and refers.table not in sayable:
            continue
        # CREATE TABLE ignores NOT VALID; only a foreign key can be added after its table.
        late = not bare.validated and bare.type != "f"
        if late or bare.inherited or not constraint_is_sayable(bare):
            continue
        if bare.type in {"p", "u"}:
            # CREATE TABLE ignores a constraint that needs the same index as another one.
            key = (bare.columns, bare.deferrable, bare.deferred, bare.nulls_not_distinct)
            if key in seen:
                continue
            seen.add(key)
        yield bare


def _indexes(contents: Contents) -> Iterator[Index]:
    for index in contents.indexes:
        bare = _with(index, clustered=False, replica_identity=False, comment=None, statistics=())
        partitioned = index.address in contents.followed
        if bare.valid and bare.parent is None and index_is_sayable(bare, partitioned=partitioned):
            yield bare
