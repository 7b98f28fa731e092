"""A column that a child table has of its own, and from now on from its parent.

Postgres has no statement for it: where a parent gets a column that its child has already, the two
are merged, and the child's stays its own. So the child's column is renamed out of the way, the
parent hands down a new one, and that takes the values over.
"""

from __future__ import annotations

from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff import casts, descent, sql
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.part import Attachment, owner, sub
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Members, Situation
from limbeck.schema.diff.steps import Step


def is_one(before: Column, after: Column, situation: Situation) -> bool:
    """Tell whether a child's own column comes from a column that its parent gets now."""
    if before.inherited or not after.inherited or before.generated or after.generated:
        return False
    if isinstance(situation.after.found.get(sub(owner(after.address), "attachment")), Attachment):
        return False
    above = descent.counterpart(situation.after, after.address)
    return above is not None and above not in situation.before


def put_aside(column: Column, situation: Situation) -> Step:
    """Rename a column until its values are taken over."""
    text = (
        f"ALTER TABLE {_table(column)} RENAME COLUMN {sql.quote(column.name)}"
        f" TO {sql.quote(_aside(column, situation.before, situation.after))}"
    )
    return Step(Execute(text, "alter", column.address))


def take_over(members: Members, situation: Situation) -> list[Step]:
    """Copy the values into the columns that a new column of a parent has handed down."""
    steps: list[Step] = []
    for after in (part for part in members if isinstance(part, Column)):
        before = situation.before.found.get(after.address)
        if isinstance(before, Column) and is_one(before, after, situation):
            aside = sql.quote(_aside(before, situation.before, situation.after))
            value = _value(before, after).replace(sql.quote(after.name), aside, 1)
            texts = (
                f"UPDATE {_table(after)} SET {sql.quote(after.name)} = {value}",
                f"ALTER TABLE {_table(after)} DROP COLUMN {aside}",
            )
            steps += [Step(Execute(text, "alter", after.address)) for text in texts]
    return steps


def _value(before: Column, after: Column) -> str:
    if before.type == after.type:
        return sql.quote(after.name)
    return casts.conversion(before, after, aside=False)


def _table(column: Column) -> str:
    return sql.qualified(column.schema, column.table)


def _aside(column: Column, *sides: Parts) -> str:
    """Return a name that no column of the table has before or after."""
    name = sql.chosen_name(column.name, "", "old")
    while any(column.address._replace(part=name) in parts for parts in sides):
        name = sql.chosen_name(name, "", "old")
    return name
