"""What columns are in the keys and the indexes of their table, as arguments of theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator

from limbeck.models.pull.render.contents import Contents, inline
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index

_INTEGERS = frozenset({"smallint", "integer", "bigint"})


def roles(found: Contents, nameless: Container[Address]) -> dict[str, tuple[str, ...]]:
    """Return the arguments that say it, in order, by column; most columns have none.

    Args:
        found: the table.
        nameless: the constraints and indexes whose names need not be said.

    """
    made: dict[str, list[str]] = defaultdict(list)
    key = found.primary_key
    if key is not None:
        inside = ["primary_key=True"] if key_is_inline(found, nameless) else []
        for column in found.columns:
            if column.name in key.columns:
                made[column.name] += [*inside, *_autoincrement(column, found, key)]
    unique = [one for one in found.constraints if one.type == "u" and inline(one)]
    for name in {one.columns[0] for one in unique if one.address in nameless}:
        made[name].append("unique=True")
    indexed = (column_of_plain_index(one, found, nameless) for one in found.indexes)
    for name in {one for one in indexed if one is not None}:
        made[name].append("index=True")
    return {name: tuple(given) for name, given in made.items()}


def key_is_inline(found: Contents, nameless: Container[Address]) -> bool:
    """Say whether primary_key=True at the columns says all of the primary key."""
    key = found.primary_key
    if key is None or key.address not in nameless:
        return False
    if len(key.columns) > 1 and found.serial not in {None, key.columns[0]}:
        # SQLAlchemy would put the serial first.
        return False
    in_order = [column.name for column in found.columns if column.name in key.columns]
    return tuple(in_order) == key.columns and not (key.deferrable or key.include)


def column_of_plain_index(
    index: Index, found: Contents, nameless: Container[Address]
) -> str | None:
    """Return the column whose index=True says all of an index of a table."""
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
    unique = (one for one in found.constraints if one.type == "u" and inline(one))
    return None if any(one.columns == (only.column,) for one in unique) else only.column


def _autoincrement(column: Column, found: Contents, key: Constraint) -> Iterator[str]:
    if column.identity:
        return
    refers = any(column.name in one.columns for one in found.foreign_keys)
    automatic = len(key.columns) == 1 and not refers
    if found.serial == column.name:
        if not automatic:
            yield "autoincrement=True"
    elif automatic and column.type in _INTEGERS and not found.fills(column):
        yield "autoincrement=False"
