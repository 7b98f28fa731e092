"""Accepted differences as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from limbeck.generate.accepting import Acceptance
from limbeck.history.accepted import REFUSED, Entry
from limbeck.plurals import counted

if TYPE_CHECKING:
    from limbeck.output.answers.history import AcceptAnswer, AcceptedData


def acceptance_text(acceptance: Acceptance) -> str:
    """Return the differences, a line each."""
    return "\n".join(_lines(acceptance))


def acceptance_data(acceptance: Acceptance) -> AcceptAnswer:
    """Return the same as JSON has it."""
    return {
        "file": str(acceptance.file),
        "added": [_data(entry) for entry in acceptance.added],
        "idle": [_data(entry) for entry in acceptance.idle],
    }


def _data(entry: Entry) -> AcceptedData:
    return {
        "object": entry.object,
        "attribute": entry.attribute,
        "history": entry.history,
        "models": entry.models,
        "reason": entry.reason,
    }


def _lines(acceptance: Acceptance) -> Iterator[str]:
    if not acceptance.added:
        yield "No differences: the history makes what the models describe."
    for entry in acceptance.added:
        yield f"  {_line(entry)}"
    if acceptance.idle:
        entries = counted(len(acceptance.idle), "entry", "entries")
        yield f"{entries} of {acceptance.file.name} that apply to nothing any more:"
    for entry in acceptance.idle:
        yield f"  {entry.object} {entry.attribute}".rstrip()


def _line(entry: Entry) -> str:
    if entry.attribute == REFUSED:
        return f"{entry.object}: {REFUSED}, so the history cannot have it"
    if not entry.attribute:
        side = "models" if entry.history is None else "history"
        return f"{entry.object}: only in the {side}"
    history, models = (_value(each) for each in (entry.history, entry.models))
    return f"{entry.object}: {entry.attribute} is {history} in the history, {models} in the models"


def _value(value: str | None) -> str:
    return "nothing" if value is None else " ".join(value.split())
