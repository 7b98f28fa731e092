"""Where each environment stands, and what a check would complain about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from limbeck.engine import audit, ledger, version_table
from limbeck.engine.ledger import Ledger
from limbeck.errors import LimbeckError, ModelsError, SeveralHeadsError
from limbeck.events import Listener, ignore
from limbeck.history.history import History
from limbeck.history.revisions import Revision, way_out
from limbeck.logs import log
from limbeck.phased.gates import gate
from limbeck.phased.gates.standing import Standing, standings
from limbeck.phased.gates.waiting import Terms, Waiting
from limbeck.postgres.connect import Connection, connect
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay
from limbeck.shadow.unchanged import unchanged


@dataclass(frozen=True, slots=True)
class Status:
    """Where one environment stands.

    `current` are the revisions that its version table holds, () before the first, None when it
    could not be asked; `unknown` those of them that no file holds, for `squash` has replaced them
    where that is not None. By the database's ledger
    applied revisions were `edited` or `deleted` since, and others `interrupted` after so many
    steps. `drift` is what differs from a replay of its own revision, None when that is not known;
    `problem` says why. `phases` is where each change without downtime is, `waiting` which of the
    pending revisions migrate leaves out until their time has come. `heads` are the heads of its
    history, where there are several.
    """

    environment: str
    branch: str
    protected: bool
    destination: str = ""
    current: tuple[str, ...] | None = None
    applied: tuple[Revision, ...] = ()
    pending: tuple[Revision, ...] = ()
    unknown: tuple[str, ...] = ()
    squash: Revision | None = None
    edited: tuple[Revision, ...] = ()
    deleted: tuple[str, ...] = ()
    interrupted: tuple[tuple[str, int], ...] = ()
    drift: tuple[Change, ...] | None = None
    problem: LimbeckError | None = None
    phases: tuple[Standing, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    heads: tuple[Revision, ...] = ()

    @property
    def ready(self) -> tuple[Revision, ...]:
        """The pending revisions that migrate would run: none that waits, and none behind it."""
        held = {id_ for one in self.waiting for id_ in (one.revision, *one.others)}
        return tuple(one for one in self.pending if one.id not in held)

    @property
    def clean(self) -> bool:
        """Whether a check of it would not fail."""
        return not any(one.fails for one in findings(self))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check complains about, or only tells.

    `kind` is heads, models, unrecorded, pending, interrupted, edited, deleted, drift, unknown,
    unreachable or waiting; `environment` is None for what is wrong in the project itself. A
    contract revision that is `waiting` for its time is as it should be.
    """

    kind: str
    environment: str | None
    text: str
    hint: str | None = None
    changes: tuple[Change, ...] = ()
    waiting: Waiting | None = None

    @property
    def fails(self) -> bool:
        """Whether a check ends badly by it."""
        return self.waiting is None


def status(
    project: Project,
    profiles: Sequence[Profile],
    *,
    drift: bool = True,
    listen: Listener = log,
) -> tuple[Status, ...]:
    """Ask each environment where it stands, over one connection each; nothing is changed.

    What is wrong with one of them is told in its Status and does not hide the others.

    Raises:
        HistoryError: the revision files are broken.

    """
    return tuple(_status(project, each, drift=drift, listen=listen) for each in profiles)


def check(
    project: Project, profiles: Sequence[Profile], *, listen: Listener = log
) -> tuple[Finding, ...]:
    """Return all that is not as it should be, and the contract revisions that wait; () is good.

    That is: several heads, models without a revision, and for each environment pending or
    unknown revisions, drift, or that it cannot be asked. What waits for its time does not fail.

    Raises:
        HistoryError: the revision files are broken.

    """
    apart: dict[Path | None, Profile | None] = {each.versions: each for each in profiles}
    recorded = [
        found
        for each in (apart or {None: None}).values()
        for found in unrecorded(project, each, listen)
    ]
    asked = status(project, profiles, listen=listen)
    return (*recorded, *(found for each in asked for found in findings(each)))


def unrecorded(
    project: Project, profile: Profile | None = None, listen: Listener = log
) -> Iterator[Finding]:
    """Yield what is wrong with the history itself: several heads, models without a revision."""
    try:
        if unchanged(project, profile):
            return
        recorded = Replay(project, "head", profile, listen).catalog()
        changes = recorded.changes_to(Models(project, profile, listen).catalog())
    except SeveralHeadsError as error:
        yield Finding("heads", None, error.message, error.hint)
    except ModelsError as error:
        yield Finding("models", None, error.message, error.hint)
    else:
        if changes:
            yield Finding(
                "unrecorded",
                None,
                f"the models differ from the recorded history: {_named(changes)}",
                "Write the revision: limbeck generate",
                changes,
            )


