"""Alembic's own commands work in a project, through the two lines of its env.py."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config

from limbeck.engine import running, version_table
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.postgres.lock import migration_lock

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work


ALEMBIC = str(Path(sys.executable).with_name("alembic"))


def alembic(work: Work, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ALEMBIC, *arguments],
        cwd=work.project.root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def recorded(work: Work) -> None:
    work.models('Table("one", metadata, Column("id", Integer, primary_key=True))\n')
    work.revision("one", "create table one (id serial primary key)", "drop table one")


def tables(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row[0] for row in rows} - {"alembic_version"}


def test_the_everyday_commands(work: Work, connection: psycopg.Connection) -> None:
    recorded(work)
    head = work.history.revisions()[0].id
    assert alembic(work, "-x", "env=development", "upgrade", "head").returncode == 0
    assert tables(connection) == {"one"}
    assert f"{head} (head)" in alembic(work, "current").stdout
    assert head in alembic(work, "history").stdout
    assert alembic(work, "check").returncode == 0
    connection.execute("alter table one add by_hand int")
    drifted = alembic(work, "check")
    assert drifted.returncode != 0
    assert "by_hand" in drifted.stdout + drifted.stderr
    connection.execute("alter table one drop by_hand")
    assert alembic(work, "downgrade", "-1").returncode == 0
    assert tables(connection) == set()


def test_autogenerate_writes_what_the_models_have_more(
    work: Work, connection: psycopg.Connection
) -> None:
    recorded(work)
    running.upgrade(work.history, connection)
    work.models(
        'Table("one", metadata, Column("id", Integer, primary_key=True), Column("a", Text))\n'
    )
    done = alembic(work, "revision", "--autogenerate", "-m", "a")
    assert done.returncode == 0, done.stderr
    running.upgrade(work.history, connection)
    assert alembic(work, "check").returncode == 0


def test_upgrade_needs_no_models_and_sql_no_database(
    work: Work, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(work)
    work.models("import no_such_module\n")
    assert alembic(work, "upgrade", "head").returncode == 0
    assert tables(connection) == {"one"}
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", "postgresql://nobody@127.0.0.1:1/nothing")
    done = alembic(work, "upgrade", "head", "--sql")
    assert done.returncode == 0, done.stderr
    assert "create table one" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-x", "env=nope", "upgrade", "head"), "there is no environment nope"),
        (("-x", "env=apart", "upgrade", "head"), "history of its own"),
        (("-x", "env=lost", "current"), "no URL for lost"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(
    arguments: tuple[str, ...], said: str, work: Work
) -> None:
    recorded(work)
    folder = work.project.root / "env_profiles"
    (folder / "apart.env").write_text("VERSIONS=own/versions\n")
    (folder / "lost.env").write_text("BRANCH=lost\n")
    done = alembic(work, *arguments)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_upgrade_waits_for_the_migration_lock_and_current_does_not(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    recorded(work)
    session = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid NOT IN (%s, pg_backend_pid())"
    )
    with connect(database) as holder, migration_lock(holder):
        assert alembic(work, "current").returncode == 0
        with subprocess.Popen([ALEMBIC, "upgrade", "head"], cwd=work.project.root) as upgrade:
            while not connection.execute(session, (holder.info.backend_pid,)).rowcount:
                assert upgrade.poll() is None
                time.sleep(0.05)
            time.sleep(1)  # some attempts to get the lock
            assert upgrade.poll() is None
            upgrade.kill()
    assert tables(connection) == set()


def test_a_connection_of_the_caller_is_used_as_it_is(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(work)
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", "postgresql://nobody@127.0.0.1:1/nothing")
    config = Config(str(work.project.root / "alembic.ini"))
    with connect(database) as connection:
        with as_sqlalchemy(connection) as given:
            config.attributes["connection"] = given
            command.upgrade(config, "head")
        assert version_table.current(work.history, connection) == (work.history.revisions()[0].id,)
