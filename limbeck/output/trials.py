"""The answers of `limbeck init --try`, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from limbeck.errors import LimbeckError, MigrationError, SeveralHeadsError
from limbeck.plurals import counted
from limbeck.run.trial import Part, Place, Side, Trial
from limbeck.schema.diff.settling import Difference
from limbeck.shadow.replay import NOT_REPLAYED

if TYPE_CHECKING:
    from limbeck.output.answers.setup import PartData, TrialDatabase, TrialPlace, TriedData

MOST: Final = 10
"""How many differences of a group are printed; JSON has all of them."""
LONGEST: Final = 60
"""How much of a value is printed: a function's body can be a page."""
_NOUNS: Final[dict[Side, str]] = {
    "history": "the history",
    "database": "the database",
    "models": "the models",
}


def text(trial: Trial) -> str:
    """Return a group of lines for each question: the answer, what differs, the next commands."""
    lines = [f"1. {_history(trial)}", *_details(trial.history)]
    place = _place(trial.place) if trial.place else ""
    database = _compared("the database", trial.database, place)
    lines += [f"2. {database}", *_details(trial.database)]
    lines += [f"3. {_compared('the models', trial.models, '')}", *_details(trial.models)]
    return "\n".join(lines)


def data(trial: Trial) -> TriedData:
    """Return the answers, for JSON."""
    database: TrialDatabase | None = None
    if trial.database and trial.place:
        database = {**_place_data(trial.place), **_data(trial.database)}
    return {
        "ok": trial.agrees,
        "trial": {
            "history": {"revisions": trial.revisions, **_data(trial.history)},
            "database": database,
            "models": _data(trial.models),
        },
    }


def _history(trial: Trial) -> str:
    if isinstance(trial.history.problem, MigrationError):
        return "The history does not run on an empty database:"
    if isinstance(trial.history.problem, SeveralHeadsError):
        return "The history runs on an empty database, and its heads have to be merged:"
    if trial.history.problem:
        return "The history could not be replayed:"
    if not trial.revisions:
        return "There is no history yet."
    return f"The history runs on an empty database: {counted(trial.revisions, 'revision')}."


def _compared(noun: str, part: Part | None, place: str) -> str:
    """Return the headline of the second or third question."""
    if part is None:
        return "No database was compared. Name one: limbeck init --try -e ENVIRONMENT, or --url URL"
    at = f" ({place})" if place else ""
    if part.sides is None and part.problem:
        return f"{noun.capitalize()} could not be compared{at}:"
    if part.sides is None:
        return f"{noun.capitalize()} can be created; there is nothing to compare them with."
    other = _NOUNS[part.sides[0]]
    verb = "are" if noun == "the models" else "is"
    has = "holds" if part.sides[0] == "database" else "makes"
    if not part.differences:
        return f"{noun.capitalize()} {verb} what {other} {has}{at}."
    count = counted(len(part.differences), "difference")
    return f"{noun.capitalize()} {verb} not what {other} {has}{at}: {count}:"


def _place(place: Place) -> str:
    """Return where a database is: "at r41, 3 behind head"."""
    if place.current is None:
        return place.destination
    if not place.current:
        compared = f", compared with {', '.join(place.compared)}" if place.compared else ""
        return f"{place.destination}, at no revision{compared}"
    behind = f", {place.behind} behind head" if place.behind else ""
    return f"{place.destination}, at {', '.join(place.current)}{behind}"


def _details(part: Part | None) -> Iterator[str]:
    """Yield the problem, the first differences, and the next commands."""
    if part is None:
        return
    if part.problem:
        yield from (f"     {line}" for line in _problem(part.problem))
    for difference in part.differences[:MOST]:
        assert part.sides  # noqa: S101 - there are differences
        yield f"     {_line(difference, *part.sides)}"
    if len(part.differences) > MOST:
        yield f"     and {len(part.differences) - MOST:,} more; --json has all of them"
    width = max((len(step.command) for step in part.next), default=0)
    for number, step in enumerate(part.next):
        yield f"   {'Next:' if number == 0 else '     '} {step.command:<{width}}  {step.effect}"


def _problem(problem: LimbeckError) -> Iterator[str]:
    yield from problem.message.removeprefix(NOT_REPLAYED).splitlines()
    if problem.hint:
        yield problem.hint


def _line(difference: Difference, before: Side, after: Side) -> str:
    if not difference.attribute:
        return f"{difference.address}: only in the {after if difference.before is None else before}"
    values = [difference.before, difference.after]
    if difference.attribute == "not_null" and None in values:  # not by its name only
        values = [value and "NOT NULL" for value in values]
    old, new = (_value(each) for each in values)
    what = f"{difference.address}: {difference.attribute}"
    return f"{what} is {old} in the {before}, {new} in the {after}"


def _value(value: str | None) -> str:
    if value is None:
        return "nothing"
    line = " ".join(value.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _place_data(place: Place) -> TrialPlace:
    return {
        "destination": place.destination,
        "current": None if place.current is None else list(place.current),
        "behind": place.behind,
        "compared_at": list(place.compared),
    }


def _data(part: Part) -> PartData:
    return {
        "agrees": part.agrees,
        "compared": list(part.sides) if part.sides else None,
        "problem": part.problem.message if part.problem else None,
        "hint": part.problem.hint if part.problem else None,
        "differences": [
            {
                "object": str(each.address),
                "attribute": each.attribute or None,
                "before": each.before,
                "after": each.after,
            }
            for each in part.differences
        ],
        "next": [{"command": step.command, "effect": step.effect} for step in part.next],
    }