def findings(status: Status) -> Iterator[Finding]:
    """Yield what is wrong with one environment."""
    name = status.environment
    if status.problem:
        yield Finding("unreachable", name, status.problem.message, status.problem.hint)
    if status.unknown:
        ids = ", ".join(status.unknown)
        text = f"is at revision {ids}, which no file has"
        hint = f"Restore its file: git log --all -- '*{status.unknown[0]}*'"
        if status.squash:
            text = (
                f"is at revision {ids}, in the middle of the revisions that {status.squash} has "
                "replaced"
            )
            hint = way_out(status.squash, status.unknown[0])
        yield Finding("unknown", name, text, hint)
    if status.edited:
        ids = ", ".join(str(one) for one in status.edited)
        text = f"edited after they were applied: {ids}"
        yield Finding(
            "edited", name, text, "Bring the files back; what is new, goes into new ones."
        )
    if status.deleted:
        text = f"applied, and in no file any more: {', '.join(status.deleted)}"
        hint = f"git log --all -- '*{status.deleted[0]}*'"
        yield Finding("deleted", name, text, hint)
    for id_, steps in status.interrupted:
        text = f"revision {id_} was interrupted after step {steps}"
        yield Finding("interrupted", name, text, f"It goes on by: limbeck migrate -e {name}")
    if status.ready:
        ids = ", ".join(str(one) for one in status.ready)
        yield Finding("pending", name, f"pending: {ids}", f"limbeck migrate -e {name}")
    if status.drift:
        text = f"drifted from its own revision: {_named(status.drift)}"
        hint = f"Take it over into the models (limbeck pull -e {name}), or undo it by hand."
        yield Finding("drift", name, text, hint, status.drift)
    for one in status.waiting:
        text = f"waits: {one.revision} ({one.message}): {one.reason}"
        yield Finding("waiting", name, text, one.hint, waiting=one)


def _status(project: Project, profile: Profile, *, drift: bool, listen: Listener) -> Status:
    history = History.of(project, profile)
    heads = history.heads()  # here, because broken files are no environment's fault
    found = Status(profile.name, profile.branch, profile.protected)
    if len(heads) > 1:
        found = replace(found, heads=heads)
    try:
        database = urls.database(project, profile, listen)
        found = replace(found, destination=database.destination)
        with connect(database, read_only=True, listen=listen) as connection:
            current, kept, live = _ask(project, connection, with_catalog=drift)
            found = _remembered(_placed(found, history, current), history, kept)
            found = _phased(found, history, connection, kept)
        if live is None or found.unknown:
            return found
        own = Replay(project, ",".join(current) or "base", profile, listen)
        return replace(found, drift=own.catalog().changes_to(live))
    except LimbeckError as error:
        return replace(found, problem=error)


def _ask(
    project: Project, connection: Connection, *, with_catalog: bool
) -> tuple[tuple[str, ...], Ledger, Catalog | None]:
    current = version_table.recorded(connection)
    kept = ledger.read(connection)
    live = read(connection, filters=filters(project)) if with_catalog else None
    return current, kept, live


def _phased(found: Status, history: History, connection: Connection, kept: Ledger) -> Status:
    """Add where each change without downtime is, and what waits for its time."""
    if found.unknown:
        return found
    applied = {one.id for one in found.applied}
    found = replace(found, phases=standings(history, connection, applied, kept))
    terms = Terms(
        found.environment,
        found.protected,
        "expand" if found.protected else "contract",
    )
    passed = gate.passed(history, connection, found.pending, terms, ignore)
    return replace(found, waiting=passed.waiting)


def _remembered(found: Status, history: History, kept: Ledger) -> Status:
    """Add what the database's ledger says of its revisions."""
    begun = tuple((one.revision, one.steps) for one in kept.interrupted().values())
    found = replace(found, deleted=history.deleted(kept.applied()), interrupted=begun)
    if found.current is None or found.unknown:
        return found
    late = ledger.late(history, found.current, kept)
    pending = tuple(one for one in history.revisions() if one in {*late, *found.pending})
    return replace(found, pending=pending, edited=audit.edited(history, found.current, kept))


def _placed(found: Status, history: History, current: tuple[str, ...]) -> Status:
    known = {one.id for one in history.revisions()}
    if unknown := tuple(id_ for id_ in current if id_ not in known):
        squash = history.squashed(unknown[0])
        return replace(found, current=current, unknown=unknown, squash=squash)
    return replace(
        found,
        current=current,
        applied=history.applied(current),
        pending=history.pending(current),
    )


def _named(changes: Iterable[Change], most: int = 5) -> str:
    names = [_said(change) for change in changes]
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join(names[:most] + more)


def _said(change: Change) -> str:
    sign = "+" if change.before is None else "-" if change.after is None else "~"
    return f"{sign} {change.address}"
