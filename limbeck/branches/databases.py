"""The databases of local branches: drop and rename them, and end their sessions."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from limbeck.branches.registry import UNFINISHED
from limbeck.errors import BranchError
from limbeck.postgres.connect import Connection

ATTEMPTS = 5


def leftovers(connection: Connection) -> list[str]:
    """Return the remains of killed commands: copies without a name, half-dropped databases.

    datconnlimit is -2 after a DROP DATABASE that was interrupted.
    """
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) OR datconnlimit = -2",
        (UNFINISHED,),
    )
    return [str(name) for (name,) in rows]


def drop(connection: Connection, database: str) -> None:
    """Drop a database if it exists, and end its sessions."""
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    )


def rename(connection: Connection, old: str, new: str) -> None:
    """Rename a database, which must have no sessions."""
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def without_sessions(connection: Connection, database: str, move: Callable[[], None]) -> None:
    """End the sessions of a database and move it, in one transaction, or raise an error."""
    for attempt in range(ATTEMPTS):
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (database,),
        )
        try:
            with connection.transaction():
                move()
        except psycopg.errors.ObjectInUse:
            # A session connected after the others were ended.
            if attempt == ATTEMPTS - 1:
                raise BranchError(
                    f'the branch "{database}" was not changed: programs keep connecting to it',
                    hint="Stop the programs that use the branch, and try again.",
                ) from None
            time.sleep(0.1)
        else:
            return
