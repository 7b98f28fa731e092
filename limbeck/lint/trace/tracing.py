"""Run revisions on a shadow whose tables have rows, and record the effects of each statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, MigrationError
from limbeck.events import Listener, Notice, ignore
from limbeck.history import baseline as baselines
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.probes.passage import Passage
from limbeck.lint.trace import rows
from limbeck.lint.trace.rows import Filling
from limbeck.lint.trace.scene import Place, Scene, backfill
from limbeck.lint.trace.statement import Statement
from limbeck.lint.trace.stopped import Stopped, described, stopped
from limbeck.plurals import counted
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow
from limbeck.stages import counting, staged

if TYPE_CHECKING:
    from limbeck.engine.upgrading import Series

ON_ROWS = ("22", "23")  # classes of SQLSTATE: data exceptions, violated constraints


@dataclass(frozen=True, slots=True)
class Trace:
    """A revision and the statements that it ran, in their order.

    `refused` is the statement that failed on the generated rows; then the statements are those of
    a run without rows. If the last statement has a failure, the revision fails there. `stopped`
    says why the rest of the revision is unknown. `passage` is what applications live through at its
    commit points, if it was probed there.
    """

    revision: Revision
    statements: tuple[Statement, ...]
    refused: Statement | None = None
    passage: Passage | None = None
    stopped: Stopped | None = None


def trace(
    project: Project,
    revisions: Sequence[Revision],
    *,
    applied: Sequence[str] | None = None,
    profile: Profile | None = None,
    listen: Listener = ignore,
) -> tuple[Trace, ...]:
    """Trace revisions in the order of the history; revisions between them run untraced.

    If Postgres refuses a statement, the trace of a revision ends there, and the next ones are not
    run. If its Python raises an exception with any rows and without, the next ones go on from
    there.

    Args:
        project: The project, with its history and its shadow.
        revisions: The revisions to trace.
        applied: The ids that the shadow starts from; by default the revisions below the first.
        profile: An environment with a history or timeouts of its own.
        listen: Receives the stages.

    Raises:
        MigrationError: The history before the revisions does not replay.

    """
    if not revisions:
        return ()
    history = History.of(project, profile)
    covered = {each.id for each in baselines.covered(history)}
    task = _Task(
        project,
        profile,
        history,
        tuple(each for each in revisions if each.id not in covered),
        applied,
        listen,
    )
    traces = {each.revision.id: each for each in _traced(task)} if task.revisions else {}
    ids = {revision.id for revision in revisions}
    ordered = (revision for revision in history.revisions() if revision.id in ids)
    return tuple(
        traces.get(each.id) or _untraced(history, each, covered, traces) for each in ordered
    )


def _untraced(
    history: History, revision: Revision, covered: set[str], traces: dict[str, Trace]
) -> Trace:
    """Return the trace of a revision that could not run at all."""
    if revision.id in covered:
        reason = f"it comes before {baselines.of(history)}, from which the history starts"
    else:
        last = next(reversed(traces.values())).revision
        reason = f"revision {last.id} fails before it"
    return Trace(revision, (), stopped=Stopped(reason))


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
            return self._not_below_baseline(tuple(self.applied), below)
        ids = {revision.id for revision in self.revisions}
        first = next(each for each in self.history.revisions() if each.id in ids)
        return self.history.tops(each.id for each in self.history.applied(first.parents))

    def _not_below_baseline(
        self, applied: tuple[str, ...], below: Sequence[Revision]
    ) -> tuple[str, ...]:
        """Return the baseline's revisions instead of earlier ones, whose schema is unknown."""
        needed = {*baselines.covered(self.history)}
        needed &= {*self.history.applied([each.id for each in self.revisions])}
        if needed <= {*below}:
            return applied
        return self.history.tops(each.id for each in {*needed, *below})

    def todo(self) -> tuple[Revision, ...]:
        """Return the revisions to run, with those between the traced ones."""
        wanted = ",".join(self.history.tops(revision.id for revision in self.revisions))
        return self.history.pending(self.start(), wanted)

    def place(self) -> Place:
        """Return where they run."""
        before = ",".join(self.start()) or "base"
        replay = Replay(self.project, before, profile=self.profile, listen=self.listen)
        shadow = Shadow.of(self.project, self.profile, listen=self.listen)
        return Place(self.history, shadow, replay.template(), self.profile, self.todo())


