"""Pulling as whoever one is: without privileges, a part of a database, proved beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
import pytest
from click.testing import CliRunner, Result

from limbeck.cli import group
from limbeck.cli.invocation import Invocation
from limbeck.errors import DatabaseError, ModelsError
from limbeck.schema.catalog.read import read
from limbeck.shadow import source
from limbeck.shadow.shadow import SCRATCH
from limbeck.sources import Live

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server
    from limbeck.schema.catalog.catalog import Catalog
    from tests.postgres.conftest import Work

Run: TypeAlias = Callable[..., Result]

# Two schemas that need each other, and some of everything that is private to somebody.
PRIVATE = """
    CREATE SCHEMA hidden;
    CREATE TYPE hidden.mood AS ENUM ('low', 'high');
    CREATE FUNCTION hidden.one() RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE hidden.secret (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        m hidden.mood DEFAULT 'low' NOT NULL, n serial, g integer DEFAULT hidden.one());
    CREATE TABLE t (id serial PRIMARY KEY, secret_id bigint REFERENCES hidden.secret,
        CHECK (id > hidden.one()));
    CREATE INDEX ON hidden.secret ((hidden.one() + n));
    CREATE VIEW hidden.v AS SELECT secret.id, t.secret_id FROM hidden.secret JOIN t USING (id);
    ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id > hidden.one());
    CREATE STATISTICS hidden.st ON n, g FROM hidden.secret;
    CREATE TRIGGER tr BEFORE UPDATE ON hidden.secret FOR EACH ROW
        EXECUTE FUNCTION suppress_redundant_updates_trigger();
    CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password 'x');
    CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'y');
    CREATE FOREIGN TABLE f (a integer) SERVER s;
    REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
    """

MODELS = """from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Kept(Base):
    __tablename__ = "kept"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
"""


@pytest.fixture
def run(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A function that runs a command in this process, outside of any project."""
    monkeypatch.setenv("SHADOW_DATABASE_URL", server.url())
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(group, arguments, obj=Invocation())

    return command


@pytest.fixture
def role(admin: psycopg.Connection) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    name = f"limited_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    yield name
    admin.execute(f"DROP ROLE {name}")


@pytest.fixture
def limited(connection: psycopg.Connection, server: Server, role: str) -> str:
    """The URL of a database as a role that may see no schema and no table of it."""
    connection.execute(PRIVATE)
    _, at, place = server.url(connection.info.dbname).partition("@")
    return f"postgresql://{role}:{role}{at}{place}"


def test_a_role_without_privileges_pulls_everything(run: Run, limited: str, role: str) -> None:
    with psycopg.connect(limited) as denied, pytest.raises(psycopg.errors.InsufficientPrivilege):
        denied.execute("TABLE hidden.secret")
    done = run("pull", "--url", limited, "--out", "models.py", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["exact"], answer["lost"], answer["unreadable"]) == (True, [], [])
    assert answer["counts"]["table"] == 3
    assert role not in Path("models.py").read_text()


def test_what_a_role_could_not_read_is_said(
    run: Run, limited: str, connection: psycopg.Connection, role: str
) -> None:
    connection.execute("REVOKE SELECT ON pg_catalog.pg_policy FROM PUBLIC")
    done = run("pull", "--url", limited, "--out", "models.py", "--json")
    assert done.exit_code == 3, done.output
    answer = json.loads(done.stdout)
    assert (answer["exact"], answer["lost"], answer["unreadable"]) == (False, [], ["policies"])
    assert f"role {role} may not read policies; left out" in done.stderr
    assert "Policy(" not in Path("models.py").read_text()
    again = run("pull", "--url", limited, "--out", "models.py")
    assert "exact, but not read for lack of privileges: policies" in again.stdout


