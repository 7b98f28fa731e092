"""Half-done revisions as text and JSON, for `limbeck repair`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from limbeck.output.changes import change_line, changes_data
from limbeck.output.marks import Answer, Line, Span
from limbeck.plurals import counted
from limbeck.run.drift import outermost
from limbeck.run.halves import Half
from limbeck.run.repairing import Mark, Repair
from limbeck.shell import command

if TYPE_CHECKING:
    from limbeck.output.answers.history import RepairAnswer

_STANDINGS = {
    "done": "the database has everything that it changes",
    "undone": "the database has nothing of what it changes",
    "half": "the database has a part of what it changes",
    "unknown": "it changes rows only, so the catalog does not tell how far it is",
    "failing": "its file fails on the shadow, too, so limbeck cannot compare the database with it",
    "deleted": "its file is missing; what its steps have made stays, and is drift",
}


def repair_text(repair: Repair) -> str:
    """Return the half-done revisions with what to type next, or how one was marked."""
    if repair.mark is not None:
        at = ", ".join(repair.current) or "no revision"
        marked = f"{repair.marked} is marked as {repair.mark}"
        return f"{marked}. {repair.environment} ({repair.destination}) is at {at}."
    if not repair.halves:
        return f"{repair.environment}: no revision is half-done."
    return Answer(line for half in repair.halves for line in _lines(half, repair.environment))


def question(half: Half, mark: Mark, destination: str) -> str:
    """Return the question before a revision is marked."""
    return f"Mark the {half.action} of {half.revision} on {destination} as {mark}?"


def repair_data(repair: Repair) -> RepairAnswer:
    """Return the half-done revisions for JSON."""
    return {
        "environment": repair.environment,
        "destination": repair.destination,
        "current": list(repair.current),
        "marked": repair.marked,
        "mark": repair.mark,
        "halves": [
            {
                "id": half.revision,
                "message": half.message,
                "action": half.action,
                "done": half.steps,
                "doubt": half.doubt,
                "path": str(half.path) if half.path else None,
                "standing": half.standing,
                "missing": changes_data(half.missing),
                "left": changes_data(half.left),
                "next": list(commands(half, repair.environment)),
            }
            for half in repair.halves
        ],
    }


def commands(half: Half, environment: str) -> Iterator[str]:
    """Yield the commands that end a half-done revision, the first choice first."""
    repair = ("limbeck", "repair", "-e", environment, half.revision)
    if half.standing == "deleted":
        yield command(*repair, "--forget")
        return
    if half.standing in {"done", "undone"}:
        yield command(*repair, f"--{half.standing}")
    onward = "contract" if half.contract else "migrate"
    verbs = (onward, "rollback") if half.action == "upgrade" else ("rollback",)
    yield from (command("limbeck", verb, "-e", environment) for verb in verbs)


def _lines(half: Half, environment: str) -> Iterator[str]:
    after = f"after {counted(half.steps, 'step')}" if half.steps else "in its first step"
    text = f": the {half.action} of {half.revision} ({half.message}) ended {after}:"
    yield Line(Span(environment, "error"), text)
    yield f"  {_STANDINGS[half.standing]}."
    if half.doubt:
        yield "  The statement after them may have run, too."
    for title, changes in (("To be done", half.missing), ("To be undone", half.left)):
        if half.standing == "half":
            yield f"  {title}:"
            yield from (Line("    ", change_line(change)) for change in outermost(changes))
    yield f"  Next: {', or '.join(f'`{each}`' for each in commands(half, environment))}"
