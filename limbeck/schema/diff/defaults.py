"""The default of a column."""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.diff import identities, sql
from limbeck.schema.diff.part import Default, sub
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import AlterColumn, Step


def nextval(sequence: Address) -> str:
    """Spell the default of a serial column as Postgres does."""
    return f"nextval({sql.literal(sql.of(sequence))}::regclass)"


def create(part: Default, _members: Members, situation: Situation) -> list[Step]:
    """Set a default; the sequence of a new serial starts after what is there."""
    column = part.column
    text = f"{sql.alter_column(column)} SET DEFAULT {part.expression}"
    before, after = _default_pair(column, None, part.expression, situation)
    step = Step(text, "alter", column.address, AlterColumn(before, after))
    return [step, *_catch_up(part, situation)]


def _catch_up(part: Default, situation: Situation) -> list[Step]:
    for address in situation.after.needs[sub(part.column.address, "default")]:
        sequence = situation.after.found.get(address)
        if not isinstance(sequence, Sequence) or address not in situation.created:
            continue
        if situation.kept(part.column.address) and part.expression == nextval(address):
            return [identities.catch_up(part.column, sql.of(address), sequence.options)]
    return []


def _default_pair(
    column: Column, before: str | None, after: str | None, situation: Situation
) -> tuple[Column, Column]:
    found = situation.after.catalog.objects.get(column.address)
    if not isinstance(found, Column):
        found = column
    return replace(found, default=before), replace(found, default=after)


def drop(part: Default, situation: Situation) -> list[Step]:
    """Drop a default."""
    column = part.column
    before, after = _default_pair(column, part.expression, None, situation)
    operation = AlterColumn(before, after)
    return [Step(f"{sql.alter_column(column)} DROP DEFAULT", "alter", column.address, operation)]


def alter(before: Default, after: Default, situation: Situation) -> Alteration:
    """Set another default."""
    text = f"{sql.alter_column(after.column)} SET DEFAULT {after.expression}"
    pair = _default_pair(after.column, before.expression, after.expression, situation)
    step = Step(text, "alter", after.column.address, AlterColumn(*pair))
    return Alteration((step, *_catch_up(after, situation)))
