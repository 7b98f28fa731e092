"""Observe the locks of a statement that cannot run in a transaction, from other sessions.

Such a statement releases its locks itself, often within a millisecond. So it is stopped: a second
session holds a snapshot and a writer's lock (ROW EXCLUSIVE) on every table. The statement waits for
it, and pg_locks shows what it holds. Then a third session acquires the same locks and the second
releases its own, and so on until the statement is done. Whatever writers would have to wait for
has to wait for these sessions, so it is observed every time and not by chance.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import Any

import psycopg
from psycopg import sql

from limbeck.dataclass import dataclass
from limbeck.lint.trace.statement import MODES, strength
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.sql import own_schemas

PAUSE = 0.004  # seconds between two queries of pg_locks
LONGEST = 20.0  # seconds after which the statement is no longer stopped
STATE = b"""SELECT l.relation::bigint, l.mode, coalesce(l.locktype = 'virtualxid'
OR l.locktype = 'transactionid', false) AND NOT l.granted, NOT l.granted
FROM pg_locks l WHERE l.pid = %s AND l.locktype IN ('relation', 'virtualxid', 'transactionid')
AND (l.relation IS NULL OR l.relation >= 16384)"""
TABLES = f"""SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n
ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
AND {own_schemas.of_users("n.nspname")}""".encode()


@dataclass(slots=True)
class Watch:
    """The strongest lock on each relation, and whether the statement waited for transactions."""

    locks: dict[int, str] = field(default_factory=dict)
    waited: bool = False

    def see(self, rows: list[Any]) -> bool:
        """Record the rows of pg_locks if the statement is waiting; return whether it is."""
        if not any(waiting for _, _, _, waiting in rows):
            return False
        for oid, mode, ends, _ in rows:
            self.waited = self.waited or ends
            if oid and mode in MODES and strength(mode) > strength(self.locks.get(oid)):
                self.locks[oid] = mode
        return True


@contextmanager
def watched(database: Database, connection: Connection) -> Iterator[Watch]:
    """Observe the statement that the connection runs inside the block."""
    watch, done = Watch(), threading.Event()
    with contextlib.ExitStack() as stack:
        look, *others = (stack.enter_context(connect(database)) for _ in range(3))
        _stand(others[0])
        pid = connection.info.backend_pid
        thread = threading.Thread(target=_step, args=(watch, done, look, others, pid))
        thread.start()
        try:
            yield watch
        finally:
            done.set()
            thread.join()


def _step(
    watch: Watch, done: threading.Event, look: Connection, others: list[Connection], pid: int
) -> None:
    standing, next_ = others
    end = time.monotonic() + LONGEST
    while not done.wait(PAUSE):
        waiting = watch.see(psycopg.Cursor(look).execute(STATE, [pid]).fetchall())
        if time.monotonic() > end:
            _leave(standing)
        elif waiting:
            _stand(next_)
            _leave(standing)
            standing, next_ = next_, standing
    _leave(standing)


def _stand(connection: Connection) -> None:
    """Acquire a snapshot, and a writer's lock on each table where it is free."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SET LOCAL lock_timeout = '5ms'")
    for schema, name in connection.execute(TABLES).fetchall():
        with contextlib.suppress(psycopg.errors.LockNotAvailable), connection.transaction():
            connection.execute(
                sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(
                    sql.Identifier(str(schema), str(name))
                )
            )


def _leave(connection: Connection) -> None:
    connection.execute("ROLLBACK")
