"""Column arguments that follow from keys and indexes (`primary_key`, `index`, `unique`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator

from limbeck.models.pull.render.contents import Contents, inline
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index

_INTEGERS = frozenset({"smallint", "integer", "bigint"})


def roles(contents: Contents, nameless: Container[Address]) -> dict[str, tuple[str, ...]]:
    """Return the arguments of columns that follow from keys and indexes; most have none.

    Args:
        contents: the table.
        nameless: the constraints and indexes whose names the convention implies.

    """
    arguments: dict[str, list[str]] = defaultdict(list)
    key = contents.primary_key
    if key is not None:
        inside = ["primary_key=True"] if key_is_inline(contents, nameless) else []
        for column in contents.columns:
            if column.name in key.columns:
                arguments[column.name] += [*inside, *_autoincrement(column, contents, key)]
    unique = [
        constraint
        for constraint in contents.constraints
        if constraint.type == "u" and inline(constraint)
    ]
    for name in {constraint.columns[0] for constraint in unique if constraint.address in nameless}:
        arguments[name].append("unique=True")
    indexed = (column_of_plain_index(index, contents, nameless) for index in contents.indexes)
    for name in {column for column in indexed if column is not None}:
        arguments[name].append("index=True")
    return {name: tuple(given) for name, given in arguments.items()}


def key_is_inline(contents: Contents, nameless: Container[Address]) -> bool:
    """Return whether primary_key=True at the columns describes all of the primary key."""
    key = contents.primary_key
    if key is None or key.address not in nameless:
        return False
    if len(key.columns) > 1 and contents.serial not in {None, key.columns[0]}:
        # SQLAlchemy would create the key with the serial first.
        return False
    in_order = [column.name for column in contents.columns if column.name in key.columns]
    return tuple(in_order) == key.columns and not (key.deferrable or key.include)


def column_of_plain_index(
    index: Index, contents: Contents, nameless: Container[Address]
) -> str | None:
    """Return the column whose index=True describes all of an index, None where none does."""
    if len(index.keys) != 1:
        return None
    only = index.keys[0]
    bare = (
        only.is_plain
        and not index.unique
        and index.method == "btree"
        and not (index.include or index.where or index.options)
    )
    if not bare or index.address not in nameless:
        return None
    # Together with unique=True, index=True would mean a unique index.
    unique = (
        constraint
        for constraint in contents.constraints
        if constraint.type == "u" and inline(constraint)
    )
    return (
        None if any(constraint.columns == (only.column,) for constraint in unique) else only.column
    )


def _autoincrement(column: Column, contents: Contents, key: Constraint) -> Iterator[str]:
    if column.identity:
        return
    refers = any(column.name in reference.columns for reference in contents.foreign_keys)
    automatic = len(key.columns) == 1 and not refers
    if contents.serial == column.name:
        if not automatic:
            yield "autoincrement=True"
    elif automatic and column.type in _INTEGERS and not contents.fills(column):
        yield "autoincrement=False"
