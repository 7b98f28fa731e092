"""Type changes of one table as one statement, because each statement rewrites the table.

Postgres does all actions of an ALTER TABLE in one rewrite (ALTER TABLE, Notes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from limbeck.schema.diff.column_operations import AlterType, AlterTypes
from limbeck.schema.diff.steps import Step


def combined(groups: Iterable[Sequence[Step]]) -> list[Step]:
    """Return the steps of several columns, with the type changes of a table in one statement.

    A type change joins the one of the column before it if nothing of its own column precedes it,
    such as a new generation expression.
    """
    steps: list[Step] = []
    place: int | None = None
    for group in filter(None, groups):
        if place is not None and _joins(steps[place], group[0]):
            steps[place] = _both(steps[place], group[0])
            steps += group[1:]
            continue
        start = len(steps)
        steps += group
        types = [n for n, step in enumerate(group) if isinstance(step.operation, AlterType)]
        place = start + types[0] if types else None
    return steps


def separated(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the same steps with one type change in each, for those who choose among them."""
    for step in steps:
        if not isinstance(step.operation, AlterTypes):
            yield step
            continue
        for change, loses in step.operation.changes:
            note = step.note if change == step.operation.changes[0][0] else None
            yield replace(step, operation=change, loses=loses, note=note)


def _joins(step: Step, other: Step) -> bool:
    changes = [change for each in (step, other) for change, _ in _changes(each)]
    # A parked column gets its type back only when the type inside of it has changed.
    same = len({change.address[1:3] for change in changes}) == 1
    return isinstance(other.operation, AlterType) and same and not any(c.parks for c in changes)


def _both(step: Step, other: Step) -> Step:
    changes = (*_changes(step), *_changes(other))
    losses = [loses for _, loses in changes if loses]
    notes = dict.fromkeys(note for each in (step, other) if (note := each.note))
    return replace(
        step,
        operation=AlterTypes(changes),
        loses=", ".join(losses) or None,
        note="; ".join(notes) or None,
    )


def _changes(step: Step) -> tuple[tuple[AlterType, str | None], ...]:
    if isinstance(step.operation, AlterTypes):
        return step.operation.changes
    return ((step.operation, step.loses),) if isinstance(step.operation, AlterType) else ()
