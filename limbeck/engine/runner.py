"""The runner of one run: its revisions in order, their version rows, retries and events.

`running.run` calls it. It imports Alembic and SQLAlchemy, which `running` does not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import field, replace
from functools import partial
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import psycopg
from sqlalchemy import event

from limbeck.dataclass import dataclass
from limbeck.engine import defaults, ending, ledger, privileged
from limbeck.engine.batch import Statement, StatementError, VersionConflictError, guarded
from limbeck.engine.environment import Environment, VersionRows
from limbeck.engine.ledger import Ledger
from limbeck.engine.patience import Patience
from limbeck.engine.progress import Progress, StoppedError
from limbeck.engine.session import Session, lock_timeout
from limbeck.engine.state import State
from limbeck.engine.statements import Edge
from limbeck.engine.step_runner import StepRunner
from limbeck.engine.terms import Terms
from limbeck.errors import HistoryError, MigrationError
from limbeck.events import Listener, Notice, RevisionFinished, RevisionResumed, RevisionStarted
from limbeck.history import code, plainness, scripts
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.paths import shown
from limbeck.postgres.connect import as_sqlalchemy
from limbeck.postgres.watching import Watcher
from limbeck.project.code.errors import WorkerError
from limbeck.project.code.in_process import InProcess
from limbeck.stages import staged

if TYPE_CHECKING:
    from limbeck.engine.remote import Remote
    from limbeck.project.code.out_of_process import OutOfProcess


@contextmanager
def opened(
    history: History,
    connection: psycopg.Connection[Any],
    terms: Terms,
    state: State,
    listen: Listener,
) -> Iterator[Runner]:
    """Yield a runner on a connection, which is as it was afterwards.

    Args:
        history: the history whose revisions will run.
        connection: where they run; no transaction may be open on it.
        terms: what the database needs besides the statements.
        state: the version rows and the ledger, as they are now.
        listen: receives an event for each revision, retry and notice.

    """
    with ExitStack() as stack:
        environment = stack.enter_context(Environment(history, terms.place).installed())
        remote, target, connection = _connected(
            stack, history, connection, state, live=terms.ledger
        )
        watcher = None
        if terms.watch is not None:
            pid = connection.info.backend_pid
            watcher = Watcher(terms.watch, pid, listen, progress=terms.progress)
            stack.callback(watcher.close)
        patience = Patience(terms.patience, listen, watcher)
        session = Session(target, connection, history.folder, terms, listen, patience, watcher)
        session.ending = ending.listening(connection)
        session.resets = (
            defaults.resets(state.session.settings)
            if remote is None
            else defaults.of_worker(remote.connection)
        )
        steps = StepRunner(session, pipelined=terms.pipelined)
        if remote is not None:
            remote.handler = steps
        else:
            # An engine's hooks of this kind cannot be removed, so there is one set of them a run.
            for name in ("do_execute", "do_execute_no_params", "do_executemany"):
                event.listen(target.engine, name, steps.take)
            stack.callback(setattr, connection, "cursor_factory", connection.cursor_factory)
            connection.cursor_factory = guarded(steps.sent_around)
            for kind in ("commit", "rollback"):
                event.listen(target.engine, kind, partial(_ended, steps, kind))
        yield Runner(session, steps, environment, state, remote)


def _ended(steps: StepRunner, kind: Edge, _: object) -> None:
    """End the transaction as a revision asks SQLAlchemy's connection to."""
    if steps.is_running:
        steps.ended(kind)


def _connected(
    stack: ExitStack,
    history: History,
    connection: psycopg.Connection[Any],
    state: State,
    *,
    live: bool,
) -> tuple[Remote | None, Any, Any]:
    """Return the worker's run, if there is one, and the connections of SQLAlchemy and psycopg."""
    if not isinstance(history.code, InProcess):
        # Most projects run in limbeck's own process, and load nothing of the other one.
        from limbeck.engine import remote as remotes  # noqa: PLC0415 - see above

        code = cast("OutOfProcess", history.code)
        remote = stack.enter_context(remotes.opened(code, connection, history.folder, live=live))
        remote.rewritten = stack.enter_context(privileged.rewriting(connection))
        return remote, remote.target, remote.connection
    target = stack.enter_context(as_sqlalchemy(connection, state.session))
    stack.enter_context(privileged.assisting(connection, target))
    # SQLAlchemy takes this for a transaction. The real ones are the steps: their BEGIN and
    # COMMIT are statements of a batch, for which psycopg must not begin one by itself.
    connection.autocommit = True
    stack.callback(target.begin().close)
    return None, target, connection


