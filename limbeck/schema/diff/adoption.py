"""Columns that a child table inherits from one parent before a change, and from another one after.

A column that loses its last parent becomes one of the child's own (attislocal), and no statement
takes that back. So the child inherits from the new parent before it leaves the old one. The NOT
NULL of such a column keeps the name that it has from the old parent, and Postgres renames an
inherited constraint only together with its parent's (rename_constraint_internal() in
src/backend/commands/tablecmds.c): so the old parent's has the new name for a moment.
"""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff.part import Required, sub
from limbeck.schema.diff.parts import Parts


@dataclass(frozen=True, slots=True)
class Renaming:
    """A NOT NULL constraint of the old parent that has the name of the new one's meanwhile."""

    parent: Address
    name: str
    meanwhile: str


def adopted(child: Address, before: Parts, after: Parts) -> Iterator[Address]:
    """Yield the columns that go from a parent that the child leaves to one that it gets."""
    left = [table for table in before.parents(child) if table not in after.parents(child)]
    new = [table for table in after.parents(child) if table not in before.parents(child)]
    for address in before.users[child] if left and new else ():
        old, column = before.get(address), after.get(address)
        if not (isinstance(old, Column) and isinstance(column, Column)):
            continue
        alike = (old.type, old.collation, old.generated) == (
            column.type,
            column.collation,
            column.generated,
        )
        known = _has(left, address, before) and _has(new, address, after)
        if known and alike and old.inherited and column.inherited:
            yield address


def _has(parents: list[Address], column: Address, parts: Parts) -> bool:
    return any(_of(parent, column) in parts for parent in parents)


def _of(parent: Address, column: Address) -> Address:
    return column._replace(schema=parent.schema, name=parent.name)


def stays_inherited(required: Address, before: Parts, after: Parts) -> bool:
    """Return whether a NOT NULL is inherited on both sides, so that no statement changes it."""
    sides = (before.get(required), after.get(required))
    return all(isinstance(part, Required) and part.constraint.inherited for part in sides)


def renamings(child: Address, parent: Address, before: Parts, after: Parts) -> Iterator[Renaming]:
    """Yield the NOT NULLs of a parent that is left whose names the child's must not keep.

    Args:
        child: The table that changes its parent.
        parent: The new parent, before which they have to be renamed.
        before: The parts before the change.
        after: The parts after it.

    """
    for column in adopted(child, before, after):
        required = sub(column, "not_null")
        old, new = before.get(required), after.get(required)
        above = [each for each in before.parents(child) if _of(each, required) in before]
        if len(above) != 1 or above[0] in after.parents(child) or _of(parent, column) not in after:
            continue
        if not stays_inherited(required, before, after):
            continue
        if isinstance(old, Required) and isinstance(new, Required):
            was, name = old.constraint.name, new.constraint.name
            if was and name and was != name:
                yield Renaming(above[0], was, name)
