"""Look from a second session at what a statement waits for, and how far it has come."""

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

_FIRST: Final = 0.125  # seconds after which a statement is worth a second session
_PAUSE: Final = 0.1
_LONG: Final = 2.0  # seconds after which it is told who is in the way
_LATER: Final = 1.0
_SOON: Final = 0.005  # once somebody was in the way
_PATIENCE: Final = 2.0  # seconds for the second session to come about
_LOOK: Final = 0.05

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
    """Watches one session while it waits for the server; the second one is opened only then.

    Events are told from a thread, but never after the block of `waiting` was left, and so never
    beside another one. `blockers` are those who were last seen in the way of the last statement.
    """

    def __init__(
        self, database: Database, pid: int, listen: Listener, *, progress: bool = False
    ) -> None:
        self.database = database
        self.pid = pid
        self.listen = listen
        self.progress = progress
        # Before the lock timeout ends the wait, it has to be seen who is in the way.
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
        """Watch for the length of a block."""
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
        """Open the second session now, and look sooner from now on: somebody was in the way."""
        with self._state:
            self._alert = True
            self.first = self.pause = _SOON
            self._state.notify()

    def wait_for(self, blockers: Iterable[Blocker], seconds: float) -> None:
        """Wait until the transactions that some are in have ended, at most for so long."""
        end = time.monotonic() + seconds
        with self._state:
            self._state.wait_for(lambda: self._connection, min(seconds, _PATIENCE))
            connection = self._connection
        if connection is None:
            time.sleep(min(_LOOK, seconds))
            return
        with suppress(psycopg.Error):
            pids = [one.pid for one in blockers]
            row = connection.execute(_TRANSACTIONS, [pids]).fetchone()
            while row and row[0] and time.monotonic() < end and _running(connection, row[0]):
                time.sleep(max(0.0, min(_LOOK, end - time.monotonic())))

    def close(self) -> None:
        """Let the second session end."""
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
            return  # to see more is no reason to fail

    def _opened(self, connection: Connection) -> None:
        with self._state:
            self._connection = connection
            self._state.notify_all()

    def _awaited(self) -> int:
        """Wait for a statement that takes a while, and return its number; 0 at the end."""
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
        waited, told = self.first, frozenset[int]()
        while True:
            blockers = tuple(_blockers(connection, self.pid))
            building = list(_building(connection, self.pid)) if self.progress else []
            with self._state:
                if not self._busy or self._statement != statement:
                    return
                self.blockers = blockers
                pids = frozenset(one.pid for one in blockers)
                if waited >= _LONG and pids and pids != told:
                    self.listen(Blocked(blockers, waited))
                    told = pids
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
