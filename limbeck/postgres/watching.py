"""Watch a statement from a second session: who blocks it, and how far it has got."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg

from limbeck.errors import LimbeckError
from limbeck.events import Blocked, Blocker, IndexProgress, Listener
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.duration import seconds

# All in seconds.
_FIRST: Final = 0.125  # before the second session: most statements end earlier
_PAUSE: Final = 0.1  # between two checks
_LONG: Final = 2.0  # before the blockers are reported
_LATER: Final = 1.0  # between two checks after that
_SOON: Final = 0.005  # before a check, once a statement was blocked
_PATIENCE: Final = 2.0  # for the second session to connect
_LOOK: Final = 0.05  # between two checks whether blockers have ended

_BLOCKERS: Final = """
SELECT a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start))::float8,
       coalesce(left(regexp_replace(a.query, '\\s+', ' ', 'g'), 200), '')
FROM unnest(pg_blocking_pids(%s)) AS b (pid) JOIN pg_stat_activity a USING (pid)
ORDER BY a.xact_start NULLS LAST, a.pid"""

_TRANSACTIONS: Final = """
SELECT array_agg(virtualtransaction) FROM pg_locks
WHERE locktype = 'virtualxid' AND granted AND pid = ANY(%s)"""

_RUNNING: Final = """
SELECT EXISTS (SELECT FROM pg_locks
               WHERE locktype = 'virtualxid' AND granted AND virtualtransaction = ANY(%s))"""

_PROGRESS: Final = """
SELECT index_relid::regclass::text, phase,
       CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END,
       CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END
FROM pg_stat_progress_create_index WHERE pid = %s"""


class Watcher:
    """A second session that watches another one; it connects when a statement takes a while.

    A thread emits the events, but never after the block of `waiting` has ended, so that no two
    events are concurrent. `blockers` are the sessions last seen blocking the last statement.
    """

    def __init__(
        self, database: Database, pid: int, listen: Listener, *, progress: bool = False
    ) -> None:
        self.database = database
        self.pid = pid
        self.listen = listen
        self.progress = progress
        # The blockers have to be seen before the lock timeout ends the wait.
        patience = seconds(database.lock_timeout or "0") or 1.0
        self.first = min(_FIRST, patience / 4)
        self.pause = min(_PAUSE, patience / 4)
        self.blockers: tuple[Blocker, ...] = ()
        self._state = threading.Condition()
        self._statement = 0
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._alert = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Watch for lock waits of the session inside of the block."""
        with self._state:
            self._statement, self._busy, self.blockers = self._statement + 1, True, ()
            self._state.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="limbeck-watch", daemon=True)
            self._thread.start()
        try:
            yield
        finally:
            with self._state:
                self._busy = False

    def alert(self) -> None:
        """Connect now, and check sooner from now on: a statement was blocked before."""
        with self._state:
            self._alert = True
            self.first = self.pause = _SOON
            self._state.notify()

    def wait_for(self, blockers: Iterable[Blocker], seconds: float) -> None:
        """Wait until the present transactions of these sessions end, `seconds` at most."""
        end = time.monotonic() + seconds
        with self._state:
            self._state.wait_for(lambda: self._connection, min(seconds, _PATIENCE))
            connection = self._connection
        if connection is None:
            time.sleep(min(_LOOK, seconds))
            return
        with suppress(psycopg.Error):
            pids = [blocker.pid for blocker in blockers]
            row = connection.execute(_TRANSACTIONS, [pids]).fetchone()
            while row and row[0] and time.monotonic() < end and _running(connection, row[0]):
                time.sleep(max(0.0, min(_LOOK, end - time.monotonic())))

    def close(self) -> None:
        """End the second session."""
        with self._state:
            self._closed = True
            self._state.notify()

    def _run(self) -> None:
        try:
            if statement := self._awaited():
                with connect(self.database, application_name="limbeck watch") as connection:
                    self._opened(connection)
                    while statement:
                        self._watch(connection, statement)
                        statement = self._awaited()
        except (LimbeckError, psycopg.Error):
            return  # watching is an extra: the statement itself must not fail because of it

    def _opened(self, connection: Connection) -> None:
        with self._state:
            self._connection = connection
            self._state.notify_all()

    def _awaited(self) -> int:
        """Wait for a statement that takes a while, and return its number; 0 after `close`."""
        with self._state:
            while not self._closed:
                if self._alert and not self._connection:
                    return self._statement
                if not self._busy:
                    self._state.wait()
                    continue
                statement = self._statement
                if not self._state.wait(self.first) and self._busy:
                    return statement
        return 0

    def _watch(self, connection: Connection, statement: int) -> None:
        waited, reported = self.first, frozenset[int]()
        while True:
            blockers = tuple(_blockers(connection, self.pid))
            building = list(_building(connection, self.pid)) if self.progress else []
            with self._state:
                if not self._busy or self._statement != statement:
                    return
                self.blockers = blockers
                pids = frozenset(blocker.pid for blocker in blockers)
                if waited >= _LONG and pids and pids != reported:
                    self.listen(Blocked(blockers, waited))
                    reported = pids
                for event in building:
                    self.listen(event)
                pause = self.pause if waited < _LONG else _LATER
                self._state.wait(pause)
                waited += pause


def _blockers(connection: Connection, pid: int) -> Iterator[Blocker]:
    for row in connection.execute(_BLOCKERS, [pid]).fetchall():
        yield Blocker(*row)  # type: ignore[arg-type]  # as the query has them


def _running(connection: Connection, transactions: object) -> bool:
    row = connection.execute(_RUNNING, [transactions]).fetchone()
    return bool(row and row[0])


def _building(connection: Connection, pid: int) -> Iterator[IndexProgress]:
    for row in connection.execute(_PROGRESS, [pid]).fetchall():
        yield IndexProgress(*row)  # type: ignore[arg-type]  # as the query has them
