"""The answer of `limbeck doctor`, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from limbeck.output.marks import Answer, Line, Span, Table, sections
from limbeck.paths import shown
from limbeck.project.seen import Completion
from limbeck.run.doctor import Checkup, Examination

if TYPE_CHECKING:
    from limbeck.output.answers.setup import CheckupData, DoctorAnswer


def text(examination: Examination, completions: Sequence[Completion] = ()) -> str:
    """Return the facts, a table of the environments, and what is missing with its remedies."""
    lines = [f"Wrote POSTGRES={each.major} into {shown(each.path)}" for each in completions]
    lines += [f"{name}: {value}" for name, value in examination.facts]
    headers = ("Environment", "URL from", "Database", "Postgres", "Shadow")
    rows = [_row(checkup) for checkup in examination.checkups]
    remarks = [line for checkup in examination.checkups for line in _remarks(checkup)]
    parts = [Answer(lines), Table(headers, rows) if rows else "", Answer(remarks)]
    if not remarks:
        parts.append(Span("Nothing is missing.", "good"))
    return sections(filter(None, parts))


def data(examination: Examination, completions: Sequence[Completion]) -> DoctorAnswer:
    """Return the examination and the written profiles, for JSON."""
    return {
        "ok": examination.healthy,
        "facts": dict(examination.facts),
        "environments": [_data(checkup) for checkup in examination.checkups],
        "written": [{"path": shown(each.path), "POSTGRES": each.major} for each in completions],
    }


def _data(checkup: Checkup) -> CheckupData:
    return {
        "environment": checkup.environment,
        "place": checkup.place,
        "destination": checkup.destination,
        "reachable": checkup.reachable,
        "declared": checkup.declared,
        "major": checkup.major,
        "shadow": checkup.shadow,
        "shadow_major": checkup.shadow_major,
        "remarks": [
            {"text": each.text, "hint": each.hint, "fails": each.fails} for each in checkup.remarks
        ],
    }


def _row(checkup: Checkup) -> tuple[str, ...]:
    shadow = checkup.shadow or "none"
    if checkup.shadow and checkup.shadow_major:
        shadow = f"{checkup.shadow}, Postgres {checkup.shadow_major}"
    database = checkup.destination or "?"
    if checkup.destination and not checkup.reachable:
        database += " (not reachable)"
    return checkup.environment, checkup.place or "none", database, _major(checkup), shadow


def _major(checkup: Checkup) -> str:
    if checkup.declared is not None:
        return f"{checkup.major or '?'} (declared: {checkup.declared})"
    return str(checkup.major or "?")


def _remarks(checkup: Checkup) -> Iterator[str]:
    for remark in checkup.remarks:
        yield Line(Span(checkup.environment, "error"), f": {remark.text}")
        if remark.hint:
            yield f"    {remark.hint}"
