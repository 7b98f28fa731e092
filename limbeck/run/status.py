"""The state of each environment, and the findings of a check: `limbeck status` and `check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from limbeck.phased.gates.waiting import Terms, Through, Waiting
from limbeck.postgres.connect import Connection, connect
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.seen import note
from limbeck.run.drift import named
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay, searched
from limbeck.shadow.unchanged import unchanged
from limbeck.shell import command

RESTORE = "Restore the file, and put the change into a new revision."


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one environment.

    Args:
        environment: The name of its profile.
        branch: The database branch.
        protected: Whether its profile is protected.
        destination: Its address, without the password.
        current: The rows of its version table, () before the first revision; None when the
            database could not be read.
        applied: The revisions that it holds.
        pending: The revisions that it lacks.
        unknown: Current revisions without a file.
        squash: The revision that has replaced an unknown one.
        edited: Applied revisions whose SQL was edited since, by the database's ledger.
        deleted: Applied revisions whose files are missing.
        interrupted: Revisions that were interrupted, with the number of completed steps.
        downgrading: Those of them that were interrupted on the way down.
        drift: The differences from a replay of its own revision; None when unknown.
        problem: Why its database could not be read.
        phases: The phase of each change without downtime.
        waiting: Contract revisions on hold, which `migrate` leaves out.
        heads: The heads of its history, if there are several.

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
    downgrading: tuple[str, ...] = ()
    drift: tuple[Change, ...] | None = None
    problem: LimbeckError | None = None
    phases: tuple[Standing, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    heads: tuple[Revision, ...] = ()

    @property
    def ready(self) -> tuple[Revision, ...]:
        """The pending revisions that migrate would apply: those not on hold."""
        held = {id_ for waiting in self.waiting for id_ in (waiting.revision, *waiting.others)}
        return tuple(revision for revision in self.pending if revision.id not in held)

    @property
    def clean(self) -> bool:
        """Whether a check of the environment passes."""
        return not any(finding.fails for finding in findings(self))


@dataclass(frozen=True, slots=True)
class Finding:
    """One complaint of a check, or one contract revision on hold, which is no complaint.

    `kind` is heads, models, unrecorded, pending, interrupted, edited, deleted, drift, unknown,
    unreachable or waiting; `environment` is None where the project itself is wrong.
    """

    kind: str
    environment: str | None
    text: str
    hint: str | None = None
    changes: tuple[Change, ...] = ()
    waiting: Waiting | None = None

    @property
    def fails(self) -> bool:
        """Whether the finding makes a check fail."""
        return self.waiting is None


def status(
    project: Project,
    profiles: Sequence[Profile],
    *,
    drift: bool = True,
    listen: Listener = log,
) -> tuple[Status, ...]:
    """Return the state of each environment, read over one connection each.

    An environment that cannot be read has a `problem` and does not hide the others.

    Args:
        project: The project, with its history and its models.
        profiles: The environments.
        drift: Whether to compare each database with a replay of its own revision.
        listen: Receives the stages of a replay.

    Raises:
        HistoryError: The revision files are broken.

    """
    return tuple(_status(project, each, drift=drift, listen=listen) for each in profiles)


def check(
    project: Project, profiles: Sequence[Profile], *, listen: Listener = log
) -> tuple[Finding, ...]:
    """Return the findings about the history, the models and each environment.

    These are several heads, models without a revision, pending or unknown revisions, drift and
    unreachable environments. Contract revisions on hold are returned, too, but do not fail.

    Raises:
        HistoryError: The revision files are broken.

    """
    histories: dict[Path | None, Profile | None] = {each.versions: each for each in profiles}
    recorded = [
        finding
        for each in (histories or {None: None}).values()
        for finding in unrecorded(project, each, listen)
    ]
    statuses = status(project, profiles, listen=listen)
    return (*recorded, *(finding for each in statuses for finding in findings(each)))


def unrecorded(
    project: Project, profile: Profile | None = None, listen: Listener = log
) -> Iterator[Finding]:
    """Yield the findings about the history itself: several heads, models without a revision."""
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
            text = f"the models differ from the recorded history: {named(changes)}"
            hint = "Write the revision: limbeck generate"
            yield Finding("unrecorded", None, text, hint, changes)


def findings(status: Status) -> Iterator[Finding]:
    """Yield the findings about one environment."""
    name = status.environment
    migrate = command("limbeck", "migrate", "-e", name)
    if status.problem:
        yield Finding("unreachable", name, status.problem.message, status.problem.hint)
    if status.unknown:
        yield _unknown(status)
    if status.edited:
        ids = ", ".join(map(str, status.edited))
        yield Finding("edited", name, f"edited after they were applied: {ids}", RESTORE)
    if status.deleted:
        ids = ", ".join(status.deleted)
        hint = command("git", "log", "--all", "--", f"*{status.deleted[0]}*")
        yield Finding("deleted", name, f"applied, but the revision file is missing: {ids}", hint)
    for id_, steps in status.interrupted:
        text = f"revision {id_} was interrupted after step {steps}"
        yield Finding("interrupted", name, text, continuing(status, id_))
    if status.ready:
        ids = ", ".join(map(str, status.ready))
        yield Finding("pending", name, f"pending: {ids}", migrate)
    if status.drift:
        yield _drifted(status, status.drift)
    for waiting in status.waiting:
        text = f"on hold: {waiting.revision} ({waiting.message}): {waiting.reason}"
        yield Finding("waiting", name, text, waiting.hint, waiting=waiting)


def continuing(status: Status, id_: str) -> str:
    """Return the command that ends an interrupted revision, with what it does."""
    name = status.environment
    if id_ not in {each.id for each in (*status.applied, *status.pending)}:
        forget = command("limbeck", "repair", "-e", name, id_, "--forget")
        return f"Its file is missing. Restore it, or forget the revision: {forget}"
    if id_ in status.downgrading:
        return f"To continue it: {command('limbeck', 'rollback', '-e', name)}"
    for waiting in status.waiting:
        if waiting.revision == id_:
            return waiting.hint
    return f"To continue it: {command('limbeck', 'migrate', '-e', name)}"


def _unknown(status: Status) -> Finding:
    ids = ", ".join(status.unknown)
    if status.squash:
        replaced = f"the revisions that {status.squash} has replaced"
        text = f"is at revision {ids}, in the middle of {replaced}"
        hint = way_out(status.squash, status.unknown[0])
    else:
        text = f"is at revision {ids}, which no file has"
        log = command("git", "log", "--all", "--", f"*{status.unknown[0]}*")
        hint = f"Restore its file: {log}"
    return Finding("unknown", status.environment, text, hint)


def _drifted(status: Status, drift: tuple[Change, ...]) -> Finding:
    if status.edited:
        # The replay ran the edited files, so the difference is most likely the edit itself.
        text, hint = f"differs from its edited revisions: {named(drift)}", RESTORE
    else:
        pull = command("limbeck", "pull", "-e", status.environment)
        text = f"drifted from its own revision: {named(drift)}"
        hint = f"Add it to the models ({pull}), or revert it by hand."
    return Finding("drift", status.environment, text, hint, drift)


def _status(project: Project, profile: Profile, *, drift: bool, listen: Listener) -> Status:
    history = History.of(project, profile)
    heads = history.heads()  # outside of the try: broken files are not the environment's fault
    several = heads if len(heads) > 1 else ()
    status = Status(profile.name, profile.branch, profile.protected, heads=several)
    try:
        database = urls.database(project, profile, listen)
        status = replace(status, destination=database.destination)
        with connect(database, read_only=True, listen=listen) as connection:
            note(project, profile, connection.info.server_version)
            current, entries, live = _read(project, profile, connection, with_catalog=drift)
            path = searched(connection)
            status = _placed(status, history, current)
            status = _remembered(status, history, entries)
            status = _phased(status, history, connection, entries)
        if live is None or status.unknown:
            return status
        beside = project.on(live.major)  # majors print some definitions differently
        own = Replay(beside, ",".join(current) or "base", profile, listen, path)
        return replace(status, drift=own.catalog().changes_to(live))
    except LimbeckError as error:
        return replace(status, problem=error)


def _read(
    project: Project, profile: Profile, connection: Connection, *, with_catalog: bool
) -> tuple[tuple[str, ...], Ledger, Catalog | None]:
    history = History.of(project, profile)
    current = version_table.recorded(connection, version_table.of(history, connection))
    entries = ledger.read(connection)
    live = read(connection, filters=filters(project)) if with_catalog else None
    return current, entries, live


def _placed(status: Status, history: History, current: tuple[str, ...]) -> Status:
    """Return the status with its revisions, compared with the history."""
    known = {revision.id for revision in history.revisions()}
    if unknown := tuple(id_ for id_ in current if id_ not in known):
        squash = history.squashed(unknown[0])
        return replace(status, current=current, unknown=unknown, squash=squash)
    return replace(
        status,
        current=current,
        applied=history.applied(current),
        pending=history.pending(current),
    )


def _remembered(status: Status, history: History, entries: Ledger) -> Status:
    """Return the status with what the database's ledger says of its revisions."""
    interrupted = entries.interrupted().values()
    status = replace(
        status,
        deleted=history.deleted(entries.applied()),
        interrupted=tuple((entry.revision, entry.steps) for entry in interrupted),
        downgrading=tuple(each.revision for each in interrupted if each.action == "downgrade"),
    )
    if status.current is None or status.unknown:
        return status
    pending = {*ledger.late(history, status.current, entries), *status.pending}
    return replace(
        status,
        pending=tuple(revision for revision in history.revisions() if revision in pending),
        edited=audit.edited(history, status.current, entries),
    )


def _phased(status: Status, history: History, connection: Connection, entries: Ledger) -> Status:
    """Return the status with the phases of its changes and the contracts on hold."""
    if status.unknown:
        return status
    applied = {revision.id for revision in status.applied}
    through: Through = "expand" if status.protected else "contract"
    terms = Terms(status.environment, status.protected, through)
    passed = gate.passed(history, connection, status.pending, terms, ignore)
    phases = standings(history, connection, applied, entries)
    return replace(status, phases=phases, waiting=passed.waiting)
