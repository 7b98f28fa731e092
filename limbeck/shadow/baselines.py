"""Create the schema of a baseline in an empty database; replays and `migrate` begin with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from limbeck.engine import privileged, version_table
from limbeck.engine.version_table import VersionTable
from limbeck.errors import MigrationError
from limbeck.events import Listener, Notice
from limbeck.history.baseline import Baseline
from limbeck.history.history import History
from limbeck.paths import shown
from limbeck.plurals import counted
from limbeck.schema.sql import lexer

MISSING_ROLE = re.compile(r'role "([^"]+)" does not exist')
_ON_ROLE = "Roles belong to a server. Create the role there, or remove the statement from the file."
LONGEST = 200
"""Characters of a statement that an error shows."""


def create(
    history: History,
    connection: psycopg.Connection[Any],
    baseline: Baseline,
    *,
    scratch: Listener | None = None,
) -> None:
    """Create the schema in one transaction, and mark its revisions as applied.

    Args:
        history: the history that starts from the baseline.
        connection: an empty database.
        baseline: the schema.
        scratch: set on a scratch database: receives a notice if policies and privileges are left
            out there, because the server lacks the roles that they name.

    Raises:
        MigrationError: Postgres refuses a statement; nothing of the schema is left.

    """
    table = version_table.of(history, connection)
    failure = _at_once(connection, baseline, table)
    if failure is None:
        return
    # One text is sent in one message, and its error does not tell the statement.
    left_out = _one_by_one(connection, baseline, table, lenient=scratch is not None)
    if not left_out or scratch is None:
        raise _error(baseline, "", failure) from failure
    names = ", ".join(sorted({name for name in left_out if name}))
    number = counted(len(left_out), "statement")
    scratch(Notice(f"{shown(baseline.path)}: {number} left out, for there is no role {names} here"))


def _at_once(
    connection: psycopg.Connection[Any], baseline: Baseline, table: VersionTable
) -> psycopg.Error | None:
    try:
        with connection.transaction():
            # Bodies may name what a later statement creates.
            connection.execute("SET LOCAL check_function_bodies = off")
            privileged.execute(connection, baseline.sql)
            _stamp(connection, table, baseline.revisions)
    except psycopg.Error as error:
        return error
    return None


def _one_by_one(
    connection: psycopg.Connection[Any], baseline: Baseline, table: VersionTable, *, lenient: bool
) -> list[str]:
    """Send the statements one by one; return the missing roles of those that are left out.

    Raises:
        MigrationError: Postgres refuses another statement, which it names.

    """
    left_out: list[str] = []
    with connection.transaction():
        connection.execute("SET LOCAL check_function_bodies = off")
        for statement in lexer.statements(baseline.sql):
            try:
                with connection.transaction():
                    privileged.execute(connection, statement)
            except psycopg.Error as error:
                role = MISSING_ROLE.search(str(error))
                # A comment on a policy that was left out has nothing to be about.
                about = left_out and statement.startswith("COMMENT ON POLICY")
                if not (lenient and (role or about)):
                    raise _error(baseline, statement, error) from error
                left_out.append(role[1] if role else "")
        _stamp(connection, table, baseline.revisions)
    return left_out


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


def _error(baseline: Baseline, statement: str, error: psycopg.Error) -> MigrationError:
    from limbeck.shadow.creation import lacking  # noqa: PLC0415 - imports SQLAlchemy

    message = str(error).strip().partition("\n")[0]
    where = f"\n  in {statement[:LONGEST]}" if statement else ""
    origin = f" of {baseline.environment}" if baseline.environment else ""
    return MigrationError(
        f"{shown(baseline.path)}, from which the history starts, does not run on an empty "
        f"database: {message}{where}",
        hint=_ON_ROLE
        if MISSING_ROLE.search(message)
        else lacking(message)
        or privileged.hint(message)
        or f"Undo what was edited in it, or write the schema{origin} again: limbeck baseline",
    )
