"""The ledger: who applied what when; edited, deleted and late revisions; one migrator at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck import migrate, status
from limbeck.engine import ledger, running
from limbeck.errors import MigrationError
from limbeck.events import Event, Notice
from limbeck.postgres import url as urls
from limbeck.postgres.database import Database

if TYPE_CHECKING:
    from tests.postgres.conftest import Work

MIGRATE = """
import sys
from pathlib import Path
from limbeck import Project, migrate, settings
project = Project.find(Path(sys.argv[1]))
profile = project.profile()
plan = migrate.plan(project, profile, settings.database(project, profile))
migrate.apply(plan, confirm=lambda plan: True)
"""


def migrated(work: Work, database: Database) -> migrate.Report:
    plan = migrate.plan(work.project, work.profile, database)
    return migrate.apply(plan, confirm=lambda _: True)


def kinds(work: Work) -> list[str]:
    (found,) = status.status(work.project, [work.profile], drift=False)
    return [one.kind for one in status.findings(found)]


def test_the_ledger_says_what_was_applied_when_and_by_whom(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    one = work.revision("one", "create table one ()", "drop table one")
    migrated(work, database)
    plan = migrate.rollback_plan(work.project, work.profile, database)
    migrate.apply(plan, confirm=lambda _: True)
    first, second = ledger.read(connection).entries
    assert (first.revision, first.message, first.action) == (one.id, "one", "upgrade")
    assert (first.author, first.role) == (getpass.getuser(), database.parameters["user"])
    assert first.seconds is not None
    assert 0 <= first.seconds < 60
    assert "limbeck development" in (first.application or "")
    assert second.action == "downgrade"
    assert ledger.read(connection).applied() == {}


def test_an_edited_revision_is_found_and_comments_do_not_count(
    work: Work, database: Database
) -> None:
    one = work.revision("one", "create table one ()")
    migrated(work, database)
    text = one.path.read_text()
    one.path.write_text(text.replace("create table one ()", "create  table one () -- so") + "# a\n")
    assert kinds(work) == []
    one.path.write_text(text.replace("create table one ()", "create table one (id int)"))
    assert kinds(work) == ["edited"]


def test_a_deleted_revision_is_found(work: Work, database: Database) -> None:
    first = work.revision("one", "create table one ()")
    second = work.revision("two", "create table two ()")
    migrated(work, database)
    text = second.path.read_text()
    second.path.write_text(text.replace(f"down_revision = '{first.id}'", "down_revision = None"))
    text = second.path.read_text().replace(f'down_revision = "{first.id}"', "down_revision = None")
    second.path.write_text(text)
    first.path.unlink()
    assert kinds(work) == ["deleted"]


def test_a_revision_that_comes_late_below_the_current_one_is_applied(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    first = work.revision("one", "create table one ()")
    last = work.revision("three", "create table three ()")
    migrated(work, database)
    late = work.revision("two", "create table two ()", down=first)
    text = last.path.read_text()
    last.path.write_text(text.replace(first.id, late.id))
    assert "pending" in kinds(work)
    report = migrated(work, database)
    assert [one.id for one in report.applied] == [late.id]
    assert report.current == (last.id,)
    assert connection.execute("select to_regclass('two')::text").fetchone() == ("two",)
    assert migrated(work, database).applied == ()


def test_what_alembic_had_applied_before_the_ledger_is_not_taken_for_late(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    work.revision("one", "create table one ()")
    work.revision("two", "create table two ()")
    running.upgrade(work.history, connection)  # as Alembic does: no ledger
    third = work.revision("three", "create table three ()")
    assert [one.id for one in migrated(work, database).applied] == [third.id]
    assert migrated(work, database).applied == ()
    assert kinds(work) == []


def test_an_interrupted_revision_is_shown(work: Work, database: Database) -> None:
    body = "op.execute('create table one ()')\nwith op.get_context().autocommit_block():\n"
    work.revision("one", body + "    op.execute('select 1 / 0')")
    with pytest.raises(MigrationError, match="step 1 is committed"):
        migrated(work, database)
    assert kinds(work) == ["interrupted", "pending"]


def test_a_stamp_ends_an_interruption_and_is_in_the_ledger(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    body = "op.execute('create table one ()')\nwith op.get_context().autocommit_block():\n"
    one = work.revision("one", body + "    op.execute('select 1 / 0')")
    with pytest.raises(MigrationError):
        migrated(work, database)
    at = migrate.stamp(work.project, work.profile, database, one.id, confirm=lambda: True)
    assert at == (one.id,)
    assert ledger.read(connection).applied()[one.id].action == "stamp"
    assert kinds(work) == []


@pytest.mark.parametrize("other", ["nothing", "a ledger that is not to be read"])
def test_a_role_that_may_keep_no_ledger_migrates_without_one_and_is_told(
    other: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    if other != "nothing":
        connection.execute("CREATE SCHEMA limbeck_state CREATE TABLE ledger (id bigint)")
    role = f"humble_{database.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'".encode())
    try:
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {role}".encode())
        work.revision("one", "create table one ()")
        told: list[Event] = []
        parameters = {**database.parameters, "user": role, "password": "x"}
        humble = dataclasses.replace(database, url=urls.render(parameters))
        plan = migrate.plan(work.project, work.profile, humble)
        assert migrate.apply(plan, confirm=lambda _: True, listen=told.append).applied
        said = [event.text for event in told if isinstance(event, Notice)]
        assert [text.partition(":")[0] for text in said] == ["no ledger is kept"]
        assert migrate.plan(work.project, work.profile, humble).revisions == ()
    finally:
        connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


def started(work: Work) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, str(work.project.root)], stderr=subprocess.PIPE
    )


def backend(connection: psycopg.Connection, words: str) -> int:
    """Wait for a statement with these words, and return its backend."""
    query = "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'"
    query += " AND datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    while True:
        if row := connection.execute(query.encode(), [f"%{words}%"]).fetchone():
            return int(row[0])
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("killed", ["the client", "the backend"])
def test_a_migrator_killed_in_a_long_statement_leaves_no_lock_and_the_next_one_finishes(
    killed: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int)")
    body = "op.create_table('two')\n"
    body += "with op.get_context().autocommit_block():\n"
    body += "    op.create_index('one_id', 'one', ['id'], postgresql_concurrently=True)"
    work.revision("index", body)
    with contextlib.ExitStack() as stack:
        # An older transaction makes the build wait, so it is killed in the middle.
        other = stack.enter_context(psycopg.connect(database.url))
        other.execute("insert into one values (1)")
        process = started(work)
        pid = backend(connection, "INDEX CONCURRENTLY")
        if killed == "the client":
            process.send_signal(signal.SIGKILL)
        else:
            connection.execute("select pg_terminate_backend(%s)", [pid])
        process.communicate(timeout=60)
        query = "select count(*) from pg_locks where locktype = 'advisory' and pid = %s"
        deadline = time.monotonic() + 15
        while connection.execute(query.encode(), [pid]).fetchone() != (0,):
            assert time.monotonic() < deadline, "the lock outlives its client"
            time.sleep(0.1)
    assert [one.done for one in migrate.plan(work.project, work.profile, database).revisions] == [1]
    migrated(work, database)
    query = "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = "
    found = connection.execute(f"{query} 'one'::regclass".encode()).fetchall()
    assert found == [("one_id", True)]
