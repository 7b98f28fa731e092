"""The revisions that a squash replaces: a line without branches."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, HistoryError
from limbeck.history import baseline as baselines
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.phased import phases
from limbeck.shell import command


@dataclass(frozen=True, slots=True)
class Line:
    """Consecutive revisions; `after` is the id that the first one follows, None is base.

    `on_tables` says that the first one runs on tables that were there before.
    """

    revisions: tuple[Revision, ...]
    after: str | None
    on_tables: bool = False

    @property
    def last(self) -> Revision:
        """The last revision, whose id the new revision gets."""
        return self.revisions[-1]

    @property
    def middle(self) -> tuple[str, ...]:
        """The ids of a database in the middle of the line, with those of earlier squashes."""
        return tuple(id_ for id_ in self.replaced if id_ != self.last.id)

    @property
    def replaced(self) -> tuple[str, ...]:
        """The ids that the new revision replaces."""
        ids = (id_ for each in self.revisions for id_ in (*each.replaces, each.id))
        return tuple(dict.fromkeys(ids))


def line(history: History, first: str | None, last: str) -> Line:
    """Return the line between two revisions, both included; None is the first of all.

    Raises:
        HistoryError: There is no such line; the error names the revision that prevents it.
        ConfigurationError: There is only one revision, or none.

    """
    ends = history.find(last)
    wanted = history.find(first) if first else ()
    if not ends:
        raise ConfigurationError("there is nothing to squash: the history is empty")
    first_after = _after_baseline(history, ends[0], wanted)
    revisions = _back(history, ends[0], wanted[0] if wanted else first_after)
    if len(revisions) < 2:  # noqa: PLR2004 - a single one needs no squash
        raise ConfigurationError(
            f"there is nothing to squash: {ends[0]} is a single revision",
            hint="Name the first and the last revision: limbeck squash FROM:TO",
        )
    after = revisions[0].down[0] if revisions[0].down else None
    result = Line(revisions, after, after is not None or baselines.of(history) is not None)
    _refuse_branches(history, result)
    return result


def _after_baseline(
    history: History, last: Revision, wanted: Sequence[Revision]
) -> Revision | None:
    """Return the first revision below the last one that follows the baseline, if there is one.

    Raises:
        HistoryError: The baseline contains the last revision, or the first one that is wanted.

    """
    covered = baselines.covered(history)
    for revision in (last, *wanted):
        if revision in covered:
            raise HistoryError(
                f"{revision} belongs to {baselines.of(history)}, from which the history starts",
                hint="Squash revisions that follow it.",
            )
    if not covered:
        return None
    line = {each.id: each for each in history.applied([last.id]) if each not in covered}
    return next((each for each in line.values() if not {*each.down} & line.keys()), None)


def refuse_phases(line: Line, *, verbatim: bool) -> None:
    """Raise an error if a change without downtime would be split, or lose its backfill.

    Raises:
        HistoryError: The other phase is outside of the line, or a backfill runs in between.

    """
    for change in phases.changes(line.revisions):
        phase = change.expand or change.contract
        if verbatim or not (change.expand and change.contract):
            why = (
                "its backfill runs between its two revisions, so they cannot become one"
                if change.expand and change.contract
                else "its other phase is not among the revisions"
            )
            raise HistoryError(
                f"{phase} is a phase of the change {change.name}: {why}",
                hint="Squash the revisions before it, or those after it.",
            )


def _back(history: History, last: Revision, first: Revision | None) -> tuple[Revision, ...]:
    by_id = {each.id: each for each in history.revisions()}
    revisions = [last]
    while revisions[-1].down and revisions[-1] != first:
        current = revisions[-1]
        if len(current.down) > 1:
            raise HistoryError(
                f"{current} is a merge of several lines, and a squash takes one line",
                hint="Squash the revisions after it, or those of one line before it.",
            )
        revisions.append(by_id[current.down[0]])
    if first and revisions[-1] != first:
        raise HistoryError(
            f"{first} is not below {last}",
            hint="Name the older revision first: limbeck squash OLD:NEW",
        )
    return tuple(reversed(revisions))


def _refuse_branches(history: History, line: Line) -> None:
    inside = {revision.id for revision in line.revisions}
    for revision in line.revisions:
        if revision.needs or revision.labels:
            raise HistoryError(
                f"{revision} has a branch label or depends_on, which a squash does not support",
                hint="Squash the revisions before it, or those after it.",
            )
    for revision in history.revisions():
        parents = (inside - {line.last.id}) & set(revision.parents)
        if revision.id not in inside and parents:
            raise HistoryError(
                f"{revision} follows {', '.join(sorted(parents))}, which would be removed",
                hint=f"Squash up to there: {command('limbeck', 'squash', '--to', min(parents))}",
            )