_MOST: Final = 32
"""Revisions whose results nobody has read yet; more would only run in vain if one fails."""


@dataclass(slots=True)
class Turn:
    """A revision in a run: its module, and its place among all."""

    revision: Revision
    module: Any
    number: int
    total: int
    downgrade: bool
    progress: Progress = field(init=False)
    is_used: bool = False
    is_announced: bool = False

    @property
    def action(self) -> str:
        """The name of its function."""
        return "downgrade" if self.downgrade else "upgrade"

    def load(self, load: Callable[[Revision], Any]) -> Any:
        """Return its module for an attempt: loaded anew for each one after the first.

        What a module has, such as an iterator over rows, is used up by the first attempt.
        """
        if self.is_used:
            self.module = load(self.revision)
        self.is_used = True
        return self.module

    def started(self) -> RevisionStarted:
        """Return the event before its first statement."""
        return RevisionStarted(*self._about, downgrade=self.downgrade)

    def finished(self, seconds: float) -> RevisionFinished:
        """Return the event after its commit."""
        return RevisionFinished(*self._about, seconds, downgrade=self.downgrade)

    @property
    def _about(self) -> tuple[str, str, int, int]:
        return (self.revision.id, self.revision.message, self.number, self.total)


class Runner:
    """Runs revisions on one session; knows the version rows and the ledger as they change."""

    def __init__(
        self,
        session: Session,
        steps: StepRunner,
        environment: Environment,
        state: State,
        remote: Remote | None,
    ) -> None:
        self.session = session
        self.steps = steps
        self.history = environment.history
        self.environment = environment
        self.remote = remote
        self.context = environment.online(session.target, steps, state.table)
        self.ledger = state.ledger if session.terms.ledger else Ledger()
        self.heads = set(state.recorded)
        self.in_ledger = session.terms.ledger and self._may_write_ledger(state)
        self.interrupted = self.ledger.interrupted()
        self.adopted: list[Statement] = []
        self.below: frozenset[str] = frozenset()

    def run(self, revisions: Sequence[Revision], *, downgrade: bool) -> tuple[str, ...]:
        """Run revisions in this order; return the rows of the version table then."""
        with redirect_stdout(sys.stderr):  # what a revision prints is not part of the answer
            # All are imported, and their settings read, before the first of them runs.
            turns = [
                Turn(revision, self._load(revision), number, len(revisions), downgrade)
                for number, revision in enumerate(revisions, 1)
            ]
            self.adopted = [*self._adopted(), *self._renewed()]
            # Once: no revision that is to run comes below the version rows before it has run.
            self.below = frozenset() if downgrade else self._below()
            while turns:
                several, error = self._several(turns), None
                if len(several) > 1:
                    done, error = self._run_together(several)
                    several = several[done:]
                    turns = turns[done:]
                if several:
                    self._run_alone(turns[0], error)
                    turns = turns[1:]
        return tuple(sorted(self.heads))

    def _several(self, turns: Sequence[Turn]) -> list[Turn]:
        """Return the first of these, and those that need not wait for its end."""
        several: list[Turn] = []
        for turn in islice(turns, _MOST):
            if not self._may_be_together(turn):
                break
            several.append(turn)
        return several or [turns[0]]

    def _may_be_together(self, turn: Turn) -> bool:
        terms = self.session.terms
        return (
            terms.pipelined
            and terms.together
            and self.remote is None
            and (terms.committed, terms.look, terms.steps) == (None, None, None)
            and turn.revision.id not in self.interrupted
            and plainness.is_apart(turn.revision, turn.action)
        )

    def _run_together(self, turns: Sequence[Turn]) -> tuple[int, Exception | None]:
        """Send revisions without waiting for the end of each.

        Returns:
            How many are applied, and what stopped the next one, which goes on alone. Those after it
            have not run.

        """
        ended, error = _Ended(self, turns), None
        heads, adopted, exists = self.heads, self.adopted, self.ledger.exists
        ended.begin()
        try:
            with self.steps.together():
                for turn in turns:
                    turn.progress = self._progress(turn)
                    turn.progress.table_exists = exists
                    rows = self._version_rows(turn, heads)
                    done = partial(ended.note, rows.heads)
                    if error := self._send(turn, [*adopted, *rows.statements], done):
                        break
                    heads, adopted, exists = rows.heads, [], self.in_ledger
        except (StatementError, VersionConflictError) as refused:
            error = refused
        return ended.count, error and self.steps.abandon(error, ended.began)

    def _send(
        self, turn: Turn, rows: list[Statement], done: Callable[[], None]
    ) -> Exception | None:
        """Send one of several revisions; return the error if it raised one."""
        try:
            with self.steps.sent(turn.progress), self.environment.using(self.context):
                self._call(turn.load(self._load), turn.progress)
                self.steps.finish(rows, done)
        except Exception as error:  # noqa: BLE001 - whatever a revision raises
            return error
        return None

    def _run_alone(self, turn: Turn, error: Exception | None = None) -> None:
        """Run a revision until it is applied; MigrationError when it fails.

        Args:
            turn: the revision.
            error: what it has failed with among others.

        """
        self.announce(turn)
        began = time.monotonic()
        if error is None:
            turn.progress = self._progress(turn)
        progress = turn.progress
        if progress.begun:
            about = (turn.revision.id, turn.revision.message)
            self.session.listen(RevisionResumed(*about, progress.steps))
        # Before its first statement: afterwards, every moment is one in which others wait for it.
        rows = self._version_rows(turn, self.heads)
        with staged(self.session.listen, turn.revision.id, "statement", silent=True) as stage:
            # Only while nobody uses the database yet: a terminal that is stopped would keep the
            # locks of the revision for as long.
            first = self.session.terms.progress and not self.heads
            progress.stage = stage if first else None
            while error or (error := self._attempt(turn, progress, rows)):
                self._wait(error, progress)
                error = None
        self.note(rows.heads)
        self.ledger = replace(self.ledger, exists=progress.table_exists)
        self.session.listen(turn.finished(time.monotonic() - began))

    def announce(self, turn: Turn) -> None:
        """Report that a revision runs; once, although it may run among several and then alone."""
        if not turn.is_announced:
            turn.is_announced = True
            self.session.listen(turn.started())

    def note(self, heads: set[str]) -> None:
        """Note the version rows after a revision, with which the adopted ones are written."""
        self.heads, self.adopted = heads, []

    def _progress(self, turn: Turn) -> Progress:
        revision, ledger_ = turn.revision, self.ledger
        progress = Progress.of(
            revision, ledger_, downgrade=turn.downgrade, in_ledger=self.in_ledger
        )
        progress.lock_timeout = lock_timeout(turn.module, revision.path)
        progress.limit = self.session.terms.steps
        # A revision that could notice it gets the answer to each statement at once.
        self.steps.pipelined = self.session.terms.pipelined and plainness.is_plain(
            revision.path, progress.action
        )
        return progress

    def _version_rows(self, turn: Turn, heads: set[str]) -> VersionRows:
        """Return how the version rows change with a revision."""
        rows = VersionRows(self.context, set(heads))
        # A late revision is below the version rows already: they do not change.
        if turn.revision.id not in self.below:
            rows.update_to_step(self.environment.step(turn.revision, downgrade=turn.downgrade))
        return rows

    def _attempt(self, turn: Turn, progress: Progress, rows: VersionRows) -> Exception | None:
        """Run a revision once; return the error if it failed and everything is rolled back."""
        with self.steps.attempt(progress):
            try:
                with self.environment.using(self.context):
                    self._call(turn.load(self._load), progress)
                self.steps.finish([*self.adopted, *rows.statements])
            except (MigrationError, StoppedError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a revision raises
                return self.steps.abandon(error)
        return None

    def _load(self, revision: Revision) -> Any:
        """Import a revision anew; return its module, or what the worker says of it."""
        if self.remote is None:
            return scripts.module(self.history, revision)
        try:
            return SimpleNamespace(**self.remote.load(revision.path))
        except WorkerError as error:
            where = error.line(self.history.folder) or shown(revision.path)
            raise HistoryError(
                f"{where}: {error}", hint="Correct the revision file; nothing was run."
            ) from error

    def _call(self, module: Any, progress: Progress) -> None:
        downgrade = progress.action == "downgrade"
        if self.remote is not None:
            self.remote.call(progress.revision.path, downgrade=downgrade)
        else:
            (module.downgrade if downgrade else module.upgrade)()

    def _wait(self, error: Exception, progress: Progress) -> None:
        """Wait until another attempt may succeed; MigrationError if none may."""
        if isinstance(error, MigrationError | StoppedError):
            raise error
        if self.steps.pipelined and _is_several_statements(error):
            self.steps.pipelined = False
        elif not self.session.patience.again(error, progress.revision, progress.step):
            from limbeck.engine.failure import failure  # noqa: PLC0415 - most revisions succeed

            blockers = self.session.patience.blockers()
            raise failure(error, progress, self.history.folder, blockers) from error

    def _known_heads(self) -> list[str]:
        known = {revision.id for revision in self.history.revisions()}
        return [id_ for id_ in self.heads if id_ in known]

    def _below(self) -> frozenset[str]:
        """Return the ids of the revisions that the version rows cover."""
        applied = self.history.applied(self._known_heads())
        return frozenset(revision.id for revision in applied)

    def _adopted(self) -> list[Statement]:
        """Return what writes revisions that others applied into the ledger.

        It goes with the first revision of the run. From then on a revision below the version rows
        that is not in the ledger never ran: it is a late one.
        """
        if not self.in_ledger:
            return []
        heads = self._known_heads()
        late = {revision.id for revision in ledger.late(self.history, heads, self.ledger)}
        others = late | set(self.ledger.applied())
        rows: list[Statement] = []
        for revision in self.history.applied(heads):
            if revision.id not in others:
                values = {"digest": "", "sql": code.checksum(revision.path)}
                rows.append(
                    Statement(*ledger.finish(ledger.about(revision, "adopt"), values, begun=False))
                )
        if not rows or self.ledger.exists:
            return rows
        return [*(Statement(statement) for statement in ledger.CREATE), *rows]

    def _renewed(self) -> list[Statement]:
        """Return what replaces the checksums of older versions, of files that are unchanged."""
        if not self.in_ledger:
            return []
        applied = self.ledger.applied()
        old = {
            revision: code.checksum(revision.path)
            for revision in self.history.revisions()
            if (entry := applied.get(revision.id))
            and entry.sql
            and not entry.sql.startswith(code.FORM)
            and entry.file == revision.digest
        }
        return [Statement(*ledger.renew(old))] if old else []

    def _may_write_ledger(self, state: State) -> bool:
        if self.ledger.exists or state.writable:
            return True
        self.session.listen(
            Notice(
                f"no ledger is kept: role {self.session.connection.info.user} may not create "
                "the schema limbeck_state; a revision that is interrupted cannot go on by itself"
            )
        )
        return False


class _Ended:
    """Counts the revisions of several that are committed, and reports them one after the other."""

    def __init__(self, runner: Runner, turns: Sequence[Turn]) -> None:
        self.runner = runner
        self.turns = turns
        self.count = 0
        self.began = time.monotonic()

    def begin(self) -> None:
        """Report that the next revision runs, if there is one."""
        if self.count < len(self.turns):
            self.runner.announce(self.turns[self.count])
        self.began = time.monotonic()

    def note(self, heads: set[str]) -> None:
        """Note that the next revision is committed, with the version rows after it."""
        turn, runner = self.turns[self.count], self.runner
        self.count += 1
        runner.note(heads)
        runner.ledger = replace(runner.ledger, exists=runner.in_ledger or runner.ledger.exists)
        runner.session.listen(turn.finished(time.monotonic() - self.began))
        self.begin()


def _is_several_statements(error: Exception) -> bool:
    """Return whether a text was refused for holding several statements; nothing of it has run.

    Only Postgres can tell for certain: a pipeline uses the extended protocol, which takes one.
    """
    return (
        isinstance(error, StatementError)
        and isinstance(error.cause, psycopg.errors.SyntaxError)
        and "multiple commands" in str(error.cause)
    )
