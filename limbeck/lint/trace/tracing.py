"""Run revisions on a shadow whose tables have rows, and note what every statement does."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg

from limbeck.errors import LimbeckError, MigrationError
from limbeck.events import Listener, StageStarted, ignore
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.trace import rows
from limbeck.lint.trace.observer import Observer, observing
from limbeck.lint.trace.statement import Statement
from limbeck.phased import phases
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow

ON_ROWS = ("22", "23")  # classes of SQLSTATE: data exceptions, violated constraints


@dataclass(frozen=True, slots=True)
class Trace:
    """A revision and the statements that it ran, in their order.

    `refused` is the statement that failed on the invented rows; the statements are those of a run
    without rows then. Where the last of the statements has a failure, the revision does not run.
    """

    revision: Revision
    statements: tuple[Statement, ...]
    refused: Statement | None = None


def trace(
    project: Project,
    revisions: Sequence[Revision],
    *,
    applied: Sequence[str] | None = None,
    profile: Profile | None = None,
    listen: Listener = ignore,
) -> tuple[Trace, ...]:
    """Trace revisions in the order of the history; what lies between them runs unwatched.

    Args:
        project: whose history and shadow are used.
        revisions: those to trace.
        applied: the ids that the shadow starts from; without them, all that the first of the
            revisions follows.
        profile: an environment with a history or timeouts of its own.
        listen: is told the stages.

    Raises:
        MigrationError: what lies before the revisions does not replay, or a revision fails in
            Python. Where Postgres refuses a statement the trace ends with it.

    """
    way = _Way(project, profile, tuple(revisions), applied, listen)
    if not revisions:
        return ()
    many = "s" if len(revisions) > 1 else ""
    listen(StageStarted(f"tracing {len(revisions)} revision{many} on the shadow"))
    found = _run(way, filled=True)
    last = found[-1].statements[-1] if found and found[-1].statements else None
    if last is None or last.failure is None or last.failure.sqlstate[:2] not in ON_ROWS:
        return found
    refusing = found[-1].revision.id
    return tuple(
        replace(one, refused=last) if one.revision.id == refusing else one
        for one in _run(way, filled=False)
    )


@dataclass(frozen=True, slots=True)
class _Way:
    project: Project
    profile: Profile | None
    revisions: tuple[Revision, ...]
    applied: Sequence[str] | None
    listen: Listener

    @property
    def history(self) -> History:
        return History.of(self.project, self.profile)

    def start(self) -> tuple[str, ...]:
        below = self.history.applied(self.applied or ())
        # A revision that came late stands below what is applied: it runs where it stands.
        if self.applied is not None and not set(below) & set(self.revisions):
            return tuple(self.applied)
        first = next(one for one in self.history.revisions() if one in self.revisions)
        return self.history.tops(one.id for one in self.history.applied(first.parents))

    def todo(self) -> tuple[Revision, ...]:
        wanted = ",".join(one.id for one in self.revisions)
        return self.history.pending(self.start(), wanted)


def _run(way: _Way, *, filled: bool) -> tuple[Trace, ...]:
    before = ",".join(way.start()) or "base"
    template = Replay(way.project, before, profile=way.profile, listen=way.listen).template()
    shadow = Shadow.of(way.project, way.profile, listen=way.listen)
    with shadow.scratch(template) as database, connect(_timed(database, way.profile)) as connection:
        if filled:
            rows.fill(connection)
        with observing(database, connection) as observer:
            return _traces(way, connection, observer)


def _timed(database: Database, profile: Profile | None) -> Database:
    # The timeouts that the target would have are judged too.
    chosen = profile or Profile("", "")
    return replace(
        database, lock_timeout=chosen.lock_timeout, statement_timeout=chosen.statement_timeout
    )


def _traces(way: _Way, connection: Connection, observer: Observer) -> tuple[Trace, ...]:
    from limbeck.engine.upgrading import upgrade  # noqa: PLC0415 - Alembic only when it is needed

    found: list[Trace] = []
    for revision in way.todo():
        watched = revision in way.revisions
        if watched:
            observer.start(connection, revision.path)
        try:
            upgrade(way.history, connection, revision)
        except LimbeckError:
            raise
        except Exception as error:
            statements = observer.stop(connection)
            if not (watched and statements and statements[-1].failure):
                raise MigrationError(f"revision {revision} does not run: {error}") from error
            return (*found, Trace(revision, statements))
        if watched:
            found.append(Trace(revision, observer.stop(connection)))
        _backfill(revision, connection)
    return tuple(found)


def _backfill(revision: Revision, connection: Connection) -> None:
    """Fill in what an expand revision asks for, as is done before its contract."""
    phase = phases.of(revision)
    for one in phase.backfills if phase else ():
        sets = ", ".join(f"{column} = {value}" for column, value in one.assignments)
        with contextlib.suppress(psycopg.Error):  # invented rows, for which a cast may fail
            if not one.python:
                connection.execute(f"UPDATE {one.table} SET {sets} WHERE {one.where}".encode())
