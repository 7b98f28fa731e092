"""Rehearse pending revisions on a temporary branch, with the data of the environment."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from limbeck.branches.base import Branch
from limbeck.dataclass import dataclass
from limbeck.engine import version_table
from limbeck.events import Listener, Notice, RevisionFinished, RevisionStarted, StageStarted
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.locks import Timeline, timeline
from limbeck.lint.probes.gaps import Gap
from limbeck.lint.probes.passage import Passage
from limbeck.lint.trace.observer import Observer, observing
from limbeck.lint.trace.statement import Statement
from limbeck.logs import log
from limbeck.phased.gates import gate
from limbeck.phased.gates.waiting import Terms
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project import places
from limbeck.project.places import Place
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.difference import Schema, difference
from limbeck.run.offending import Offending, offending
from limbeck.run.probing import Probing

if TYPE_CHECKING:
    from limbeck.engine.upgrading import Series

TTL = timedelta(hours=2)
PREFIX = "rehearsal"


@dataclass(frozen=True, slots=True)
class Hold:
    """A table that a statement blocked: its estimated rows, the lock, whether it was rewritten.

    `seconds` is the duration of the statement; the lock is held until its transaction ends.
    """

    table: str
    mode: str
    rewritten: bool
    rows: int
    seconds: float
    line: int


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A revision that ran, its duration in seconds, and the tables that it blocked.

    `passage` is what applications live through at its commit points, if it has any inside;
    `timeline` has its statements and all their locks.
    """

    id: str
    message: str
    seconds: float
    holds: tuple[Hold, ...]
    passage: Passage | None = None
    timeline: Timeline | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The revision that failed, the message of Postgres, and the rows that it failed on."""

    id: str
    message: str
    words: str
    offending: Offending | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The result of a rehearsal; the environment itself is unchanged.

    `difference` is the SQL between the schemas before and after; `test` is the exit code of the
    test that ran on the migrated branch, None without a test.
    """

    environment: str
    branch: str
    revisions: tuple[Rehearsed, ...]
    failed: Failed | None
    difference: str
    test: int | None = None

    @property
    def good(self) -> bool:
        """Whether every revision ran without interrupting applications, and the test passed."""
        return self.failed is None and not self.test and not self.gaps

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What interrupts applications between two commits of a revision."""
        passages = (revision.passage for revision in self.revisions)
        return tuple(gap for passage in passages if passage for gap in passage.gaps)


def rehearse(  # noqa: PLR0913 - where, with what, for how long
    project: Project,
    profile: Profile,
    *,
    test: Callable[[str], int] | None = None,
    ttl: timedelta = TTL,
    keep: bool = False,
    listen: Listener = log,
) -> Rehearsal:
    """Run the pending revisions on a copy of an environment's branch, and delete the copy.

    The branch expires by itself, in case this process is killed.

    Args:
        project: the project, with its history.
        profile: the environment to copy.
        test: receives the URL of the migrated branch and returns an exit code.
        ttl: the lifetime of the branch.
        keep: keep the branch until it expires.
        listen: receives the stages.

    Raises:
        BranchError: the branch cannot be created.
        ConfigurationError: the environment's branch is unknown.
        HistoryError: the revision files are broken.

    """
    place = places.place(project, profile, listen)
    with _copy(place, ttl, listen, keep=keep) as branch:
        database = _timed(place.provider.isolated(branch.name), profile)
        rehearsal = _run(project, profile, database, listen)
        if test is not None and rehearsal.failed is None:
            listen(StageStarted("testing the migrated branch"))
            rehearsal = replace(rehearsal, test=test(database.url))
        return replace(rehearsal, branch=branch.name)


@contextlib.contextmanager
def _copy(place: Place, ttl: timedelta, listen: Listener, *, keep: bool) -> Iterator[Branch]:
    provider, name = place.provider, f"{PREFIX}/{secrets.token_hex(4)}"
    listen(StageStarted(f"copying {place.branch} to the branch {name}"))
    end = (datetime.now(UTC) + ttl).replace(microsecond=0)
    try:
        yield provider.create(name, place.branch, expires_at=end)
    finally:
        # Ctrl-C may have come before the branch was created.
        if not keep and any(existing.name == name for existing in provider.all()):
            provider.delete(name)


def _timed(database: Database, profile: Profile) -> Database:
    return replace(
        database,
        lock_timeout=profile.lock_timeout,
        statement_timeout=profile.statement_timeout,
    )


def _run(project: Project, profile: Profile, database: Database, listen: Listener) -> Rehearsal:
    history = History.of(project, profile)
    before = Schema.of(database)
    with connect(database, listen=listen) as connection:
        todo = history.pending(version_table.current(history, connection))
        terms = Terms(profile.name, profile.protected, "contract", allow_used=True)
        passed = gate.passed(history, connection, todo, terms, listen)
        todo = passed.revisions
        for waiting in passed.waiting:
            words = f"{waiting.revision} {waiting.message} is not rehearsed: {waiting.reason}"
            listen(Notice(words))
        connection.execute("ANALYZE")  # for the estimated rows of blocked tables
        probing = Probing(history, project, profile, database, listen)
        done, failed = _revisions(history, todo, probing, connection, listen)
    script = difference(before, Schema.of(database))
    return Rehearsal(profile.name, "", tuple(done), failed, script)


def _revisions(
    history: History,
    todo: tuple[Revision, ...],
    probing: Probing,
    connection: Connection,
    listen: Listener,
) -> tuple[list[Rehearsed], Failed | None]:
    from limbeck.engine.upgrading import Series  # noqa: PLC0415 - Alembic only when it is needed

    done: list[Rehearsed] = []
    series = Series(history)
    with observing(probing.database, connection) as observer:
        for number, revision in enumerate(todo, 1):
            which = (revision.id, revision.message, number, len(todo))
            listen(RevisionStarted(*which))
            rehearsed = _revision(series, revision, connection, observer, probing)
            if isinstance(rehearsed, Failed):
                return done, rehearsed
            listen(RevisionFinished(*which, rehearsed.seconds))
            done.append(rehearsed)
    return done, None


def _revision(
    series: Series,
    revision: Revision,
    connection: Connection,
    observer: Observer,
    probing: Probing,
) -> Rehearsed | Failed:
    from limbeck.engine.upgrading import upgrade  # noqa: PLC0415 - as above

    def run() -> None:
        upgrade(series, connection, revision, observer.note)

    observer.start(connection, revision.path)
    began = time.monotonic()
    try:
        passage = probing.passage(revision, connection, observer, run)
    except Exception as error:  # noqa: BLE001 - a revision may raise anything
        observer.stop()
        connection.rollback()
        words = str(getattr(error, "orig", error)).strip()
        return Failed(revision.id, revision.message, words, offending(connection, error))
    seconds = time.monotonic() - began - probing.seconds
    statements = observer.stop()
    holds = tuple(hold for each in statements for hold in _holds(connection, each))
    locks = timeline(revision, statements)
    return Rehearsed(revision.id, revision.message, seconds, holds, passage, locks)


def _holds(connection: Connection, statement: Statement) -> Iterator[Hold]:
    for oid, mode in statement.blocked():
        row = connection.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s", (oid,)
        ).fetchone()
        rows = max(0, int(str(row[0]))) if row else 0
        rewritten = oid in statement.rewritten()
        name = str(statement.name(oid))
        yield Hold(name, mode, rewritten, rows, statement.seconds, statement.line)
