"""Twins: indexes on a copy or hidden column that match those of the original column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.values import respelled
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.diff import index_definitions
from limbeck.schema.diff.operations import CreateIndex
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.lexer import identifiers
from limbeck.schema.sql.quoting import quote, quoted


def indexes(
    table: Address, names: Mapping[str, str], catalog: Catalog, *, keys: bool = True
) -> Iterator[Index]:
    """Yield twins of the indexes, keys and unique constraints on certain columns.

    Args:
        table: The table of the columns.
        names: The name of the copy of each column.
        catalog: The catalog that has the indexes.
        keys: Whether to include primary keys and unique constraints.

    """
    for index in catalog.of(Index):
        if index.table == table and uses(index.definition.partition(" USING ")[2], names):
            yield twin(index, names)
    for key in catalog.of(Constraint) if keys else ():
        if (key.schema, key.table) == table[1:3] and key.type in "pu" and uses_any(key, names):
            yield unique(key, names)


def uses(text: str, names: Mapping[str, str]) -> bool:
    """Return whether one of the names occurs in an index definition."""
    return any(name in names for name in identifiers(text))


def uses_any(constraint: Constraint, names: Mapping[str, str]) -> bool:
    """Return whether a constraint is on one of these columns."""
    return not names.keys().isdisjoint((*constraint.columns, *constraint.include))


def twin(index: Index, names: Mapping[str, str]) -> Index:
    """Return the same index on the copies of its columns."""
    name = beside(index.name)
    head, using, rest = index.definition.partition(" USING ")
    head = index_definitions.named(head, name)
    keys = tuple(_key(key, names) for key in index.keys)
    return replace(
        index,
        name=name,
        definition=head + using + _text(rest, names),
        keys=keys,
        include=tuple(names.get(column, column) for column in index.include),
        where=_text(index.where, names) if index.where else None,
        clustered=False,
        replica_identity=False,
        comment=None,
        parent=None,
    )


def _key(key: Key, names: Mapping[str, str]) -> Key:
    expression = _text(key.expression, names) if key.expression else None
    column = names.get(key.column, key.column) if key.column else None
    return replace(key, column=column, expression=expression)


def _text(text: str, names: Mapping[str, str]) -> str:
    return respelled(text, names, lambda name: quote(names[name]))


def unique(constraint: Constraint, names: Mapping[str, str]) -> Index:
    """Return a unique index on the copies of the columns of a key."""
    columns = [names.get(column, column) for column in constraint.columns]
    include = tuple(names.get(column, column) for column in constraint.include)
    table, name = Address("table", constraint.schema, constraint.table), beside(constraint.name)
    text = f"CREATE UNIQUE INDEX {quote(name)} ON {of(table)} USING btree ({quoted(columns)})"
    text += f" INCLUDE ({quoted(include)})" if include else ""
    text += " NULLS NOT DISTINCT" if constraint.nulls_not_distinct else ""
    text += f" WITH ({', '.join(constraint.options)})" if constraint.options else ""
    return Index(
        schema=constraint.schema,
        name=name,
        table=table,
        definition=text,
        unique=True,
        keys=tuple(Key(column=column, expression=None) for column in columns),
        include=include,
        options=constraint.options,
        nulls_not_distinct=constraint.nulls_not_distinct,
    )


def begins(table: Address, columns: Sequence[str], catalog: Catalog) -> bool:
    """Return whether an index or key of a table begins with these columns, in any order."""
    number = len(columns)
    firsts = [
        [key.column for key in index.keys[:number]]
        for index in catalog.of(Index)
        if index.table == table and index.where is None
    ]
    firsts += [
        list(key.columns[:number])
        for key in catalog.of(Constraint)
        if (key.schema, key.table) == table[1:3] and key.type in "pu"
    ]
    return any(set(first) == set(columns) for first in firsts)


def plain(table: Address, columns: Sequence[str]) -> Index:
    """Return a temporary index on columns, which the contract drops."""
    name = beside(f"{table.name}_{'_'.join(columns)}", "_for_a_while")
    return Index(
        schema=table.schema,
        name=name,
        table=table,
        definition=f"CREATE INDEX {quote(name)} ON {of(table)} USING btree ({quoted(columns)})",
        keys=tuple(Key(column=column, expression=None) for column in columns),
    )


def built(index: Index) -> Step:
    """Return the step that creates an index."""
    return Step(CreateIndex(index))
