"""A table that another session has locked: every command says which one, and by whom."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from limbeck.engine import version_table
from limbeck.errors import DatabaseError
from limbeck.postgres import url as urls
from limbeck.postgres.connect import connect
from tests.acceptance.workplace import Workplace

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.conftest import MakeDatabase
    from tests.postgres.conftest import Work

SOON = "-c lock_timeout=100ms"
READING = {
    "status": ["status", "-e", "development"],
    "check": ["check", "-e", "development"],
    "diff": ["diff", "models", "development"],
    "pull": ["pull", "-e", "development"],
    "a plan": ["migrate", "-e", "development", "--dry-run"],
}
"""Commands that only read, which wait longest for a lock."""


def impatient(database: Database) -> str:
    """Return the URL of a database whose sessions wait for a lock for a moment only."""
    return urls.render({**database.parameters, "options": SOON})


@pytest.fixture
def lived(work: Work, database: Database) -> Workplace:
    """A project whose database is at its head, with a table that has defaults and checks."""
    work.models(
        'Table("books", metadata, Column("id", Integer, primary_key=True),'
        ' Column("price", Integer, CheckConstraint("price > 0", name="positive"),'
        ' server_default="1"))\n'
    )
    work.revision("books", BOOKS, "drop table books")
    variables = {**os.environ, "DATABASE_URL_DEVELOPMENT": impatient(database)}
    place = Workplace(work.project.root, variables)
    place.good("migrate", "-e", "development", "--yes")
    return place


BOOKS = (
    "create table books (id serial primary key, "
    "price integer default 1 constraint positive check (price > 0))"
)


# A plan of nothing asks for no table, and neither diff nor pull for the rows of alembic_version.
@pytest.mark.parametrize(
    ("locked", "command"),
    [
        *(("books", each) for each in READING if each != "a plan"),
        *(("alembic_version", each) for each in READING if each not in {"diff", "pull"}),
    ],
)
def test_who_has_locked_which_table_is_said(
    lived: Workplace, connection: psycopg.Connection, locked: str, command: str
) -> None:
    with connection.transaction():
        connection.execute(f"LOCK TABLE {locked}".encode())
        answer = lived.run(*READING[command])
        pid = connection.info.backend_pid
    said = " ".join(answer.text.split())
    assert answer.code in {1, 3}, said
    assert f"another session has locked a table: {locked} by pid {pid}" in said
    if command != "check":  # one line per finding
        assert f"SELECT pg_terminate_backend({pid});" in said


@pytest.mark.usefixtures("lived")
def test_a_run_says_which_table_it_cannot_read(
    database: Database, connection: psycopg.Connection
) -> None:
    with connection.transaction():
        connection.execute("LOCK TABLE alembic_version")
        with (
            pytest.raises(DatabaseError, match="cannot read alembic_version") as caught,
            connect(replace(database, lock_timeout="50ms")) as session,
        ):
            version_table.recorded(session)
    assert caught.value.hint == "Try again."


def test_a_locked_environment_hides_no_other(
    lived: Workplace, connection: psycopg.Connection, make_database: MakeDatabase
) -> None:
    other = f"PROTECTED=no\nDATABASE_URL={make_database().url}\n"
    (lived.root / "env_profiles" / "other.env").write_text(other)
    with connection.transaction():
        connection.execute("LOCK TABLE books")
        answer = lived.run("status", "--json")
    environments = json.loads(answer.out)["environments"]
    by_name = {each["environment"]: each for each in environments}
    assert "locked a table: books" in by_name["development"]["problem"]
    assert len(by_name["other"]["pending"]) == 1


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", "was lost: terminating connection"),
        ("SELECT pg_sleep(5)", "did not answer in time"),
    ],
)
def test_what_else_interrupts_a_session_is_said(
    database: Database, statement: str, words: str
) -> None:
    hurried = replace(database, statement_timeout="50ms")
    with pytest.raises(DatabaseError, match=words), connect(hurried, read_only=True) as session:
        session.execute(statement.encode())
