"""Create the schema of a baseline in an empty database; replays and `migrate` begin with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from limbeck.engine import privileged, version_table
from limbeck.engine.version_table import VersionTable
from limbeck.errors import MigrationError
from limbeck.history.baseline import Baseline
from limbeck.history.history import History
from limbeck.paths import shown
from limbeck.schema.sql import lexer

LONGEST = 200
"""Characters of a statement that an error shows."""


def create(history: History, connection: psycopg.Connection[Any], baseline: Baseline) -> None:
    """Create the schema in one transaction, and mark its revisions as applied.

    Args:
        history: the history that starts from the baseline.
        connection: an empty database.
        baseline: the schema.

    Raises:
        MigrationError: Postgres refuses a statement; nothing of the schema is left.

    """
    try:
        with connection.transaction():
            # Bodies may name what a later statement creates.
            connection.execute("SET LOCAL check_function_bodies = off")
            privileged.execute(connection, baseline.sql)
            _stamp(connection, version_table.of(history, connection), baseline.revisions)
    except psycopg.Error as error:
        # One text is sent in one message, and its error does not tell the statement.
        raise _refused(connection, baseline) or _error(baseline, "", error) from error


def _stamp(
    connection: psycopg.Connection[Any], table: VersionTable, revisions: Sequence[str]
) -> None:
    """Create the version table as Alembic does, with these rows."""
    if not revisions:
        return
    names = {"table": table.quoted, "key": sql.Identifier(f"{table.name}_pkc")}
    if table.schema is not None:
        schema = sql.Identifier(table.schema)
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    query = sql.SQL(
        "CREATE TABLE IF NOT EXISTS {table} (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT {key} PRIMARY KEY (version_num))"
    )
    connection.execute(query.format(**names))
    insert = sql.SQL("INSERT INTO {} SELECT unnest(%s::text[])").format(table.quoted)
    connection.execute(insert, [list(revisions)])


def _refused(connection: psycopg.Connection[Any], baseline: Baseline) -> MigrationError | None:
    """Send the statements one by one, and return an error that names the first refused one."""
    statement = ""
    try:
        with connection.transaction():
            connection.execute("SET LOCAL check_function_bodies = off")
            for statement in lexer.statements(baseline.sql):
                privileged.execute(connection, statement)
            raise psycopg.Rollback
    except psycopg.Error as error:
        return _error(baseline, statement, error)
    return None


def _error(baseline: Baseline, statement: str, error: psycopg.Error) -> MigrationError:
    from limbeck.shadow.creation import lacking  # noqa: PLC0415 - imports SQLAlchemy

    message = str(error).strip().partition("\n")[0]
    where = f"\n  in {statement[:LONGEST]}" if statement else ""
    origin = f" of {baseline.environment}" if baseline.environment else ""
    return MigrationError(
        f"{shown(baseline.path)}, from which the history starts, does not run on an empty "
        f"database: {message}{where}",
        hint=lacking(message)
        or privileged.hint(message)
        or f"Undo what was edited in it, or write the schema{origin} again: limbeck baseline",
    )
