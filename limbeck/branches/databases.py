"""The databases that branches are: put in place, taken away, freed of sessions."""

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
    """Give what killed commands left: copies not put in place, and half deleted databases."""
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) OR datconnlimit = -2",
        (UNFINISHED,),
    )
    return [str(name) for (name,) in rows]


def drop(connection: Connection, database: str) -> None:
    """Remove a database if it is there, ending its sessions."""
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    )


def rename(connection: Connection, old: str, new: str) -> None:
    """Give a database another name; nobody may be connected to it."""
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def without_sessions(connection: Connection, database: str, move: Callable[[], None]) -> None:
    """Move a database in one transaction, once nobody is connected: it is there, or moved."""
    for attempt in range(ATTEMPTS):
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (database,),
        )
        try:
            with connection.transaction():
                move()
        except psycopg.errors.ObjectInUse:
            # Somebody connected again in between.
            if attempt == ATTEMPTS - 1:
                raise BranchError(
                    f'the branch "{database}" was not changed: programs keep connecting to it',
                    hint="stop what uses the branch, and try again",
                ) from None
            time.sleep(0.1)
        else:
            return