def _traced(task: _Task) -> Iterator[Trace]:
    from limbeck.engine.upgrading import Series  # noqa: PLC0415 - Alembic only when it is needed

    place, ids = task.place(), {revision.id for revision in task.revisions}
    text = f"tracing {counted(len(task.revisions), 'revision')} on the shadow"
    scene = Scene(place)
    tracer = _Tracer(scene, Series(task.history), task.listen)
    try:
        scene.open(place.template, rows.FILLINGS[0])
        with staged(task.listen, text, "revision", len(place.todo)) as stage:
            for number, revision in enumerate(counting(stage, place.todo)):
                recorded = revision.id in ids
                result = tracer.trace(number, revision, recorded=recorded)
                if recorded:
                    yield result
                if result.statements and result.statements[-1].failure:
                    return
                tracer.prepare(result)
    finally:
        scene.close()


class _Attempt(NamedTuple):
    """One run of a revision: its statements, and the exception of its Python, if any."""

    statements: tuple[Statement, ...]
    error: Exception | None = None

    @property
    def refused(self) -> Statement | None:
        """The statement that Postgres refused, and with which the revision ended."""
        last = self.statements[-1] if self.statements else None
        return last if last is not None and last.failure else None


@dataclass(frozen=True, slots=True)
class _Tracer:
    """Traces one revision after the other, each on the first rows that its Python can use."""

    scene: Scene
    series: Series
    listen: Listener

    def trace(self, number: int, revision: Revision, *, recorded: bool) -> Trace:
        """Run the revision that comes after `number` others, and return its trace."""
        first = attempt = self._attempt(revision, recorded=recorded)
        for filling in self._others(first):
            if self.scene.again(self.scene.place.todo[:number], filling):
                attempt = self._attempt(revision, recorded=recorded)
            else:
                attempt = self._attempt(revision, recorded=recorded, last=True)
                break
            if attempt.error is None and not _is_on_rows(attempt):
                break
        if self.scene.emptied and first.error is not None and attempt.error is None:
            self.listen(Notice(_without_rows(revision, first.error)))
        refused = first.refused if attempt is not first and first.error is None else None
        why = stopped(revision, attempt.error) if attempt.error else None
        return Trace(revision, attempt.statements, refused, stopped=why)

    def prepare(self, trace: Trace) -> None:
        """Prepare the scene for the revision after one that has been traced."""
        backfill(trace.revision, self.scene.connection)
        # After one that has stopped, nothing could tell whether the next one fails for its rows.
        if self.scene.emptied and trace.stopped is None:
            self.scene.fill(rows.FILLINGS[0])

    def _others(self, attempt: _Attempt) -> Sequence[Filling | None]:
        """Return the other rows to try; none where the rows are no reason for a failure."""
        if self.scene.filling is None:
            return ()
        if attempt.error is not None:
            return [*(each for each in rows.FILLINGS if each != self.scene.filling), None]
        return [None] if _is_on_rows(attempt) else ()

    def _attempt(self, revision: Revision, *, recorded: bool, last: bool = False) -> _Attempt:
        """Run a revision; `last` says that the next one goes on from where it may stop."""
        from limbeck.engine.upgrading import upgrade  # noqa: PLC0415 - as above

        scene, observer, raised = self.scene, self.scene.observer, list[Exception]()
        last = last or scene.filling is None  # without rows of ours there is nothing else to try
        remembered = {key: copy(value) for key, value in self.series.memo.items()}
        if recorded:
            observer.start(scene.connection, revision.path)
        try:
            upgrade(
                self.series, scene.connection, revision, observer.note, raised if last else None
            )
        except ConfigurationError:
            raise
        except Exception as error:
            self.series.memo.clear()
            self.series.memo.update(remembered)
            attempt = _Attempt(observer.stop() if recorded else (), error)
            observer.forget()
            if attempt.refused:
                return attempt._replace(error=None)
            if last:
                raise MigrationError(f"revision {revision} fails: {described(error)}") from error
            return attempt
        statements = observer.stop() if recorded else ()
        # What was refused on the way did not end the revision: it caught the error.
        effective = tuple(each for each in statements if each.failure is None)
        return _Attempt(effective, raised[0] if raised else None)


def _is_on_rows(attempt: _Attempt) -> bool:
    """Return whether Postgres has refused a statement for the rows that it met."""
    failure = attempt.refused.failure if attempt.refused else None
    return failure is not None and failure.sqlstate[:2] in ON_ROWS


def _without_rows(revision: Revision, error: Exception) -> str:
    return (
        f"revision {revision.id} is judged without rows: its Python fails on those that limbeck "
        f"invents ({described(error)})"
    )
