"""The default of a column."""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.diff import identities
from limbeck.schema.diff.column_operations import AlterDefault
from limbeck.schema.diff.part import Default, sub
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import literal


def nextval(sequence: Address) -> str:
    """Return the default of a serial column, as Postgres spells it."""
    return f"nextval({literal(of(sequence))}::regclass)"


def create(part: Default, _members: Members, situation: Situation) -> list[Step]:
    """Set a default; the sequence of a new serial starts after the values in the column."""
    step = _altered(part.column, None, part.expression, situation)
    return [step, *_catch_up(part, situation)]


def _catch_up(part: Default, situation: Situation) -> list[Step]:
    for address in situation.after.needs[sub(part.column.address, "default")]:
        sequence = situation.after.get(address)
        if not isinstance(sequence, Sequence) or address not in situation.created:
            continue
        if situation.stays(part.column.address) and part.expression == nextval(address):
            return [identities.catch_up(part.column, of(address), sequence.options)]
    return []


def _altered(column: Column, before: str | None, after: str | None, situation: Situation) -> Step:
    whole = situation.after.catalog.objects.get(column.address)
    column = whole if isinstance(whole, Column) else column
    return Step(AlterDefault(replace(column, default=before), replace(column, default=after)))


def drop(part: Default, situation: Situation) -> list[Step]:
    """Drop a default."""
    return [_altered(part.column, part.expression, None, situation)]


def alter(before: Default, after: Default, situation: Situation) -> Alteration:
    """Replace a default."""
    step = _altered(after.column, before.expression, after.expression, situation)
    return Alteration((step, *_catch_up(after, situation)))
