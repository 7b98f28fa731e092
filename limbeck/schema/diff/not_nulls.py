"""The NOT NULL of a column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff import descent, sql
from limbeck.schema.diff.column_operations import AddNotNull, AlterNotNull
from limbeck.schema.diff.operations import Comment, Execute, ValidateConstraint
from limbeck.schema.diff.part import Required, owner, sub
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import qualified, quote


def spelled(column: Column, *, implied: bool, usual: bool) -> Iterator[str]:
    """Yield the words of a column definition.

    Args:
        column: The column.
        implied: Whether a primary key or a serial makes the column NOT NULL anyway.
        usual: Whether Postgres would choose the constraint's name itself.

    """
    required = column.not_null
    if required is None:
        return
    if usual and not required.no_inherit:
        if not implied and not column.identity:
            yield "NOT NULL"
        return
    yield f"CONSTRAINT {quote(required.name or '')} NOT NULL"
    if required.no_inherit:
        yield "NO INHERIT"


def commented(column: Column, before: str | None = None) -> list[Step]:
    """Return the COMMENT ON the constraint, unless `before` is its comment already."""
    required = column.not_null
    if required is None or required.name is None or required.comment == before:
        return []
    table = qualified(column.schema, column.table)
    name = f"CONSTRAINT {quote(required.name)} ON {table}"
    return [Step(Comment(name, required.comment, column.address))]


def create(part: Required, _members: Members, situation: Situation) -> list[Step]:
    """Make a column NOT NULL."""
    required, column = part.constraint, replace(part.column, not_null=part.constraint)
    original = situation.original(column)
    before, after = replace(original, not_null=None), replace(original, not_null=required)
    usual = situation.chooses(column) and not required.no_inherit and required.validated
    operation = AlterNotNull(before, after) if usual else AddNotNull(column)
    return [Step(operation, note="fails if a row has NULL"), *commented(column)]


def drop(part: Required, situation: Situation) -> list[Step]:
    """Drop the NOT NULL of a column."""
    original = situation.original(part.column)
    before, after = replace(original, not_null=part.constraint), replace(original, not_null=None)
    return [Step(AlterNotNull(before, after))]


def alter(before: Required, after: Required, situation: Situation) -> Alteration | None:
    """Rename, validate or comment on a NOT NULL."""
    old, new, column = before.constraint, after.constraint, after.column
    if old.no_inherit != new.no_inherit or (old.validated and not new.validated):
        return None
    if new.inherited and old.inherited:
        return Alteration()
    if old.name is None and new.name is None:
        return _unnamed(before, after, situation) if old.validated == new.validated else None
    child = _stays_child(column, situation)
    if child and _has_to_go(before, after, situation):
        return None
    column, steps = replace(column, not_null=new), list[Step]()
    if old.inherited and child:
        # SET NOT NULL makes an inherited constraint local as well (conislocal).
        steps.append(Step(AlterNotNull(column, column)))
    if old.name != new.name and old.name and new.name:
        names = f"{quote(old.name)} TO {quote(new.name)}"
        text = f"{sql.alter_table(column)} RENAME CONSTRAINT {names}"
        steps.append(Step(Execute(text, "alter", column.address)))
    if new.validated and not old.validated:
        steps.append(Step(ValidateConstraint(new.name or "", column.address)))
    return Alteration((*steps, *commented(column, old.comment)))


def _unnamed(before: Required, after: Required, situation: Situation) -> Alteration:
    """Return the step that restores a child's NOT NULL which is dropped with its parent's.

    Nothing else can change where it is no constraint.
    """
    column = replace(after.column, not_null=after.constraint)
    above = descent.counterpart(situation.before, sub(column.address, "not_null"))
    lost = before.constraint.inherited and not after.constraint.inherited
    dropped = above is not None and not (above in situation.after and situation.stays(above))
    return Alteration((Step(AlterNotNull(column, column)),) if lost and dropped else ())


def _stays_child(column: Column, situation: Situation) -> bool:
    table = owner(column.address)
    parents = situation.before.parents(table)
    return bool(parents) and parents == situation.after.parents(table)


def _has_to_go(before: Required, after: Required, situation: Situation) -> bool:
    """Return whether a child's NOT NULL must be dropped and added again.

    An inherited constraint cannot be renamed, and no statement makes a local one inherited only.
    A partition is detached and attached again for that: fates._disown.
    """
    old, new = before.constraint, after.constraint
    if old.inherited:
        return old.name != new.name
    partition = sub(owner(after.column.address), "attachment") in situation.after
    return new.inherited and not partition
