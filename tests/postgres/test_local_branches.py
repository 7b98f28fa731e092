"""What holds for branches on this machine; test_providers.py has what holds for all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from limbeck.branches.base import BranchProvider
from limbeck.branches.local import LocalBranches, database_name
from limbeck.errors import BranchError
from limbeck.postgres.embedded.server import Server


@pytest.fixture
def provider(branch_server: Server) -> Iterator[BranchProvider]:
    """Where branches come from: each provider has to pass the tests that ask only for this."""
    local = LocalBranches(branch_server)
    yield local
    for branch in reversed(local.all()):
        local.protect(branch.name, protected=False)
        local.delete(branch.name)


@pytest.fixture
def production(provider: BranchProvider) -> str:
    """A root branch with a table of three rows."""
    provider.create("production")
    run(provider, "production", "CREATE TABLE t (id serial PRIMARY KEY, name text)")
    run(provider, "production", "INSERT INTO t (name) VALUES ('a'), ('b'), ('c')")
    return "production"


def run(provider: BranchProvider, branch: str, statement: str) -> Any:
    """Execute on a branch; give the first value of the answer, if there is one."""
    with psycopg.connect(provider.url(branch), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def rows(provider: BranchProvider, branch: str) -> int:
    """Count the table's rows on a branch."""
    return int(run(provider, branch, "SELECT count(*) FROM t"))


# What holds for branches on this machine


def test_copy_of_a_parent_in_use_is_a_true_copy(
    provider: BranchProvider, production: str, branch_server: Server
) -> None:
    """Kinds of objects, their comments, and settings of the database: by files as by dump."""
    run(
        provider,
        production,
        """
        CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION citext;
        CREATE SCHEMA "Größe"; CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE "Größe"."T" (id uuid DEFAULT uuid_generate_v4(), m mood, mail citext);
        CREATE VIEW v AS SELECT digest(name, 'sha1') AS d FROM t;
        CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM t; COMMENT ON VIEW v IS 'it''s';
        SELECT lo_from_bytea(0, 'large object')
        """,
    )
    name = database_name(production)
    run(provider, production, f'ALTER DATABASE "{name}" SET search_path = public, "Größe"')
    run(provider, production, f"ALTER DATABASE \"{name}\" SET my.value = 'a, b'")
    provider.create("by files", production)
    with psycopg.connect(provider.url(production)):
        provider.create("by dump", production)
    schemas = {
        branch: _schema(branch_server, branch) for branch in (production, "by files", "by dump")
    }
    assert len(set(schemas.values())) == 1
    for branch in schemas:
        assert run(provider, branch, "SHOW search_path") == 'public, "Größe"'
        assert run(provider, branch, "SHOW my.value") == "a, b"
        assert run(provider, branch, "SELECT count FROM mv") == 3


def _schema(server: Server, branch: str) -> str:
    text = subprocess.run(
        [
            server.find_binaries().program("pg_dump"),
            "--restrict-key=x",
            server.url(database_name(branch)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return text.stdout


def test_create_and_reset_refuse_a_locked_parent_without_touching_it(
    provider: BranchProvider, production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limbeck.branches.copying.LOCK_WAIT", "200ms")
    provider.create("development", production)
    run(provider, "development", "DELETE FROM t")
    with psycopg.connect(provider.url(production)) as session:
        session.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BranchError, match="could not be copied"):
            provider.create("other", production)
        with pytest.raises(BranchError, match="could not be copied"):
            provider.reset("development")
        assert len(provider.all()) == 2
    assert rows(provider, "development") == 0


def test_databases_that_are_no_branches_are_left_alone(
    provider: BranchProvider, production: str, branch_server: Server
) -> None:
    with psycopg.connect(branch_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE limbeck_scratch_1")
        connection.execute("CREATE DATABASE mine")
        connection.execute("COMMENT ON DATABASE mine IS 'not a branch'")
        try:
            assert [one.name for one in provider.all()] == [production]
            with pytest.raises(BranchError, match="is no branch"):
                provider.create("mine")
            provider.create("limbeck_scratch_1", production)
            provider.delete("limbeck_scratch_1")
        finally:
            connection.execute("DROP DATABASE limbeck_scratch_1")
            connection.execute("DROP DATABASE mine")


def test_unfinished_copies_are_removed_by_the_next_change(
    provider: BranchProvider, production: str, branch_server: Server
) -> None:
    with psycopg.connect(branch_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE limbeck_unfinished_0123")
        provider.create("development", production)
        left = connection.execute("SELECT FROM pg_database WHERE datname ~ 'unfinished'")
        assert left.fetchone() is None


KILLED = """
import sys
from pathlib import Path
from limbeck.postgres.embedded.server import Server
from limbeck.branches.local import LocalBranches
print("begun", flush=True)
LocalBranches(Server(Path(sys.argv[1]), port=None)).reset("development")
print("done", flush=True)
"""


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("connected", ["production", "development"])
def test_reset_killed_at_any_moment_leaves_the_old_branch_or_the_new(
    provider: BranchProvider, production: str, branch_server: Server, after: float, connected: str
) -> None:
    run(provider, production, "INSERT INTO t (name) SELECT 'x' FROM generate_series(1, 20000)")
    provider.create("development", production)
    run(provider, "development", "DELETE FROM t WHERE id > 3")
    with contextlib.closing(psycopg.connect(provider.url(connected))):
        command = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(branch_server.home)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert command.stdout
        command.stdout.readline()
        time.sleep(after)
        os.killpg(command.pid, signal.SIGKILL)
        command.communicate()
    assert rows(provider, "development") in (3, 20003)
    provider.reset("development", production)
    assert rows(provider, "development") == 20003


def test_branches_made_at_once_by_two_commands_are_both_there(
    provider: BranchProvider, production: str, branch_server: Server
) -> None:
    program = KILLED.replace('.reset("development")', '.create(sys.argv[2], "production")')
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(branch_server.home), name], stdout=subprocess.PIPE
        )
        for name in ("one", "two")
    ]
    for command in both:
        command.communicate(timeout=60)
    assert [command.returncode for command in both] == [0, 0]
    assert {one.name for one in provider.all()} == {production, "one", "two"}
