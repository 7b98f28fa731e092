"""The migration lock: one migrator at a time in a database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from limbeck.errors import DatabaseError, LockNotAcquiredError
from limbeck.events import Listener, LockWaiting, ignore
from limbeck.postgres.connect import Connection

MIGRATION_LOCK = 0x6C696D6265636B
"""The key, "limbeck" in ASCII; Postgres keeps advisory locks apart by database."""

_PAUSE = 0.25  # seconds between two attempts

# One second while a statement runs; some 60 where the network went away without a word.
_SIGNS_OF_LIFE = (
    ("client_connection_check_interval", "1s"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
)

_TRY = "select pg_try_advisory_lock(%s)"

_HOLDER = r"""
select a.pid, a.application_name, a.usename,
       to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC'),
       left(regexp_replace(a.query, '\s+', ' ', 'g'), 100)
from pg_catalog.pg_locks l
join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and (l.classid::bigint << 32) | l.objid::bigint = %s
"""


@contextmanager
def migration_lock(
    connection: Connection, *, wait: float = 60.0, listen: Listener = ignore
) -> Iterator[None]:
    """Hold the session's advisory lock for the length of a block.

    The lock is the session's, not a transaction's: revisions may commit and CREATE INDEX
    CONCURRENTLY inside it. A connection that breaks gives it up by itself.

    Args:
        connection: One that is in no transaction; the lock is committed at once.
        wait: Seconds to wait for another migrator.
        listen: Told once, by LockWaiting, that there is another.

    Raises:
        LockNotAcquiredError: the other one did not finish in time.
        DatabaseError: the session lost its lock meanwhile, as behind a transaction pooler.
    """
    _acquire(connection, wait, listen)
    try:
        yield
    except BaseException:
        _release(connection)
        raise
    if not _release(connection):
        raise DatabaseError(
            "the migration lock was lost while it was held, so another migrator may have run",
            hint="is there a pooler between here and Postgres? use the direct URL",
        )


def _acquire(connection: Connection, wait: float, listen: Listener) -> None:
    deadline = time.monotonic() + wait
    told = False
    got = _first_attempt(connection)
    while not got:
        holder = _holder(connection)
        if time.monotonic() >= deadline:
            raise LockNotAcquiredError(
                f"another migrator is at work: {holder}; waited {wait:g} s",
                hint="try again when it has finished, or wait longer with --wait SECONDS",
            )
        if not told:
            listen(LockWaiting(holder, wait))
            told = True
        time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))
        got = bool(_ask(connection, _TRY)[0])


def _first_attempt(connection: Connection) -> bool:
    """Try to get the lock, and let it end soon after a client that was killed.

    Otherwise a backend notices it only when it has something to say, and that may be after hours.
    """
    settings = ", ".join(f"set_config('{each}', '{text}', false)" for each, text in _SIGNS_OF_LIFE)
    try:
        # In this order: an error after the lock was taken would leave it taken twice.
        return bool(_ask(connection, f"select {settings}, pg_try_advisory_lock(%s)")[-1])
    except psycopg.Error:  # not every system can look at its sockets
        if connection.closed:
            raise
        connection.rollback()
        return bool(_ask(connection, _TRY)[0])


def _release(connection: Connection) -> bool:
    if connection.closed:
        return False
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        connection.rollback()
    return bool(_ask(connection, "select pg_advisory_unlock(%s)")[0])


def _holder(connection: Connection) -> str:
    """Who has the lock, as far as Postgres tells a user who is no superuser."""
    row = _ask(connection, _HOLDER)
    if not row:
        return "one that has just finished"
    pid, application, user, since, query = row
    started = f", connected since {since}" if since else ""
    doing = f", {query}" if query else ""
    return f"{application or 'unnamed'} (pid {pid}, user {user or 'unknown'}{started}{doing})"


def _ask(connection: Connection, query: str) -> tuple[object, ...]:
    """One row, and no transaction left open by having asked for it."""
    row = connection.execute(query.encode(), [MIGRATION_LOCK]).fetchone()
    if not connection.autocommit:
        connection.commit()
    return row or ()
