"""Ask the environments for their state, side by side: `limbeck status` and `check`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.engine import audit, ledger, version_table
from limbeck.engine.ledger import Ledger
from limbeck.errors import LimbeckError, ModelsError, SeveralHeadsError
from limbeck.events import Listener, Notice, ignore
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.phased.gates import gate
from limbeck.phased.gates.standing import standings
from limbeck.phased.gates.waiting import Terms, Through
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.seen import note
from limbeck.run.drift import named
from limbeck.run.status import Finding, Status, findings
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay, searched
from limbeck.shadow.settled import settle, without_ignored
from limbeck.shadow.unchanged import unchanged

AT_ONCE = 8
"""How many environments are asked at the same time. Each of them holds a catalog in memory."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was read of an environment; `live` is None where there is nothing to compare.

    `server` is the server_version_num of its server, None where none answered.
    """

    profile: Profile
    status: Status
    live: Catalog | None = None
    path: tuple[str, ...] = ()
    server: int | None = None


def status(
    project: Project,
    profiles: Sequence[Profile],
    *,
    drift: bool = True,
    listen: Listener = log,
) -> tuple[Status, ...]:
    """Return the state of each environment, read over one connection each, side by side.

    An environment that cannot be read has a `problem` and does not hide the others.

    Args:
        project: The project, with its history and its models.
        profiles: The environments.
        drift: Whether to compare each database with a replay of its own revision.
        listen: Receives the stages of a replay.

    Raises:
        HistoryError: The revision files are broken.

    """
    looks = _side_by_side(_looks(project, profiles, drift=drift, listen=listen))
    return tuple(_compared(project, look, listen) for look in looks)


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
        settled = settle(project, recorded, Models(project, profile, listen).catalog())
        changes = recorded.changes_to(settled.catalog)
    except SeveralHeadsError as error:
        yield Finding("heads", None, error.message, error.hint)
    except ModelsError as error:
        yield Finding("models", None, error.message, error.hint)
    else:
        for note_ in settled.notes():
            listen(Notice(note_))
        if changes:
            text = f"the models differ from the recorded history: {named(changes)}"
            hint = "Write the revision: limbeck generate"
            yield Finding("unrecorded", None, text, hint, changes)


def _looks(
    project: Project, profiles: Sequence[Profile], *, drift: bool, listen: Listener
) -> Iterator[Callable[[], _Look]]:
    """Yield for each environment the function that asks it, which may run in another thread.

    What is started or created for an environment on this machine, is so before.
    """
    for profile in profiles:
        history = History.of(project, profile)
        heads = history.heads()  # broken files are an error, not the environment's problem
        several = heads if len(heads) > 1 else ()
        status = Status(profile.name, profile.branch, profile.protected, heads=several)
        try:
            database = urls.database(project, profile, listen)
        except LimbeckError as error:
            look = _Look(profile, replace(status, problem=error))
            yield partial(_same, look)
        else:
            status = replace(status, destination=database.destination)
            look = _Look(profile, status)
            yield partial(_looked, project, look, database, drift=drift, listen=listen)


def _side_by_side(functions: Iterable[Callable[[], _Look]]) -> Iterator[_Look]:
    """Yield what the functions return, in order, while the next ones run in threads."""
    pool = ThreadPoolExecutor(AT_ONCE)
    running: deque[Future[_Look]] = deque()
    try:
        for function in functions:
            running.append(pool.submit(function))
            if len(running) == AT_ONCE:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        # After Ctrl-C nobody waits for an answer that may never come.
        pool.shutdown(wait=False, cancel_futures=True)


def _same(look: _Look) -> _Look:
    return look


def _looked(
    project: Project, look: _Look, database: Database, *, drift: bool, listen: Listener
) -> _Look:
    """Return what an environment answers."""
    profile, status = look.profile, look.status
    history = History.of(project, profile)
    try:
        with connect(database, read_only=True, listen=listen) as connection:
            look = replace(look, server=connection.info.server_version)
            current, entries, live = _read(project, profile, connection, with_catalog=drift)
            path = searched(connection)
            status = _placed(status, history, current)
            status = _remembered(status, history, entries)
            status = _phased(status, history, connection, entries)
    except LimbeckError as error:
        return replace(look, status=replace(status, problem=error))
    return replace(look, status=status, live=None if status.unknown else live, path=path)


def _compared(project: Project, look: _Look, listen: Listener) -> Status:
    """Return the state of an environment with its difference from a replay."""
    if look.server is not None:  # here, because all environments are noted in one file
        note(project, look.profile, look.server)
    if look.live is None:
        return look.status
    beside = project.on(look.live.major)  # majors print some definitions differently
    revisions = ",".join(look.status.current or ()) or "base"
    try:
        own = Replay(beside, revisions, look.profile, listen, look.path)
        recorded = own.catalog()
        live = without_ignored(project, recorded, look.live)
        return replace(look.status, drift=recorded.changes_to(live))
    except LimbeckError as error:
        return replace(look.status, problem=error)


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
