"""One revision with its SQL, its hazards and its environments, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from limbeck.output import hazards
from limbeck.output.journals import by, done, entry_data, took, when
from limbeck.output.marks import Answer, Line, Span, Sql, sections
from limbeck.paths import shown
from limbeck.plurals import counted
from limbeck.run.places import Place
from limbeck.run.revealing import Revealed

if TYPE_CHECKING:
    from limbeck.output.answers.everyday import PlaceData, ShowAnswer


def revealed_text(revealed: Revealed) -> str:
    """Return a revision: its file and parents, where it is applied, its SQL, its hazards."""
    revision = revealed.revision
    head: list[str] = [Line(Span(revision.id, "heading"), f"  {revision.message}")]
    head.append(f"  file       {shown(revision.path)}")
    head.append(f"  follows    {', '.join(revision.parents) or 'nothing: it is the first'}")
    if revision.replaces:
        head.append(f"  replaces   {', '.join(revision.replaces)}")
    head.append(f"  runs in    {steps(revealed)}")
    head += [Line("  ", _named(place), f": {standing(place)}") for place in revealed.places]
    blocks = (_block("Upgrade", revealed.upgrade), _block("Downgrade", revealed.downgrade))
    return sections([Answer(head), *blocks, *_hazards(revealed)])


def revealed_data(revealed: Revealed) -> ShowAnswer:
    """Return a revision for JSON; `hazards` is null where they were not traced."""
    revision, report = revealed.revision, revealed.report
    return {
        "revision": revision.id,
        "message": revision.message,
        "path": shown(revision.path),
        "follows": list(revision.parents),
        "replaces": list(revision.replaces),
        "steps": revealed.steps,
        "environments": [_place_data(place) for place in revealed.places],
        "upgrade": revealed.upgrade,
        "downgrade": revealed.downgrade,
        "hazards": hazards.hazards_data(report)["hazards"] if report else None,
        "unchecked": revealed.unchecked.message if revealed.unchecked else None,
    }


def _place_data(place: Place) -> PlaceData:
    return {
        "environment": place.environment,
        "protected": place.protected,
        "applied": place.applied,
        "entry": entry_data(place.entry) if place.entry else None,
        "problem": place.problem.message if place.problem else None,
    }


def steps(revealed: Revealed) -> str:
    """Return in words how a revision commits."""
    if revealed.steps is None:
        return "as many transactions as its Python commits"
    if revealed.steps > 1:
        return f"{counted(revealed.steps, 'step')}, each of which commits by itself"
    return "one transaction"


def standing(place: Place) -> str:
    """Return in words whether an environment holds a revision, since when and by whom."""
    if place.problem and place.applied is None:
        return place.problem.message
    if place.problem:  # only the ledger is hidden
        return f"{'applied' if place.applied else 'not applied'}; {place.problem.message}"
    if place.applied is None:
        return "unknown: it is at a revision without a file"
    entry = place.entry
    if entry is None:
        return "applied, by another tool than limbeck" if place.applied else "not applied"
    if place.applied != (entry.action in {"upgrade", "stamp", "adopt"}) and entry.finished:
        return "applied, by another tool than limbeck" if place.applied else "not applied"
    length = f" in {took(entry)}" if took(entry) else ""
    return f"{done(entry)} {when(entry.finished or entry.started)}{length}, by {by(entry)}"


def _named(place: Place) -> str:
    return Span(place.environment, "protected") if place.protected else place.environment


def _block(title: str, sql: str) -> str:
    return Answer([Span(f"{title}:", "heading"), Sql(sql.strip() or "-- nothing", 2)])


def _hazards(revealed: Revealed) -> Iterator[str]:
    if revealed.report:
        yield hazards.hazards_text(revealed.report)
    if revealed.unchecked:
        yield f"Hazards were not checked: {revealed.unchecked.message}"
