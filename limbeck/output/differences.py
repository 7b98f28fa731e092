"""The steps from one schema to another, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from limbeck.output.marks import Answer, Line, Many, Span
from limbeck.output.revisions import VERBS, one_by_one, step_data, step_line
from limbeck.plurals import counted

if TYPE_CHECKING:
    from limbeck.output.answers.review import DiffAnswer
    from limbeck.schema.diff.steps import Step

_SIGNS: Mapping[str, str] = {"create": "+", "drop": "-"}


def text(before: str, after: str, steps: Sequence[Step]) -> str:
    """Return a line for each step from one schema to the other."""
    if not steps:
        return f"No differences between {before} and {after}."
    head = f"From {before} to {after}, {counted(len(steps), 'step')}:"
    return Answer([Span(head, "heading"), Many(map(_line, one_by_one(steps)))])


def _line(step: Step) -> str:
    sign = Span(_SIGNS.get(step.verb, "~"), VERBS.get(step.verb, "changed"))
    return Line(sign, " ", step_line(step))


def data(before: str, after: str, steps: Sequence[Step]) -> DiffAnswer:
    """Return the steps for JSON."""
    return {"from": before, "to": after, "steps": [step_data(step) for step in steps]}
