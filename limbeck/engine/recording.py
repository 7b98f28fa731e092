"""Record the statements of plain revisions once, and run them on all databases that are alike.

A plain revision cannot notice where it runs, so its statements are the same on each database with
the same starting point (`starting.Start`). The fleet calls the revision's Python, Alembic and
SQLAlchemy once for all of them; on each database one round trip sends what was recorded, with the
version rows and the ledger's rows that the runner itself would send.
"""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stdout
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from limbeck.dataclass import dataclass
from limbeck.engine.batch import Batch, Statement, StatementError, VersionConflictError
from limbeck.engine.patience import Patience, cause, lacks_lock
from limbeck.engine.progress import Progress
from limbeck.events import ignore
from limbeck.history.plainness import is_repeatable
from limbeck.schema.sql import forms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import psycopg

    from limbeck.engine.runner import Runner
    from limbeck.engine.state import State
    from limbeck.engine.terms import Terms
    from limbeck.events import Blocker
    from limbeck.history.history import History
    from limbeck.history.revisions import Revision

_MOST: Final = 32
"""How many revisions are sent before their results are read, as in `runner`."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The statements of a revision between BEGIN and COMMIT, with its rows.

    `lock_timeout` is the one that the file sets for itself.
    """

    revision: Revision
    action: str
    statements: tuple[Statement, ...] = field(repr=False)
    lock_timeout: str | None


class _AskedError(Exception):
    """A revision has asked the database for something: its statements may depend on the answer."""


class _Kept(Batch):
    """A batch that is never sent."""

    def send(self) -> None:
        """Leave the statements where they are."""

    def flush(self) -> None:
        """Refuse to wait for results: there are none."""
        raise _AskedError

    def drop(self) -> None:
        """Discard the statements."""
        self.discard()

    def taken(self) -> tuple[Statement, ...]:
        """Return the statements so far, and forget them."""
        statements, self._waiting = self._waiting, []
        return tuple(statements)


def record(  # noqa: PLR0913 - as `running.run`
    history: History,
    connection: psycopg.Connection[Any],
    revisions: Sequence[Revision],
    *,
    downgrade: bool,
    terms: Terms,
    state: State,
) -> tuple[Recorded, ...] | None:
    """Return the statements that revisions would send to a database, without sending any.

    Args:
        history: the history that the revisions belong to.
        connection: a session on a database with the starting point; it is not changed.
        revisions: what to record, in the order to run it.
        downgrade: record the `downgrade` functions.
        terms: of the runs.
        state: the version rows and the ledger of the database.

    Returns:
        None where a revision has a transaction of its own making, or Python that could notice the
        database or make other values each time: those run on each database by themselves.

    """
    from limbeck.engine.opening import opened  # noqa: PLC0415 - Alembic only where something runs

    with opened(history, connection, replace(terms, watch=None), state, ignore) as runner:
        return _recorded(runner, revisions, downgrade=downgrade)


def _recorded(
    runner: Runner, revisions: Sequence[Revision], *, downgrade: bool
) -> tuple[Recorded, ...] | None:
    from limbeck.engine import adopting  # noqa: PLC0415 - as above

    batch = _Kept(runner.session.connection)
    runner.steps.record(batch)
    recorded: list[Recorded] = []
    with redirect_stdout(sys.stderr):
        turns = runner.turns(revisions, downgrade=downgrade)
        if not all(map(runner.may_be_together, turns)):
            return None
        if not all(map(is_repeatable, revisions)):
            return None
        if runner.in_ledger:
            runner.adopt()
        if not downgrade:
            runner.below = adopting.below(runner.history, runner.heads)
        heads, rows = runner.heads, runner.adopted
        exists = runner.ledger.exists
        for turn in turns:
            turn.progress = runner.progress_of(turn)
            turn.progress.table_exists = exists
            version = runner.version_rows(turn, heads)
            if runner.send(turn, [*rows, *version.statements], _nothing) is not None:
                return None
            begun = 1 + len(runner.session.limits(turn.progress))
            statements = batch.taken()[begun:-1]
            about = turn.revision, turn.action
            recorded.append(Recorded(*about, statements, turn.progress.lock_timeout))
            heads, rows, exists = version.heads, [], runner.in_ledger
    return tuple(recorded)


