"""Ask the environments for their state, side by side: `limbeck status` and `check`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from threading import Lock

from limbeck.dataclass import dataclass
from limbeck.engine import audit, ledger, pushes, state, version_table
from limbeck.engine.ledger import Ledger
from limbeck.errors import LimbeckError, ModelsError, SeveralHeadsError
from limbeck.events import Listener, Notice, ignore
from limbeck.history import baseline as baselines
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
from limbeck.run import apart, no_drift
from limbeck.run.drift import named
from limbeck.run.no_drift import Memo
from limbeck.run.status import Finding, Status, findings
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.filters import Filters
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay, searched
from limbeck.shadow.settled import settle
from limbeck.shadow.unchanged import unchanged

AT_ONCE = 8
"""How many environments are asked at the same time. Each of them holds a catalog in memory."""


@dataclass(frozen=True, slots=True)
class _Common:
    """What all environments of a question share, found once.

    `drift` says whether the databases are compared.
    """

    project: Project
    histories: Mapping[Path | None, History]
    drift: bool
    listen: Listener
    _lock: Lock = field(default_factory=Lock)
    _filters: list[Filters] = field(default_factory=list)
    _replayed: dict[object, Catalog] = field(default_factory=dict)

    def history(self, profile: Profile) -> History:
        """Return the history of an environment."""
        return self.histories[profile.versions]

    def filters(self) -> Filters:
        """Return what the project's settings and its env.py include."""
        with self._lock:
            if not self._filters:
                self._filters.append(filters(self.project))
            return self._filters[0]

    def note(self, profile: Profile, server: int) -> None:
        """Note the version of a server; all environments are noted in one file."""
        with self._lock:
            note(self.project, profile, server)

    def replayed(
        self, profile: Profile, major: int, current: Sequence[str], path: tuple[str, ...]
    ) -> Catalog:
        """Return the catalog that the history has at some revisions.

        Args:
            profile: An environment of the history.
            major: The major of its server: majors print some definitions differently.
            current: The revisions that it is at.
            path: The search path of its database.

        """
        key = (profile.versions, urls.shadow_url(self.project, profile), major, *current, path)
        with self._lock:
            if key not in self._replayed:
                revisions = ",".join(current) or "base"
                beside = self.project.on(major)
                replay = Replay(beside, revisions, profile, self.listen, path)
                self._replayed[key] = replay.catalog()
            return self._replayed[key]


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
    with ExitStack() as stack:
        histories = {each.versions: History.of(project, each) for each in profiles}
        for history in histories.values():
            history.heads()  # broken files are an error, not the environment's problem
            stack.enter_context(history.held())
        common = _Common(project, histories, drift, listen)
        return tuple(_side_by_side(_asking(common, profiles)))


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
            write = profile.generate if profile else "limbeck generate"
            hint = f"Write the revision: {write}"
            yield Finding("unrecorded", None, text, hint, changes)


def _asking(common: _Common, profiles: Sequence[Profile]) -> Iterator[Callable[[], Status]]:
    """Yield for each environment the function that asks it, which may run in another thread.

    What is started or created for an environment on this machine, is so before.
    """
    for profile in profiles:
        history = common.history(profile)
        heads = history.heads()
        several = heads if len(heads) > 1 and not history.lasting() else ()
        status = Status(
            profile.name,
            profile.branch,
            profile.protected,
            heads=several,
            generate=profile.generate,
        )
        try:
            database = urls.database(common.project, profile, common.listen)
        except LimbeckError as error:
            yield partial(replace, status, problem=error)
        else:
            status = replace(status, destination=database.destination)
            yield partial(_asked, common, profile, database, status)


def _side_by_side(functions: Iterable[Callable[[], Status]]) -> Iterator[Status]:
    """Yield what the functions return, in order; they run in threads.

    One that waits for its server holds one thread, while the others go on to the next functions.
    """
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        running = deque(pool.submit(function) for function in functions)
        while running:
            yield running.popleft().result()
    finally:
        # After Ctrl-C nobody waits for an answer that may never come.
        pool.shutdown(wait=False, cancel_futures=True)


def _asked(common: _Common, profile: Profile, database: Database, status: Status) -> Status:
    """Return the state of an environment, with its difference from a replay."""
    history = common.history(profile)
    try:
        with connect(database, read_only=True, listen=common.listen) as connection:
            common.note(profile, connection.info.server_version)
            current, entries = state.rows(connection, version_table.of(history, connection))
            status = _placed(status, history, current)
            status = _remembered(status, history, entries)
            status = _phased(status, history, connection, entries)
            if common.drift and not status.unknown:
                drift = _drift(common, profile, database, connection, current)
                # Without a difference, nothing of what was pushed is left.
                status = replace(status, drift=drift, pushed=status.pushed if drift else None)
    except LimbeckError as error:
        return replace(status, problem=error)
    return status


def _drift(
    common: _Common,
    profile: Profile,
    database: Database,
    connection: Connection,
    current: tuple[str, ...],
) -> tuple[Change, ...]:
    """Return the difference of a database from a replay of its own revisions.

    Args:
        common: What all environments share.
        profile: The environment.
        database: Its database.
        connection: A session on it.
        current: The revisions that it is at.

    """
    filters_ = common.filters()
    major = connection.info.server_version // 10000
    place = no_drift.place(common.project, database, filters_, connection)
    path = searched(connection)
    memo = Memo.saved(place)
    if (
        memo is not None
        and memo.holds(connection, filters_)
        and memo.fingerprint == common.replayed(profile, major, current, path).fingerprint()
    ):
        return ()
    live, contents = no_drift.read_with_contents(connection, filters_, hashed=place is not None)
    recorded = common.replayed(profile, major, current, path)
    return no_drift.compare(common.project, place, (recorded, live), contents)


def _placed(status: Status, history: History, current: tuple[str, ...]) -> Status:
    """Return the status with its revisions, compared with the history."""
    status = replace(status, baseline=baselines.of(history))
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
        pushed=pushes.outstanding(entries),
        unknown_text=apart.described(status.unknown, entries),
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
