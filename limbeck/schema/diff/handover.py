"""A column that a child table has of its own, and that it will inherit from now on.

Postgres has no statement for this change: ADD COLUMN on the parent merges with the child's column,
which then stays local as well (attislocal). So the child's column is renamed, the parent passes a
new one down, the values are copied, and the renamed column is dropped.
"""

from __future__ import annotations

from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff import casts, descent
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.part import Attachment, owner, sub
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import qualified, quote


def applies(before: Column, after: Column, situation: Situation) -> bool:
    """Return whether a child's own column becomes one that it inherits from a new column."""
    if before.inherited or not after.inherited or before.generated or after.generated:
        return False
    # A partition's own column becomes inherited by ATTACH PARTITION itself.
    if isinstance(situation.after.get(sub(owner(after.address), "attachment")), Attachment):
        return False
    above = descent.counterpart(situation.after, after.address)
    return above is not None and above not in situation.before


def put_aside(column: Column, situation: Situation) -> Step:
    """Return the step that renames a column until its values are copied."""
    text = (
        f"ALTER TABLE {_table(column)} RENAME COLUMN {quote(column.name)}"
        f" TO {quote(_aside(column, situation.before, situation.after))}"
    )
    return Step(Execute(text, "alter", column.address))


def take_over(members: Members, situation: Situation) -> list[Step]:
    """Return the steps that copy the values into inherited columns and drop the old ones."""
    steps: list[Step] = []
    for after in (part for part in members if isinstance(part, Column)):
        before = situation.before.get(after.address)
        if isinstance(before, Column) and applies(before, after, situation):
            aside = quote(_aside(before, situation.before, situation.after))
            value = _value(before, after).replace(quote(after.name), aside, 1)
            texts = (
                f"UPDATE {_table(after)} SET {quote(after.name)} = {value}",
                f"ALTER TABLE {_table(after)} DROP COLUMN {aside}",
            )
            steps += [Step(Execute(text, "alter", after.address)) for text in texts]
    return steps


def _value(before: Column, after: Column) -> str:
    if before.type == after.type:
        return quote(after.name)
    return casts.conversion(before, after, aside=False)


def _table(column: Column) -> str:
    return qualified(column.schema, column.table)


def _aside(column: Column, *sides: Parts) -> str:
    """Return a name that no column of the table has before or after the change."""
    name = chosen_name(column.name, "", "old")
    while any(column.address._replace(part=name) in parts for parts in sides):
        name = chosen_name(name, "", "old")
    return name
