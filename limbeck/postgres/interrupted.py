"""What interrupts a session that reads: a lock of another one, a timeout, a lost connection.

Even a question about the catalog waits for a table that somebody has locked: Postgres opens the
table to print its defaults, checks and sizes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import psycopg

from limbeck.errors import DatabaseError, UnavailableError
from limbeck.events import Blocker
from limbeck.postgres import tls
from limbeck.postgres import url as urls
from limbeck.postgres.database import Database

_PATIENCE: Final = 5
"""Seconds for a second session to connect, which asks who has locked what."""
# The lock that stops readers; the catalogs themselves are left out: nobody could ask then.
_LOCKED: Final = """
SELECT l.relation::regclass::text, a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''),
       coalesce(a.state, ''),
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start))::float8
FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'AccessExclusiveLock'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND l.relation >= 16384
ORDER BY a.xact_start NULLS LAST, a.pid, l.relation"""
_SHOWN: Final = 3
"""How many tables of a session are named."""


def translated(database: Database, error: psycopg.OperationalError) -> DatabaseError | None:
    """Return the error that says what has interrupted a session; None for anything else."""
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return _locked(database)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return DatabaseError(
            f"{database.name} did not answer in time: {_words(database, error)}",
            hint="Try again, or raise STATEMENT_TIMEOUT in its profile.",
        )
    if not _is_lost(error):
        return None
    return UnavailableError(
        f"the connection to {database.name} at {urls.address(database.parameters)} was lost: "
        f"{_words(database, error)}",
        hint="Try again.",
    )


def _is_lost(error: psycopg.OperationalError) -> bool:
    """Return whether there is no connection any more: libpq says so without an SQLSTATE."""
    return error.sqlstate is None or isinstance(
        error, psycopg.errors.AdminShutdown | psycopg.errors.CrashShutdown
    )


def _words(database: Database, error: psycopg.Error) -> str:
    return database.redact(error.diag.message_primary or str(error).strip())


def _locked(database: Database) -> DatabaseError:
    holders = _holders(database)
    described = "; ".join(map(_described, holders)) or "the session that did has ended since"
    return DatabaseError(
        f"{database.name} cannot be read while another session has locked a table: {described}",
        hint=_ending(holders) or "Try again.",
    )


def _holders(database: Database) -> list[tuple[Blocker, list[str]]]:
    """Return the sessions that have locked tables against readers, with the tables."""
    holders: dict[int, tuple[Blocker, list[str]]] = {}
    safeguards: dict[str, Any] = tls.safeguards(database.parameters)
    with (
        suppress(psycopg.Error),
        psycopg.connect(
            database.url, autocommit=True, connect_timeout=_PATIENCE, **safeguards
        ) as connection,
    ):
        for table, *columns in connection.execute(_LOCKED).fetchall():
            # Without its query, which may have values of anybody's.
            blocker = Blocker._make([*columns, ""])
            holders.setdefault(blocker.pid, (blocker, []))[1].append(str(table))
    return list(holders.values())


def _described(holder: tuple[Blocker, list[str]]) -> str:
    blocker, tables = holder
    more = f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
    return f"{', '.join(tables[:_SHOWN])}{more} by {blocker}"


def _ending(holders: list[tuple[Blocker, list[str]]]) -> str:
    ends = " ".join(f"SELECT pg_terminate_backend({each.pid});" for each, _ in holders)
    return f"Wait until its transaction ends, or end it: {ends}" if ends else ""