def _nothing() -> None:
    """Do nothing: no COMMIT was sent."""


def run(
    connection: psycopg.Connection[Any],
    recorded: Sequence[Recorded],
    terms: Terms,
    folder: Path,
    done: Callable[[Recorded], None],
) -> None:
    """Run recorded revisions on a database that is alike, under its migration lock.

    Args:
        connection: to the database; no transaction is open on it.
        recorded: the revisions.
        terms: its lock timeout, and for how long a step is retried that lacks a lock.
        folder: the folder of the revision files, for the line that failed.
        done: called after the commit of each revision.

    Raises:
        MigrationError: a revision failed; those before it are committed.

    """
    replay = _Replay(connection, terms, folder, done)
    left = list(recorded)
    try:
        while left:
            left = left[replay.attempt(left[:_MOST]) :]
    finally:
        replay.close()


class _Replay:
    """The recorded revisions on one database; see `run`."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        terms: Terms,
        folder: Path,
        done: Callable[[Recorded], None],
    ) -> None:
        from limbeck.engine import ending  # noqa: PLC0415 - with SQLAlchemy, as above
        from limbeck.postgres.watching import Watcher  # noqa: PLC0415 - the same

        self.connection, self.terms, self.folder, self.done = connection, terms, folder, done
        pid = connection.info.backend_pid
        self.watcher = Watcher(terms.watch, pid, ignore, progress=False) if terms.watch else None
        self.patience = Patience(terms.patience, ignore, self.watcher)
        self.ending = ending.listening(connection)
        major = connection.info.server_version // 10000
        newest = forms.TRANSACTION_TIMEOUT.exists(major)
        self.transaction_timeout = terms.transaction_timeout if newest else None
        self.lacking = False

    def attempt(self, recorded: Sequence[Recorded]) -> int:
        """Send revisions together; return how many are committed.

        Raises:
            MigrationError: the next one failed, and another attempt would not help.

        """
        committed: list[Recorded] = []
        began = time.monotonic()
        batch = Batch(self.connection)
        # After an attempt without a lock, the next one is alone and watches who holds it.
        recorded = recorded[:1] if self.lacking else recorded
        try:
            for each in recorded:
                end = partial(self._committed, committed, each)
                batch.add(Statement("BEGIN"), *self._limits(each), *each.statements)
                batch.add(Statement("COMMIT", done=end))
            if self.lacking and self.watcher is not None:
                with self.watcher.waiting():
                    batch.flush()
            else:
                batch.flush()
        except (StatementError, VersionConflictError) as error:
            batch.drop()
            self._roll_back()
            seconds = time.monotonic() - began
            explained = self.ending.explained(error, seconds, self.transaction_timeout)
            self._wait(explained, recorded[len(committed)])
        else:
            self.lacking = False
        return len(committed)

    def close(self) -> None:
        """Close the session that watches."""
        if self.watcher is not None:
            self.watcher.close()

    def _committed(self, committed: list[Recorded], each: Recorded) -> None:
        committed.append(each)
        self.done(each)

    def _limits(self, each: Recorded) -> list[Statement]:
        growing = self.patience.lock_timeout(each.revision, 0, self.terms.lock_timeout)
        settings = {
            "lock_timeout": each.lock_timeout or growing,
            "transaction_timeout": self.transaction_timeout,
        }
        return [
            Statement(f"SET LOCAL {name} = '{text}'") for name, text in settings.items() if text
        ]

    def _roll_back(self) -> None:
        if not self.connection.closed:
            self.connection.rollback()

    def _wait(self, error: Exception, each: Recorded) -> None:
        """Wait until another attempt may succeed; MigrationError if none may."""
        self.lacking = lacks_lock(error)
        if self.patience.again(error, each.revision, 0):
            return
        from limbeck.engine.failure import failure  # noqa: PLC0415 - most revisions succeed

        progress = Progress(each.revision, each.action, in_ledger=True)
        blockers: Sequence[Blocker] = self.patience.blockers()
        raise failure(error, progress, self.folder, blockers) from cause(error)
