"""One attempt at one revision: which statement belongs to which step, and what is sent when."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from limbeck.engine import alone, statements
from limbeck.engine.batch import Batch, Waiting, guarded, line_in
from limbeck.engine.newness import Newness
from limbeck.engine.progress import Progress
from limbeck.engine.session import Session
from limbeck.errors import HistoryError

if TYPE_CHECKING:
    from sqlalchemy.engine.default import DefaultExecutionContext


class Execution:
    """Steps are the transactions between autocommit blocks, and each statement in such a block.

    Of the steps that are done nothing is sent again: what `op` says is passed over, and what the
    revision asks the database itself is asked in a transaction that can only read.
    """

    def __init__(self, session: Session, progress: Progress, lock_timeout: str | None) -> None:
        self.session = session
        self.progress = progress
        self.lock_timeout = lock_timeout
        self.batch = Batch(session.connection)
        self.done = progress.steps
        self.step = 0
        self.in_block = False
        self._open = False
        self._newness: Newness | None = None
        self._began = 0.0
        self._limit = session.transaction_timeout  # a broken connection knows no version any more
        self._ours = 0
        self._pipelined = session.terms.pipelined
        self._digest = hashlib.sha256()

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Take over what SQLAlchemy and psycopg send on the connection."""
        connection = self.session.connection
        factory = connection.cursor_factory
        connection.cursor_factory = guarded(self._ready)
        self.session.take_over = self._statement
        try:
            yield
        finally:
            self.batch.drop()
            connection.cursor_factory = factory
            self.session.take_over = None

    @contextmanager
    def unanswered(self) -> Iterator[None]:
        """Mark that nobody reads the results of what is executed inside of the block."""
        self._ours += 1
        try:
            yield
        finally:
            self._ours -= 1

    @contextmanager
    def block(self) -> Iterator[None]:
        """End the step; inside of the block each statement is one."""
        self.end()
        self.in_block = True
        try:
            yield
        finally:
            self.in_block = False

    def end(self) -> None:
        """Commit what was done since the last boundary, as a step."""
        if not self._open:
            return
        if self._passing:
            self._rollback()
        else:
            for waiting in self.progress.step(self.step + 1, self.digest):
                self.batch.add(waiting)
            self._commit()
            self.progress.stepped(self.step + 1, self.digest)
        self.advance()

    def finish(self, version: list[Waiting]) -> None:
        """Commit the last step, with the version row and the ledger's."""
        if self._passing:
            raise self._not_the_same()
        self._begin()
        # What was sent runs meanwhile, and what waits has no lock yet.
        written = self.progress.finish(self.step, self.digest)
        for waiting in (*version, *written):
            self.batch.add(waiting)
        self._commit()
        self.progress.created = self.progress.kept

    def abandon(self) -> None:
        """Roll back what is not committed."""
        self.batch.drop()
        try:
            self.session.connection.rollback()
        except psycopg.OperationalError:  # the connection is gone, and with it all of this
            self.session.target.invalidate()

    def advance(self) -> None:
        """Go on to the next step."""
        self._open = False
        self.step += 1
        # The digest covers the steps behind; a file that was edited must still say the same.
        at_last = self.step == self.done
        if at_last and self.progress.edited and self.digest != self.progress.digest:
            raise self._not_the_same()

    @property
    def digest(self) -> str:
        """The hash of what `op` has said so far."""
        return self._digest.hexdigest()

    @property
    def settings(self) -> list[Waiting]:
        """What a transaction of this revision begins with."""
        session = self.session
        longest = session.terms.lock_timeout
        wait = session.patience.lock_timeout(self.progress.revision, self.step, longest)
        chosen = {
            "lock_timeout": self.lock_timeout or wait,
            "transaction_timeout": self._limit,
        }
        return [Waiting(f"SET LOCAL {name} = '{text}'") for name, text in chosen.items() if text]

    def reason(self, error: Exception) -> Exception:
        """Return an error with what is known of its reason."""
        waited = time.monotonic() - self._began if self._open else 0.0
        return self.session.ending.explained(error, waited, self._limit)

    @property
    def _passing(self) -> bool:
        return self.step < self.done

    def _statement(
        self,
        waiting: Waiting,
        cursor: psycopg.Cursor[Any],
        context: DefaultExecutionContext,
    ) -> None:
        """Do with a statement what is to be done in its step."""
        ours = self._is_ours(context)
        if ours:
            self._digest.update(statements.plain(waiting.statement).encode() + b";")
        if self._passing:
            self._pass(waiting, cursor, ours=ours)
        elif self.in_block:
            alone.run(self, waiting, cursor)
        elif ours and self._may_wait(waiting.statement):
            self._begin()
            self._wait(waiting)
            if self._makes_new(context):
                with self.session.watched():
                    self.batch.send()
        else:
            self._begin()
            self._flush()
            with self.session.watched(), self.batch.own():
                waiting.send(cursor)

    def _is_ours(self, context: DefaultExecutionContext) -> bool:
        """Tell whether nobody can ask for the result."""
        returning = getattr(context.compiled, "effective_returning", None)
        return bool((context.isddl or self._ours) and not returning)

    def _makes_new(self, context: DefaultExecutionContext) -> bool:
        """Tell whether it may run at once, for nobody can be waiting behind it.

        From the first one on that takes a lock, all are sent together, so that it is held shortly.
        """
        if self._newness and not self._newness.holds(context):
            self._newness = None
        return self._newness is not None

    def _may_wait(self, statement: str) -> bool:
        if not self._pipelined or self.session.target.in_nested_transaction():
            return False
        return not statements.stands_alone(statement)

    def _wait(self, waiting: Waiting) -> None:
        where = line_in(self.session.folder)
        self.batch.add(
            Waiting(waiting.statement, waiting.parameters, many=waiting.many, where=where)
        )

    def _begin(self) -> None:
        if not self._open:
            self._open, self._newness, self._began = True, Newness(), time.monotonic()
            for waiting in (Waiting("BEGIN"), *self.settings):
                self.batch.add(waiting)

    def _commit(self) -> None:
        self.batch.add(Waiting("COMMIT"))
        self._flush()

    def _flush(self) -> None:
        self._newness = None
        with self.session.watched():
            self.batch.flush()

    def _rollback(self) -> None:
        with self.batch.own():
            self.session.connection.rollback()

    def _ready(self) -> None:
        """Let a statement that goes around SQLAlchemy come after all that waits."""
        if self.batch.sending or self.in_block:
            return
        if self._passing:
            raise self._unanswerable()
        self._begin()
        self._flush()

    def _pass(self, waiting: Waiting, cursor: psycopg.Cursor[Any], *, ours: bool) -> None:
        """Send nothing that changes anything; the step it belongs to is done."""
        if not ours:
            self._ask(waiting, cursor)
        if self.in_block:
            self._rollback()
            self.advance()
        else:
            self._open = True

    def _ask(self, waiting: Waiting, cursor: psycopg.Cursor[Any]) -> None:
        connection = self.session.connection
        with self.batch.own():
            if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                connection.execute("BEGIN READ ONLY")
            connection.execute("SAVEPOINT limbeck")
            try:
                waiting.send(cursor)
            except psycopg.errors.ReadOnlySqlTransaction:
                connection.execute("ROLLBACK TO limbeck")

    def _not_the_same(self) -> HistoryError:
        return HistoryError(
            f"revision {self.progress.revision} was interrupted after step {self.done}, and the "
            "steps up to there are not in its file any more",
            hint="Bring the file back as it was. If you finish the work by hand: limbeck stamp.",
        )

    def _unanswerable(self) -> HistoryError:
        return HistoryError(
            f"revision {self.progress.revision} was interrupted after step {self.done}; it cannot "
            "go on by itself, for it needs an answer of a statement that has run already",
            hint="Finish its work by hand, then: limbeck stamp.",
        )
