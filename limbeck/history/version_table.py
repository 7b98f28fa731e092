"""What Alembic's version table holds."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from limbeck.errors import DatabaseError

VERSION_TABLE = "alembic_version"


def recorded(connection: psycopg.Connection) -> tuple[str, ...]:
    """Return what the version table holds; a missing table is an empty one."""
    query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(VERSION_TABLE))
    outside = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    try:
        with connection.cursor(row_factory=tuple_row) as cursor:
            if outside and connection.autocommit:
                return tuple(sorted(row[0] for row in cursor.execute(query)))
            with connection.transaction():
                return tuple(sorted(row[0] for row in cursor.execute(query)))
    except psycopg.errors.UndefinedTable:
        return ()
    except psycopg.Error as error:
        raise DatabaseError(
            f"cannot read {VERSION_TABLE} of {connection.info.dbname}: {error}",
            hint="The role needs SELECT on it: it says which revisions are applied.",
        ) from error
