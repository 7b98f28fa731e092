"""Which revisions are replaced: a line of them, of which nothing branches off."""

from __future__ import annotations

from dataclasses import dataclass

from limbeck.errors import ConfigurationError, HistoryError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.phased import phases


@dataclass(frozen=True, slots=True)
class Line:
    """Revisions that follow one another; `after` is the id that the first follows, None is base."""

    revisions: tuple[Revision, ...]
    after: str | None

    @property
    def last(self) -> Revision:
        """The last one, whose id the new revision has."""
        return self.revisions[-1]

    @property
    def middle(self) -> tuple[str, ...]:
        """The ids at which a database is in the middle, old ones that were replaced too."""
        return tuple(id_ for id_ in self.replaced if id_ != self.last.id)

    @property
    def replaced(self) -> tuple[str, ...]:
        """The ids that the new revision stands for."""
        found = (id_ for one in self.revisions for id_ in (*one.replaces, one.id))
        return tuple(dict.fromkeys(found))


def line(history: History, first: str | None, last: str) -> Line:
    """Return the line from a revision, None is the first of all, to another, both included.

    Raises:
        HistoryError: there is no such line; says which revision is in the way.
        ConfigurationError: there is one revision, or none.

    """
    found = history.find(last)
    wanted = history.find(first) if first else ()
    if not found:
        raise ConfigurationError("there is nothing to squash: the history is empty")
    revisions = _back(history, found[0], wanted[0] if wanted else None)
    if len(revisions) < 2:  # noqa: PLR2004 - one is one already
        raise ConfigurationError(
            f"there is nothing to squash: {found[0]} is one revision",
            hint="limbeck squash FROM:TO names the first and the last of several.",
        )
    made = Line(revisions, revisions[0].down[0] if revisions[0].down else None)
    _refuse_branches(history, made)
    return made


def refuse_phases(made: Line, *, verbatim: bool) -> None:
    """Refuse to take a change without downtime apart, or to lose its backfill.

    Raises:
        HistoryError: a phase of it is outside, or its rows have to be filled in between.

    """
    for change in phases.changes(made.revisions):
        one = change.expand or change.contract
        if verbatim or not (change.expand and change.contract):
            why = (
                "its rows are filled in between its two revisions, which cannot be one"
                if change.expand and change.contract
                else "its other phase is outside"
            )
            raise HistoryError(
                f"{one} is a phase of the change {change.name}: {why}",
                hint="Squash the revisions before it, or those after it.",
            )


def _back(history: History, last: Revision, first: Revision | None) -> tuple[Revision, ...]:
    by_id = {one.id: one for one in history.revisions()}
    revisions = [last]
    while revisions[-1].down and revisions[-1] != first:
        one = revisions[-1]
        if len(one.down) > 1:
            raise HistoryError(
                f"{one} joins several lines, and a squash is of one line",
                hint="Squash the revisions after it, or those of one line before it.",
            )
        revisions.append(by_id[one.down[0]])
    if first and revisions[-1] != first:
        raise HistoryError(
            f"{first} is not below {last}", hint="The older one comes first: limbeck squash OLD:NEW"
        )
    return tuple(reversed(revisions))


def _refuse_branches(history: History, made: Line) -> None:
    inside = {one.id for one in made.revisions}
    for one in made.revisions:
        if one.needs or one.labels:
            raise HistoryError(
                f"{one} has a label or depends on another line, and a squash is of a plain line",
                hint="Squash the revisions before it, or those after it.",
            )
    for one in history.revisions():
        if one.id not in inside and (found := (inside - {made.last.id}) & set(one.parents)):
            raise HistoryError(
                f"{one} follows {', '.join(sorted(found))}, which would not be there any more",
                hint=f"Squash up to there: limbeck squash --to {min(found)}",
            )
