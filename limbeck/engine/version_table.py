"""Read Alembic's version table."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from limbeck.errors import DatabaseError
from limbeck.history.history import History

VERSION_TABLE = "alembic_version"


def recorded(connection: psycopg.Connection) -> tuple[str, ...]:
    """Return the ids in the version table, known here or not; a missing table is an empty one."""
    outside = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    try:
        if outside and connection.autocommit:
            return ids(asked(connection))
        with connection.transaction():
            return ids(asked(connection))
    except psycopg.errors.UndefinedTable:
        return ()
    except psycopg.Error as error:
        raise DatabaseError(
            f"cannot read {VERSION_TABLE} of {connection.info.dbname}: {error}",
            hint="Grant the role SELECT on it: it says which revisions are applied.",
        ) from error


def current(history: History, connection: psycopg.Connection) -> tuple[str, ...]:
    """Return the revisions that a database is at; () is before the first.

    Raises:
        HistoryError: no file of the history has one of them.

    """
    return history.known(recorded(connection), connection.info.dbname)


def asked(connection: psycopg.Connection) -> psycopg.Cursor[tuple[str]]:
    """Query the rows; in a pipeline they arrive later."""
    query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(VERSION_TABLE))
    return connection.cursor(row_factory=tuple_row).execute(query)


def ids(rows: psycopg.Cursor[tuple[str]]) -> tuple[str, ...]:
    """Return the ids of the rows, sorted."""
    return tuple(sorted(row[0] for row in rows))
