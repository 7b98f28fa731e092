"""Run the statements of one revision in steps; called by the runner for each attempt.

A step is a transaction, or one statement of an autocommit block. What becomes of a statement
depends only on where the revision is between two commits: on the runner's `State`.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from limbeck.engine import autocommit, statements
from limbeck.engine.batch import Batch, Statement, send_together, unguarded
from limbeck.engine.newness import Newness
from limbeck.engine.progress import Progress, StoppedError
from limbeck.engine.session import Session
from limbeck.paths import shown

if TYPE_CHECKING:
    from sqlalchemy.engine.default import DefaultExecutionContext


class State(Enum):
    """Where a revision is between two commits."""

    OUTSIDE = "no attempt is running: statements are not the revision's"
    IDLE = "between two steps: the next statement begins a step"
    FRESH = "in a transaction that has touched only what it created itself: statements are sent"
    LOCKING = "in a transaction that locks what others use: statements wait for its end"
    SKIPPING = "in a step that an earlier run has committed: nothing is sent that changes anything"
    BLOCK = "in an autocommit block: each statement is a step"
    SENDING = "the runner sends a statement on SQLAlchemy's cursor, past the guard"


class StepRunner:
    """Runs the revisions of one session, an attempt at one revision at a time.

    `unread` says that Alembic executes, so that nobody reads the results; see `Context`.
    `lets_read` says that nothing of the transaction waits, so that a question may be sent at once.
    """

    def __init__(self, session: Session, *, pipelined: bool) -> None:
        self.session = session
        self.pipelined = pipelined
        self.state = State.OUTSIDE
        self.unread = False
        self.lets_read = False
        self.progress: Progress
        self._batch = Batch(session.connection)
        self._newness = Newness()
        self._began = 0.0
        self._uncommitted: list[tuple[str, str | None]] = []
        # None once the revision has done more than give statements that nobody reads.
        self._script: list[Statement] | None = []

    @contextmanager
    def attempt(self, progress: Progress) -> Iterator[None]:
        """Take the statements of SQLAlchemy and psycopg as the revision's inside of the block."""
        self._start(progress)
        try:
            yield
        except KeyboardInterrupt:
            self._batch.cancel()
            raise
        finally:
            self._batch.drop()
            self.state = State.OUTSIDE

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run several revisions inside of the block, whose results are read at its end.

        Raises:
            StatementError: a statement was refused; the revisions after its own have not run.

        """
        try:
            yield
            with self.session.watched():
                self._batch.flush()
        except KeyboardInterrupt:
            self._batch.cancel()
            raise
        finally:
            self._batch.drop()
            self.state = State.OUTSIDE

    @contextmanager
    def sent(self, progress: Progress) -> Iterator[None]:
        """Take the statements of one of several revisions inside of the block.

        If the block raises an error, nothing of the revision takes effect.
        """
        self._start(progress)
        try:
            yield
        except BaseException:
            self._batch.discard()
            if self.state is State.FRESH:
                self._batch.add(Statement("ROLLBACK"))
            raise
        finally:
            self.state = State.OUTSIDE

    def _start(self, progress: Progress) -> None:
        self.progress = progress
        progress.restart()
        self._uncommitted.clear()
        self._script = []
        self.state = State.IDLE

    def record(self, batch: Batch) -> None:
        """Give the statements to a batch that keeps them; see `recording`."""
        self._batch = batch

    @property
    def is_running(self) -> bool:
        """Whether statements and transactions are those of a revision, outside of its blocks."""
        return self.state not in {State.OUTSIDE, State.SENDING, State.BLOCK}

    def take(self, cursor: psycopg.Cursor[Any], text: str, *arguments: Any) -> bool:
        """Send, collect or skip a statement of SQLAlchemy; return whether it was handled.

        SQLAlchemy calls it before it executes anything, with or without parameters before its
        own context (`do_execute`, `do_execute_no_params`, `do_executemany`).
        """
        if self.state is State.OUTSIDE:
            return False
        *parameters, context = arguments
        values = parameters[0] if parameters else None
        # SQLAlchemy passes a list only to executemany.
        statement = Statement(text, values, many=isinstance(values, list))
        unread = self._is_unread(context)
        self.handle(cursor, statement, unread=unread, is_new=lambda: self._newness.holds(context))
        return True

    def handle(
        self,
        cursor: psycopg.Cursor[Any],
        statement: Statement,
        *,
        unread: bool,
        is_new: Callable[[], bool],
    ) -> None:
        """Send, collect or skip a statement of the revision.

        Args:
            cursor: sends it, and has its result.
            statement: what the revision executes.
            unread: whether nobody reads the result.
            is_new: returns whether it touches only what its transaction has created.

        """
        alone = self._is_block_of_its_own(statement.text)
        with self.block() if alone else nullcontext():
            self._handle(cursor, statement, unread=unread, is_new=is_new)

    def _handle(
        self,
        cursor: psycopg.Cursor[Any],
        statement: Statement,
        *,
        unread: bool,
        is_new: Callable[[], bool],
    ) -> None:
        self.lets_read = False
        if unread:
            self.progress.count(statement.text)
        self.progress.refuse_beyond()  # again, for a revision that has caught it
        self.progress.in_role |= statements.sets_role(statement.text)
        self._notice_end()
        if self._is_edge(statement):
            return
        if self.session.terms.committed is not None:
            where = statement.where or _line_in(self.session.folder)
            self._uncommitted.append((statement.text, where))
        if self.state is State.IDLE:
            self._begin()
        self._note(statement, unread=unread)
        if self.state is State.BLOCK and not self.progress.skips:
            autocommit.run(self.session, self.progress, statement, cursor)
            self._committed()
            self.progress.advance()
        elif self.progress.skips:
            self._skip(statement, cursor, unread=unread)
        elif unread and self._may_wait(statement.text):
            self._collect(statement, is_new)
            if self.state is State.FRESH:
                self._batch.send()
        else:
            self._flush()
            with self._sending(), self.session.watched():
                statement.send(cursor)
            status = self.session.connection.info.transaction_status
            if self._uncommitted and status == psycopg.pq.TransactionStatus.IDLE:
                self._committed()  # the statement itself was COMMIT
            self.lets_read = status == psycopg.pq.TransactionStatus.INTRANS

    def hear(self, statement: Statement) -> None:
        """Note a question about the catalog that has been sent."""
        self.progress.refuse_beyond()
        if self.session.terms.committed is not None:
            self._uncommitted.append((statement.text, statement.where))
        self._script = None

    def _note(self, statement: Statement, *, unread: bool) -> None:
        """Add a statement to the script, or note that there is none."""
        if self._script is None:
            return
        if unread and self._may_wait(statement.text) and self.state is not State.BLOCK:
            self._script.append(statement)
        else:
            self._script = None

    def sent_around(self, text: str, where: str | None = None) -> bool:
        """Send what waits, before a cursor sends a statement around SQLAlchemy.

        Returns:
            Whether the statement is dealt with, because it began or ended a transaction; if not,
            the cursor sends it.

        Raises:
            HistoryError: the statement belongs to a committed step; what it does is not known.

        """
        del where
        if not self.is_running:
            return False
        self._script, self.lets_read = None, False
        self._notice_end()
        if kind := statements.edge(text):
            self.ended(kind)
            return True
        if self.progress.skips:
            raise self.progress.unanswerable()
        if self.state is State.IDLE:
            self._begin()
        self._flush()
        return False

    def ended(self, kind: statements.Edge) -> None:
        """Begin, commit or roll back as the revision says, outside of an autocommit block.

        Its COMMIT ends a step, so that the ledger has the step if and only if the database has it.
        The next statement begins a transaction anyway.
        """
        self.lets_read = False
        if kind == "commit":
            self.end_step()
        elif kind == "rollback" and self.state in {State.FRESH, State.LOCKING, State.SKIPPING}:
            self._batch.drop()
            self._uncommitted.clear()
            self.session.connection.rollback()
            self.state = State.IDLE

    @contextmanager
    def block(self) -> Iterator[None]:
        """Commit the step; inside of the block each statement is a step of its own."""
        self._refuse_in_trial()
        self.end_step()
        self.state, self.lets_read = State.BLOCK, False
        try:
            yield
        finally:
            self.state = State.IDLE

    def end_step(self) -> None:
        """Commit what was done since the last boundary, as a step."""
        if self.state not in {State.FRESH, State.LOCKING, State.SKIPPING}:
            return
        self._refuse_in_trial()
        self._script = None
        if self.progress.skips:
            self.session.connection.rollback()
        else:
            self._flush(*self.progress.record_step(), Statement("COMMIT"))
            self._committed()
            self.progress.note_step()
        self.state = State.IDLE
        self.progress.advance()

    def finish(self, version_rows: list[Statement], done: Callable[[], None] | None = None) -> None:
        """Commit the last step together with the version row and the ledger's row.

        In one transaction: a database that has the step but not the row would run it twice.

        Args:
            version_rows: the statements that change the version rows.
            done: called after the commit, for which a revision among several does not wait.

        """
        self.progress.refuse_beyond()
        self._notice_end()
        if self.progress.skips:
            raise self.progress.changed()
        if self.state is State.IDLE:
            self._begin()
        # First, because the revision's own role may not write the rows, nor its search path find
        # their tables; and the next revision starts from the connection's own defaults.
        if self.session.terms.taken is not None:
            self.session.terms.taken(self.progress.revision, self._script)
        rows = [*self.session.resets, *version_rows, *self.progress.record_end()]
        if self.session.terms.look is not None:
            self._flush(*rows)
            with self._sending():
                self.session.terms.look()
        self._refuse_in_trial()
        if done is not None:
            self._batch.add(*rows, Statement("COMMIT", done=done))
            self._batch.send()
            return
        self._flush(*rows, Statement("COMMIT"))
        self._committed()
        self.progress.table_exists = self.progress.in_ledger

    def _refuse_in_trial(self) -> None:
        """Roll back and stop, before a COMMIT of a run that is only a trial."""
        if self.session.terms.look is not None:
            self._batch.drop()
            self.session.connection.rollback()
            raise StoppedError

    def abandon(self, error: Exception, began: float | None = None) -> Exception:
        """Roll back what is not committed; return the error with what is known of its reason.

        Args:
            error: what the revision failed with.
            began: when its transaction began, if it ran with others.

        """
        session = self.session
        if self.state in {State.FRESH, State.LOCKING}:
            began = self._began
        seconds = 0.0 if began is None else time.monotonic() - began
        self._batch.drop()
        try:
            session.connection.rollback()
            # An earlier step may have set something that the next attempt would begin with.
            send_together(session.connection, session.resets)
        except psycopg.OperationalError:  # the connection is gone, and with it the transaction
            session.target.invalidate()
        return session.ending.explained(error, seconds, session.transaction_timeout)

    def _committed(self) -> None:
        """Hand what the last COMMIT has made visible to the caller of the run."""
        statements_, self._uncommitted = self._uncommitted, []
        if self.session.terms.committed is not None:
            self.session.terms.committed(statements_)

    def _is_unread(self, context: DefaultExecutionContext) -> bool:
        """Return whether nobody can read the statement's result, so that it need not be there."""
        returning = getattr(context.compiled, "effective_returning", None)
        return bool((context.isddl or self.unread) and not returning)

    def _is_edge(self, statement: Statement) -> bool:
        """Deal with a statement that begins or ends a transaction; False for all others."""
        if kind := statements.edge(statement.text):
            if self.state is not State.BLOCK:  # in which there is no transaction to end
                self.ended(kind)
            return True
        if statement.parameters or not (several := statements.parts(statement.text)):
            return False
        for text in several:
            # SQLAlchemy has doubled the percent signs.
            part = replace(statement, text=text.replace("%%", "%"), parameters=None)
            self.handle(unguarded(self.session.connection), part, unread=True, is_new=bool)
        return True

    def _notice_end(self) -> None:
        """Note a step that the revision has committed by the driver's own means."""
        status = self.session.connection.info.transaction_status
        idle = status == psycopg.pq.TransactionStatus.IDLE
        if self.state is State.LOCKING and idle and self._batch.is_empty:
            send_together(self.session.connection, self.progress.record_step())
            self._committed()
            self.progress.note_step()
            self.state = State.IDLE
            self.progress.advance()

    def _is_block_of_its_own(self, statement: str) -> bool:
        """Return whether a statement runs under env.py's connection only, as in a block."""
        outside = self.session.autocommits and self.state is not State.BLOCK
        return outside and statements.is_concurrent(statement)

    def _may_wait(self, statement: str) -> bool:
        # A savepoint exists so that the revision can catch the error of a statement inside of it.
        if not self.pipelined or self.session.target.in_nested_transaction():
            return False
        return not statements.stands_alone(statement)

    def _collect(self, statement: Statement, is_new: Callable[[], bool]) -> None:
        where = statement.where or _line_in(self.session.folder)
        self._batch.add(replace(statement, where=where))
        if self.state is State.FRESH and not is_new():
            # From the first statement on that locks what others use, all wait and are sent in
            # one round trip at the end, so that the locks are held as shortly as possible.
            self.state = State.LOCKING

    def _begin(self) -> None:
        if self.progress.skips:
            self.state = State.SKIPPING
            return
        self.state, self._newness, self._began = State.FRESH, Newness(), time.monotonic()
        # Not sent yet: the transaction begins with its first statement, in one round trip.
        self._batch.add(Statement("BEGIN"), *self.session.limits(self.progress))

    def _flush(self, *last: Statement) -> None:
        self.state = State.LOCKING
        self._batch.add(*last)
        with self.session.watched():
            self._batch.flush()

    def _skip(self, statement: Statement, cursor: psycopg.Cursor[Any], *, unread: bool) -> None:
        """Send nothing that changes anything: the statement's step is committed."""
        if not unread:
            self._query(statement, cursor)
        if self.state is State.BLOCK:
            self.session.connection.rollback()
            self.progress.advance()

    def _query(self, statement: Statement, cursor: psycopg.Cursor[Any]) -> None:
        """Answer what the revision reads; a statement that writes is refused by the server."""
        connection = self.session.connection
        with self._sending():
            if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                connection.execute("BEGIN READ ONLY")
            connection.execute("SAVEPOINT limbeck")
            try:
                statement.send(cursor)
            except psycopg.errors.ReadOnlySqlTransaction:
                connection.execute("ROLLBACK TO limbeck")

    @contextmanager
    def _sending(self) -> Iterator[None]:
        outer, self.state = self.state, State.SENDING
        try:
            yield
        finally:
            self.state = outer


@lru_cache(maxsize=1)
def _shown(file: str) -> str:
    return shown(Path(file))


def _line_in(folder: Path) -> str | None:
    """Return file:line of the innermost frame whose code is in a folder."""
    # A statement that waits is refused at the end of its step, when its line is on no stack.
    frame = inspect.currentframe()
    inside = str(folder)
    while frame is not None:
        if frame.f_code.co_filename.startswith(inside):
            return f"{_shown(frame.f_code.co_filename)}:{frame.f_lineno}"
        frame = frame.f_back
    return None
