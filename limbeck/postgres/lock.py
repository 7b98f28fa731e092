"""The migration lock, an advisory lock that only one migrator of a database holds at a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from limbeck.errors import DatabaseError, LockNotAcquiredError
from limbeck.events import Listener, LockWaiting, ignore
from limbeck.postgres.connect import Connection, tenant_of

MIGRATION_LOCK = 0x6C696D6265636B
"""The key, "limbeck" in ASCII. Postgres keeps the advisory locks of databases apart."""

_PAUSE = 0.25  # seconds between two attempts

# How soon a server notices that its client is gone: after 1 s while a statement runs, after some
# 60 s (30 + 3 * 10) on an idle connection of a network that failed silently.
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


def key(tenant: str | None) -> int:
    """Return the key of the lock of a database, or of one of its tenants."""
    if tenant is None:
        return MIGRATION_LOCK
    digest = hashlib.sha256(f"limbeck {tenant}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextmanager
def migration_lock(
    connection: Connection, *, wait: float = 60.0, listen: Listener = ignore
) -> Iterator[None]:
    """Hold the migration lock inside of a block.

    The session holds it, not a transaction: revisions may commit, and CREATE INDEX CONCURRENTLY,
    inside of the block. Postgres releases it when the connection ends.

    Args:
        connection: A connection without an open transaction; the lock is taken at once.
        wait: Seconds to wait for another migrator.
        listen: Receives one LockWaiting if there is another.

    Raises:
        LockNotAcquiredError: the other migrator did not finish in time.
        DatabaseError: the session lost the lock, as behind a transaction pooler.

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
            hint="Use the direct URL if there is a pooler in front of Postgres.",
        )


def _acquire(connection: Connection, wait: float, listen: Listener) -> None:
    deadline = time.monotonic() + wait
    reported = False
    acquired = _first_attempt(connection)
    while not acquired:
        holder = _holder(connection)
        if time.monotonic() >= deadline:
            raise LockNotAcquiredError(
                f"another migrator is running: {holder}; waited {wait:g} s",
                hint="Try again when it has finished, or wait longer with --wait SECONDS.",
            )
        if not reported:
            listen(LockWaiting(holder, wait))
            reported = True
        time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))
        acquired = bool(_ask(connection, _TRY)[0])


def _first_attempt(connection: Connection) -> bool:
    """Try to acquire the lock, and make the server release it soon after this client dies.

    By default a backend notices a dead client only when it sends something, perhaps hours later.
    """
    settings = ", ".join(f"set_config('{each}', '{text}', false)" for each, text in _SIGNS_OF_LIFE)
    try:
        # The lock comes last: if a setting failed after it, the second attempt would take it twice.
        return bool(_ask(connection, f"select {settings}, pg_try_advisory_lock(%s)")[-1])
    except psycopg.Error:  # not every operating system can check a socket
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
    """Return a description of the holder, as far as Postgres shows it to an ordinary user."""
    row = _ask(connection, _HOLDER)
    if not row:
        return "it has just finished"
    pid, application, user, since, query = row
    started = f", connected since {since}" if since else ""
    doing = f", {query}" if query else ""
    return f"{application or 'unnamed'} (pid {pid}, user {user or 'unknown'}{started}{doing})"


def _ask(connection: Connection, query: str) -> tuple[object, ...]:
    """Return one row, and leave no transaction open."""
    row = connection.execute(query.encode(), [key(tenant_of(connection))]).fetchone()
    if not connection.autocommit:
        connection.commit()
    return row or ()
