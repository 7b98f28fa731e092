"""Run revisions on a shadow whose tables have rows, and record the effects of each statement."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import psycopg

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError, MigrationError
from limbeck.events import Listener, Notice, ignore
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.probes.passage import Passage
from limbeck.lint.trace import named, rows
from limbeck.lint.trace.observer import Observer, observing
from limbeck.lint.trace.rows import Filling
from limbeck.lint.trace.statement import Statement
from limbeck.phased import phases
from limbeck.plurals import counted
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.sql.quoting import quote
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow
from limbeck.stages import Stage, counting, staged

ON_ROWS = ("22", "23")  # classes of SQLSTATE: data exceptions, violated constraints


@dataclass(frozen=True, slots=True)
class Trace:
    """A revision and the statements that it ran, in their order.

    `refused` is the statement that failed on the generated rows; then the statements are those of
    a run without rows. If the last statement has a failure, the revision fails there. `passage` is
    what applications live through at its commit points, if it was probed there.
    """

    revision: Revision
    statements: tuple[Statement, ...]
    refused: Statement | None = None
    passage: Passage | None = None


def trace(
    project: Project,
    revisions: Sequence[Revision],
    *,
    applied: Sequence[str] | None = None,
    profile: Profile | None = None,
    listen: Listener = ignore,
) -> tuple[Trace, ...]:
    """Trace revisions in the order of the history; revisions between them run untraced.

    Args:
        project: The project, with its history and its shadow.
        revisions: The revisions to trace.
        applied: The ids that the shadow starts from; by default the revisions below the first.
        profile: An environment with a history or timeouts of its own.
        listen: Receives the stages.

    Raises:
        MigrationError: The history before the revisions does not replay, or a revision fails in
            Python. If Postgres refuses a statement, the trace ends with that statement.

    """
    if not revisions:
        return ()
    task = _Task(project, profile, History.of(project, profile), tuple(revisions), applied, listen)
    traces, filling = _with_rows(task)
    if filling is None:
        return traces
    last = traces[-1].statements[-1] if traces and traces[-1].statements else None
    if last is None or last.failure is None or last.failure.sqlstate[:2] not in ON_ROWS:
        return traces
    # Without rows the same statement may succeed, and those after it can be traced, too.
    refusing = traces[-1].revision.id
    traces = _without_rows(task)
    return tuple(
        replace(trace, refused=last) if trace.revision.id == refusing else trace for trace in traces
    )


class _UnfitRowsError(MigrationError):
    """The Python of a revision failed on invented rows, as json.loads does on other texts."""

    def __init__(self, revision: Revision, error: Exception) -> None:
        super().__init__(f"revision {revision} fails: {error}")
        self.revision, self.error = revision, error


@dataclass(frozen=True, slots=True)
class _Task:
    """The revisions to trace, and the history and environment that they belong to."""

    project: Project
    profile: Profile | None
    history: History
    revisions: tuple[Revision, ...]
    applied: Sequence[str] | None
    listen: Listener

    def start(self) -> tuple[str, ...]:
        """Return the revisions that the shadow starts from."""
        below = self.history.applied(self.applied or ())
        # A late revision is below the applied ones: it is traced at its place in the history.
        if self.applied is not None and not set(below) & set(self.revisions):
            return tuple(self.applied)
        ids = {revision.id for revision in self.revisions}
        first = next(each for each in self.history.revisions() if each.id in ids)
        return self.history.tops(each.id for each in self.history.applied(first.parents))

    def todo(self) -> tuple[Revision, ...]:
        """Return the revisions to run, with those between the traced ones."""
        wanted = ",".join(self.history.tops(revision.id for revision in self.revisions))
        return self.history.pending(self.start(), wanted)


def _with_rows(task: _Task) -> tuple[tuple[Trace, ...], Filling | None]:
    """Run revisions on the first rows that their Python can use; also return which these are."""
    text = f"tracing {counted(len(task.revisions), 'revision')} on the shadow"
    unfit: _UnfitRowsError | None = None
    for filling in rows.FILLINGS:
        with staged(task.listen, text, "revision", len(task.todo()), silent=bool(unfit)) as stage:
            try:
                return _run(task, stage, filling), filling
            except _UnfitRowsError as error:
                unfit = unfit or error
    traces = _without_rows(task)
    if unfit:
        kind = type(unfit.error).__name__
        task.listen(
            Notice(
                f"revision {unfit.revision.id} is judged without rows: its Python fails on those "
                f"that limbeck invents ({kind}: {unfit.error})"
            )
        )
    return traces, None


def _without_rows(task: _Task) -> tuple[Trace, ...]:
    text = "tracing without rows"
    with staged(task.listen, text, "revision", len(task.todo()), silent=True) as stage:
        return _run(task, stage, None)


def _run(task: _Task, stage: Stage, filling: Filling | None) -> tuple[Trace, ...]:
    before = ",".join(task.start()) or "base"
    template = Replay(task.project, before, profile=task.profile, listen=task.listen).template()
    shadow = Shadow.of(task.project, task.profile, listen=task.listen)
    with (
        shadow.scratch(template) as database,
        connect(_timed(database, task.profile)) as connection,
    ):
        filled = filling is not None and _filled(task, connection, filling)
        with observing(database, connection) as observer:
            return _traces(task, stage, connection, observer, filled=filled)


def _filled(task: _Task, connection: Connection, filling: Filling) -> bool:
    """Fill the tables that the revisions may touch; return whether there are any."""
    if not rows.fillable(connection):
        return False
    paths = (revision.path for revision in task.todo())
    rows.fill(connection, named.tables(connection, paths), filling)
    return True


def _timed(database: Database, profile: Profile | None) -> Database:
    # With the timeouts of the environment, because rules judge them, too.
    chosen = profile or Profile("", "")
    return replace(
        database, lock_timeout=chosen.lock_timeout, statement_timeout=chosen.statement_timeout
    )


def _traces(
    task: _Task, stage: Stage, connection: Connection, observer: Observer, *, filled: bool
) -> tuple[Trace, ...]:
    from limbeck.engine.upgrading import Series, upgrade  # noqa: PLC0415 - Alembic only when it is needed

    traces: list[Trace] = []
    series, ids = Series(task.history), {revision.id for revision in task.revisions}
    for revision in counting(stage, task.todo()):
        traced = revision.id in ids
        if traced:
            observer.start(connection, revision.path)
        try:
            upgrade(series, connection, revision, observer.note)
        except LimbeckError as error:
            if filled:  # a worker reports all errors as one of ours
                raise _UnfitRowsError(revision, error) from error
            raise
        except Exception as error:
            statements = observer.stop()
            if not (traced and statements and statements[-1].failure):
                # A revision that reads rows may meet none on the shadow otherwise.
                raise _UnfitRowsError(revision, error) from error
            return (*traces, Trace(revision, statements))
        if traced:
            # What was refused on the way did not end the revision: it caught the error.
            statements = observer.stop()
            effective = tuple(each for each in statements if each.failure is None)
            traces.append(Trace(revision, effective))
        _backfill(revision, connection)
    return tuple(traces)


def _backfill(revision: Revision, connection: Connection) -> None:
    """Run the backfills of an expand revision, as they run before its contract."""
    phase = phases.of(revision)
    for backfill in phase.backfills if phase else ():
        sets = ", ".join(f"{quote(column)} = {value}" for column, value in backfill.assignments)
        update = f"UPDATE {backfill.table} SET {sets} WHERE {backfill.where}"
        with contextlib.suppress(psycopg.Error):  # a cast may fail on generated rows
            if not backfill.python:
                connection.execute(update.encode())
