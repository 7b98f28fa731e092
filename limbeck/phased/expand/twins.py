"""Twins: the indexes of a column, made for the column that stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.values import respelled
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of, quote, quoted
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.diff import index_definitions
from limbeck.schema.diff.operations import CreateIndex
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames.tokens import tokens


def indexes(
    table: Address, names: Mapping[str, str], catalog: Catalog, *, keys: bool = True
) -> Iterator[Index]:
    """Yield twins of the indexes, keys and unique constraints that use columns of these names.

    Args:
        table: where they are.
        names: which column stands beside which, by the name of the one that is there.
        catalog: the catalog that has the indexes.
        keys: whether keys and unique constraints have twins, too.

    """
    for index in catalog.of(Index):
        if index.table == table and uses(index.definition.partition(" USING ")[2], names):
            yield twin(index, names)
    for one in catalog.of(Constraint) if keys else ():
        if (one.schema, one.table) == table[1:3] and one.type in "pu" and uses_any(one, names):
            yield unique(one, names)


def uses(text: str, names: Mapping[str, str]) -> bool:
    """Tell whether one of the names occurs in what Postgres spelled."""
    return any(kind == "word" and found in names for kind, found, _, _ in tokens(text))


def uses_any(constraint: Constraint, names: Mapping[str, str]) -> bool:
    """Tell whether a constraint is of one of these columns."""
    return not names.keys().isdisjoint((*constraint.columns, *constraint.include))


def twin(index: Index, names: Mapping[str, str]) -> Index:
    """Return the same index on the columns that stand beside."""
    name = beside(index.name)
    head, using, rest = index.definition.partition(" USING ")
    head = index_definitions.named(head, name)
    keys = tuple(_key(key, names) for key in index.keys)
    return replace(
        index,
        name=name,
        definition=head + using + _text(rest, names),
        keys=keys,
        include=tuple(names.get(one, one) for one in index.include),
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
    """Return a unique index on the columns that stand beside those of a key."""
    columns = [names.get(one, one) for one in constraint.columns]
    include = tuple(names.get(one, one) for one in constraint.include)
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
        keys=tuple(Key(column=one, expression=None) for one in columns),
        include=include,
        options=constraint.options,
        nulls_not_distinct=constraint.nulls_not_distinct,
    )


def begins(table: Address, columns: Sequence[str], catalog: Catalog) -> bool:
    """Tell whether an index or a key of a table begins with these columns, in any order."""
    number = len(columns)
    firsts = [
        [key.column for key in index.keys[:number]]
        for index in catalog.of(Index)
        if index.table == table and index.where is None
    ]
    firsts += [
        list(one.columns[:number])
        for one in catalog.of(Constraint)
        if (one.schema, one.table) == table[1:3] and one.type in "pu"
    ]
    return any(set(first) == set(columns) for first in firsts)


def plain(table: Address, columns: Sequence[str]) -> Index:
    """Return an index on columns, for as long as a change takes."""
    name = beside(f"{table.name}_{'_'.join(columns)}", "_for_a_while")
    return Index(
        schema=table.schema,
        name=name,
        table=table,
        definition=f"CREATE INDEX {quote(name)} ON {of(table)} USING btree ({quoted(columns)})",
        keys=tuple(Key(column=one, expression=None) for one in columns),
    )


def built(index: Index) -> Step:
    """Create an index."""
    return Step(CreateIndex(index))
