"""One revision: its SQL, what it does to others, and where it is applied: `limbeck show`."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.dataclass import dataclass
from limbeck.engine import offline
from limbeck.errors import HistoryError, LimbeckError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint import linting
from limbeck.lint.linting import Report
from limbeck.logs import log
from limbeck.plurals import counted
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.places import Place, holdings


@dataclass(frozen=True, slots=True)
class Revealed:
    """A revision with everything that is known about it.

    `steps` counts what commits by itself: None when only a run can tell. `report` has its hazards;
    it is None where they were not asked for, or could not be traced: `unchecked` says why.
    """

    revision: Revision
    upgrade: str
    downgrade: str
    steps: int | None
    places: tuple[Place, ...] = ()
    report: Report | None = None
    unchecked: LimbeckError | None = None


def reveal(  # noqa: PLR0913 - what, from where, for whom
    project: Project,
    name: str,
    profiles: Sequence[Profile],
    *,
    own: Profile | None = None,
    lint: bool = True,
    listen: Listener = log,
) -> Revealed:
    """Return what is known about a revision.

    Args:
        project: The project, with its history and its shadow.
        name: The revision's id, the beginning of it, or "head".
        profiles: The environments to ask whether they hold it.
        own: An environment that keeps a history of its own, which has the revision.
        lint: Whether to run it on the shadow for its hazards.
        listen: Receives the stages.

    Raises:
        HistoryError: There is no such revision, or the revision files are broken.

    """
    history = History.of(project, own)
    revision = _only(history, name)
    (upgrade,) = offline.sql(history, [revision])
    (downgrade,) = offline.sql(history, [revision], downgrade=True)
    report, unchecked = _judged(project, revision, own, listen) if lint else (None, None)
    held = holdings(project, history, profiles, listen)
    return Revealed(
        revision,
        upgrade,
        downgrade,
        offline.steps(history, revision),
        tuple(each.place(revision) for each in held),
        report,
        unchecked,
    )


def _only(history: History, name: str) -> Revision:
    """Return the one revision that a text names."""
    revisions = history.find(name)
    if len(revisions) != 1:
        raise HistoryError(
            f"{name} is {counted(len(revisions), 'revision')}",
            hint="Name one by its id, or the beginning of it.",
        )
    return revisions[0]


def _judged(
    project: Project, revision: Revision, profile: Profile | None, listen: Listener
) -> tuple[Report | None, LimbeckError | None]:
    try:
        return linting.lint(project, [revision], profile=profile, listen=listen), None
    except LimbeckError as error:
        return None, error