def test_the_source_is_read_in_a_session_that_cannot_write(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def noting(connection: psycopg.Connection, **options: Any) -> Catalog:
        ask = "SELECT current_setting(%s)"
        settings = ("default_transaction_read_only", "statement_timeout")
        seen.extend(connection.execute(ask, [setting]).fetchone() for setting in settings)
        return read(connection, **options)

    monkeypatch.setattr(source, "read", noting)
    Live(replace(database, statement_timeout="7s")).catalog()
    source.parse(None, database.url).catalog()
    end = "&" if "?" in database.url else "?"
    source.parse(None, f"{database.url}{end}options=-c%20statement_timeout%3D9s").catalog()
    assert seen == [("on",), ("7s",), ("on",), ("5min",), ("on",), ("9s",)]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--include-schema", "hidden", "--exclude-table", "v"], {"secret"}),
        (["--exclude-schema", "hid*"], {"u"}),
        (["--include-table", "u", "--include-table", "hidden.s*"], {"u", "secret"}),
    ],
)
def test_patterns_choose_what_is_read_outside_a_project(
    run: Run, database: Database, connection: psycopg.Connection, options: list[str], left: set[str]
) -> None:
    connection.execute(f"{PRIVATE}; CREATE TABLE u (id integer PRIMARY KEY)")
    if "hid*" in options:
        connection.execute("DROP TABLE t CASCADE")
    done = run("pull", "--url", database.url, "--out", "m.py", "--json", *options)
    assert done.exit_code == 0, done.output
    found = re.findall(r'__tablename__ = "(\w+)"', Path("m.py").read_text())
    assert set(found) == left


def test_a_folder_is_pulled_into_again_beside_files_of_others(
    run: Run, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    Path("models").mkdir()
    other = Path("models", "other.py")
    other.write_bytes("# caf\xe9\n".encode("latin-1"))
    words = ("pull", "--url", database.url, "--out", "models", "--no-prove")
    first, again = run(*words), run(*words)
    assert "Wrote models/__init__.py, models/base.py, models/ts.py" in first.stdout, first.output
    assert "Next: limbeck init --models models:Base.metadata" in first.stdout
    assert "No changes" in again.stdout, again.output
    Path("models", "ts.py").write_text("")
    refused = run(*words)
    assert "not committed: ts.py" in str(refused.exception)
    assert other.read_bytes() == b"# caf\xe9\n"


def test_what_needs_something_that_is_left_out_is_said_to(
    run: Run, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute(PRIVATE)
    done = run("pull", "--url", database.url, "--out", "m.py", "--include-schema", "public")
    assert isinstance(done.exception, ModelsError)
    assert "hidden" in done.exception.message
    assert done.exception.hint == "Include the objects that the included ones need."


def test_patterns_stand_in_for_the_settings_of_a_project(
    run: Run, work: Work, connection: psycopg.Connection
) -> None:
    (work.project.root / "models.py").write_text(MODELS)
    connection.execute(f"{PRIVATE}; CREATE TABLE kept (id integer PRIMARY KEY)")
    settings = work.project.root / "pyproject.toml"
    settings.write_text(
        '[tool.limbeck]\nmodels = "models:Base.metadata"\nexclude-tables = ["k*"]\n'
    )
    narrow = ("--include-table", "kept", "--exclude-table", "none", "--exclude-schema", "hidden")
    done = run("pull", "--project", str(work.project.root), "--json", *narrow)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["new"], answer["gone"]) == ([], [])
    assert answer["counts"]["table"] == 1


def test_a_proof_beside_the_source_needs_no_shadow(
    run: Run,
    database: Database,
    connection: psycopg.Connection,
    admin: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    monkeypatch.setenv("SHADOW_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    killed = left_behind(database)
    assert killed in databases(admin)
    done = run("pull", "--url", database.url, "--out", "m.py", "--prove-beside")
    assert done.exit_code == 0, done.output
    assert "1 table, 1 column, 1 constraint: exact" in done.stdout
    there = databases(admin)
    assert killed not in there
    assert [name for name in there if f"_{os.getpid()}_" in name] == []


def test_a_proof_beside_the_source_needs_the_right_to_create_databases(
    run: Run, limited: str
) -> None:
    done = run("pull", "--url", limited, "--out", "m.py", "--prove-beside")
    assert isinstance(done.exception, DatabaseError)
    assert "may not create databases" in done.exception.message
    assert not Path("m.py").exists()


@pytest.mark.parametrize(
    "options", [["--prove-beside"], ["--baseline", "--include-schema", "public"]]
)
def test_options_that_do_not_go_together_are_refused(run: Run, options: list[str]) -> None:
    assert run("pull", *options).exit_code == 2


def databases(admin: psycopg.Connection) -> list[str]:
    """The scratch databases on the server."""
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
    return [name for (name,) in admin.execute(query, [SCRATCH]).fetchall()]


def left_behind(database: Database) -> str:
    """The scratch database of a process that was killed before it dropped it."""
    script = (
        "import os, signal, sys, psycopg; from limbeck.shadow.shadow import create\n"
        "with psycopg.connect(sys.argv[1], autocommit=True) as connection:\n"
        "    print(create(connection), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, database.url], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.strip()
