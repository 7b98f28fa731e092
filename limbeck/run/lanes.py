"""How far each change without downtime is in each environment, stage by stage, with times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.engine.ledger import APPLYING, Entry, Ledger
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.phased.gates.standing import PhaseName, Standing
from limbeck.phased.gates.waiting import Waiting
from limbeck.phased.phases import Change, changes
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.journal import journals
from limbeck.run.status import Status

State: TypeAlias = Literal["done", "running", "on hold", "open"]
_ORDER: tuple[PhaseName, ...] = ("pending", "expanded", "backfilled", "contracted")


@dataclass(frozen=True, slots=True)
class Stage:
    """The expand, the backfill or the contract of a change, and what is known about it."""

    name: Literal["expand", "backfill", "contract"]
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A change in one environment: its three stages in their order."""

    change: str
    environment: str
    stages: tuple[Stage, ...]


def lanes(
    project: Project,
    profiles: Sequence[Profile],
    statuses: Sequence[Status],
    *,
    listen: Listener = log,
) -> tuple[Lane, ...]:
    """Return the lanes of all changes, those of one change below each other.

    Args:
        project: The project, with its history.
        profiles: The environments.
        statuses: The status of each of them, in the same order.
        listen: Receives the stages of the work.

    Raises:
        HistoryError: The revision files are broken.

    """
    asked = zip(profiles, statuses, journals(project, profiles, listen=listen), strict=True)
    unsorted = [
        lane
        for profile, status, journal in asked
        for lane in _lanes(History.of(project, profile), status, journal.ledger)
    ]
    order = {lane.change: number for number, lane in reversed([*enumerate(unsorted)])}
    return tuple(sorted(unsorted, key=lambda lane: order[lane.change]))


def _lanes(history: History, status: Status, ledger: Ledger) -> Iterator[Lane]:
    known = {change.name: change for change in changes(history.revisions())}
    waiting = {each.change: each for each in status.waiting}
    for standing in status.phases:
        stages = _stages(standing, known[standing.change], ledger, waiting.get(standing.change))
        yield Lane(standing.change, status.environment, tuple(stages))


def _stages(
    standing: Standing, change: Change, ledger: Ledger, waiting: Waiting | None
) -> Iterator[Stage]:
    reached = _ORDER.index(standing.phase)
    expanded = _applied(ledger, change.expand)
    yield Stage("expand", "done" if reached else "open", expanded if reached else "")
    if reached >= _ORDER.index("backfilled"):
        yield Stage("backfill", "done", "verified" if change.backfills else "no rows to fill in")
    else:
        yield Stage("backfill", "running" if reached else "open", _filled(standing))
    if standing.phase == "contracted":
        yield Stage("contract", "done", _applied(ledger, change.contract))
    elif waiting is not None:
        yield Stage("contract", "on hold", waiting.reason)
    else:
        yield Stage("contract", "open")


def _filled(standing: Standing) -> str:
    if standing.filled is None or not standing.total:
        return ""
    return f"{100 * standing.filled // standing.total} % of the rows"


def _applied(ledger: Ledger, revision: Revision | None) -> str:
    """Return when a revision was applied; nothing where another tool has done it."""
    own = [each for each in ledger.entries if revision and each.revision == revision.id]
    times = [time for each in own if (time := _time(each))]
    return f"{times[-1].astimezone(UTC):%Y-%m-%d %H:%M} UTC" if times else ""


def _time(entry: Entry) -> datetime | None:
    return entry.finished if entry.action in APPLYING else None
