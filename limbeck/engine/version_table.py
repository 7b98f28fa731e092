"""Read Alembic's version table, which env.py may have named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from limbeck.errors import DatabaseError
from limbeck.history.history import History
from limbeck.postgres import row_security
from limbeck.postgres.connect import as_url, tenant_of


class VersionTable(NamedTuple):
    """The name of a version table; without a schema it is on the search path, or in `FALLBACK`."""

    name: str = "alembic_version"
    schema: str | None = None

    @property
    def quoted(self) -> sql.Identifier:
        """The name in SQL."""
        return sql.Identifier(*((self.schema, self.name) if self.schema else (self.name,)))


USUAL: Final = VersionTable()
FALLBACK: Final = "public"
"""The schema of the version table where the search path leads to none."""


def of(
    history: History, connection: psycopg.Connection, meanwhile: Iterable[object] = ()
) -> VersionTable:
    """Return the version table that a history is recorded in, as its env.py configures it.

    Args:
        history: the history.
        connection: to the database.
        meanwhile: what to do while env.py runs, in pieces.

    Raises:
        ConfigurationError: env.py fails.

    """
    tenant = tenant_of(connection)  # whose own table it is, whatever env.py configures
    table = _configured(history, connection, meanwhile)
    return table if tenant is None else table._replace(schema=tenant)


def _configured(
    history: History, connection: psycopg.Connection, meanwhile: Iterable[object]
) -> VersionTable:
    if history.project is None:
        return USUAL
    code = history.project.code_for(*history.folders)
    if code.is_plain:
        return USUAL
    # A worker that will run revisions imports what env.py needs; another one would import it again.
    purpose = "revisions" if history.is_prepared else "models"
    configured = code.configured(lambda: as_url(connection), purpose, meanwhile)
    return VersionTable(configured.version_table, configured.version_table_schema)


def create_schema(connection: psycopg.Connection, table: VersionTable) -> None:
    """Create the schema that env.py names for the version table, where it is missing.

    Alembic leaves that to whoever sets a database up, and so it is missing on every new one.

    Raises:
        DatabaseError: the role may not create it.

    """
    if table.schema is None:
        return
    rows = connection.execute("SELECT to_regnamespace(quote_ident(%s)) IS NULL", [table.schema])
    if rows.fetchone() != (True,):
        return
    try:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(table.schema)))
    except psycopg.Error as error:
        raise DatabaseError(
            f"cannot create the schema {table.schema} of the version table: "
            f"{error.diag.message_primary or error}",
            hint="Create it, then run the same command again.",
        ) from error


def recorded(connection: psycopg.Connection, table: VersionTable = USUAL) -> tuple[str, ...]:
    """Return the ids in the version table, known here or not; a missing table is an empty one."""
    rows = _recorded(connection, table)
    if rows is None and table.schema is None:
        rows = _recorded(connection, table._replace(schema=FALLBACK))
    return rows or ()


def _recorded(connection: psycopg.Connection, table: VersionTable) -> tuple[str, ...] | None:
    """Return the ids in a table of this name; None if there is none."""
    outside = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    try:
        if outside and connection.autocommit:
            return ids(asked(connection, table))
        with connection.transaction():
            return ids(asked(connection, table))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None
    except psycopg.Error as error:
        # A lock, a timeout: `connect` says more of one that ends a session which only reads.
        passing = isinstance(error, psycopg.OperationalError)
        if passing and connection.info.parameter_status("default_transaction_read_only") == "on":
            raise
        raise DatabaseError(
            f"cannot read {table.name} of {connection.info.dbname}: {error}",
            hint="Try again." if passing else _grant(error),
        ) from error


def _grant(error: psycopg.Error) -> str:
    if row_security.is_hidden(error):
        return row_security.HINT
    return "Grant the role SELECT on it: it says which revisions are applied."


def current(history: History, connection: psycopg.Connection) -> tuple[str, ...]:
    """Return the revisions that a database is at; () is before the first.

    Raises:
        HistoryError: no file of the history has one of them.

    """
    rows = recorded(connection, of(history, connection))
    return history.known(rows, connection.info.dbname)


def asked(
    connection: psycopg.Connection, table: VersionTable = USUAL
) -> psycopg.Cursor[tuple[str]]:
    """Query the rows; in a pipeline they arrive later."""
    query = sql.SQL("SELECT version_num FROM {}").format(table.quoted)
    return connection.cursor(row_factory=tuple_row).execute(query)


def ids(rows: psycopg.Cursor[tuple[str]]) -> tuple[str, ...]:
    """Return the ids of the rows, sorted."""
    return tuple(sorted(row[0] for row in rows))
