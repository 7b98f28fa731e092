"""SQL that somebody else wrote reaches the machine as a superuser, and not through limbeck."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

from limbeck import generate, pull
from limbeck.errors import MigrationError, ModelsError
from limbeck.events import Event, Notice
from limbeck.history.history import History
from limbeck.lint.trace.tracing import trace
from limbeck.settings import Project
from limbeck.sources import Live, Replay
from tests.postgres.conftest import Work, empty_project

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server

# COPY is refused in a function that is not volatile, but not in one that such a function calls.
LEAVE = """
CREATE FUNCTION leave() RETURNS int LANGUAGE plpgsql AS
$$BEGIN COPY (SELECT 1) TO PROGRAM 'touch {file}'; RETURN 1; END$$;
CREATE FUNCTION pure(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
'BEGIN RETURN public.leave(); END';
"""
PROGRAM = "permission denied to COPY to or from an external program"
EVENT = """
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM leave(); END';
"""


@dataclass(frozen=True)
class Payload:
    """SQL that leaves a file as a superuser, and the words with which the shadow refuses it.

    Without such words it runs there without effect. `proved` are those that can be pulled: what
    they need is still in the schema when they have run.
    """

    name: str
    sql: str
    refused: str = PROGRAM
    proved: bool = False


PAYLOADS = (
    Payload(
        "materialized view", LEAVE + "CREATE MATERIALIZED VIEW m AS SELECT leave()", proved=True
    ),
    Payload(
        "index predicate",
        LEAVE + "CREATE TABLE t (a int); CREATE INDEX ON t (a) WHERE pure(1) > 0;"
        "INSERT INTO t VALUES (1)",
        proved=True,
    ),
    Payload(
        "generated column",
        LEAVE + "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (pure(a)) STORED);"
        "INSERT INTO t VALUES (1)",
    ),
    Payload(
        "default",
        LEAVE + "CREATE TABLE t (a int DEFAULT leave()); INSERT INTO t DEFAULT VALUES",
    ),
    Payload(
        "event trigger",
        LEAVE + EVENT + "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION watch();"
        "CREATE TABLE t (a int)",
        refused="",
        proved=True,
    ),
    Payload(
        "event trigger that a trusted extension fires",
        LEAVE + EVENT + "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION watch();"
        "CREATE EXTENSION citext",
        refused="",
    ),
    Payload(
        "event trigger that a superuser fires",
        LEAVE + EVENT + "CREATE EVENT TRIGGER e ON login EXECUTE FUNCTION watch();"
        "CREATE PUBLICATION p FOR ALL TABLES",
        refused="",
    ),
    Payload(
        "domain check",
        LEAVE + "CREATE DOMAIN d AS int CHECK (pure(VALUE) > 0); CREATE TABLE t (a d DEFAULT 1);"
        "INSERT INTO t DEFAULT VALUES",
    ),
    Payload(
        "cast",
        LEAVE + "CREATE TYPE pair AS (a int);"
        "CREATE FUNCTION first(pair) RETURNS int LANGUAGE sql AS 'SELECT leave()';"
        "CREATE CAST (pair AS int) WITH FUNCTION first(pair); SELECT ROW(1)::pair::int",
    ),
    Payload(
        "operator",
        LEAVE + "CREATE FUNCTION same(int, text) RETURNS int LANGUAGE sql AS 'SELECT leave()';"
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = text, FUNCTION = same); SELECT 1 === 'a'",
    ),
    Payload(
        "operator that replaces one of Postgres",
        LEAVE + "CREATE SCHEMA evil; CREATE FUNCTION evil.same(oid, oid) RETURNS bool LANGUAGE sql"
        " AS 'SELECT public.leave() = 1'; CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid,"
        " FUNCTION = evil.same); SET search_path = evil, pg_catalog, public;"
        "CREATE PUBLICATION p FOR ALL TABLES; SELECT 1::oid = 1::oid",
    ),
    Payload(
        "function that the script of an extension calls",
        LEAVE + "CREATE FUNCTION format(text, text, text, text, text) RETURNS text LANGUAGE sql"
        " AS 'SELECT leave()::text'; CREATE EXTENSION pgcrypto;"
        "SELECT format(t, t, t, t, t) FROM CAST('t' AS text) AS t",
    ),
    Payload("COPY PROGRAM", "COPY (SELECT 1) TO PROGRAM 'touch {file}'"),
    Payload(
        "lo_export",
        "SELECT lo_from_bytea(99, 'x'); SELECT lo_export(99, '{file}')",
        refused="permission denied for function lo_export",
    ),
    Payload(
        "dblink",
        "CREATE EXTENSION dblink;"
        "SELECT dblink_exec('{url}', $$COPY (SELECT 1) TO PROGRAM 'touch {file}'$$)",
        refused='permission denied to create extension "dblink"',
    ),
    Payload(
        "CREATE EXTENSION",
        "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;"
        "CREATE FOREIGN TABLE f (a text) SERVER s OPTIONS (program 'touch {file}');"
        "SELECT * FROM f",
        refused='permission denied to create extension "file_fdw"',
    ),
    Payload(
        "a role that may",
        "CREATE ROLE {role} IN ROLE pg_execute_server_program; SET ROLE {role};"
        "COPY (SELECT 1) TO PROGRAM 'touch {file}'; RESET ROLE; DROP ROLE {role}",
        refused='permission denied to grant role "pg_execute_server_program"',
    ),
)


@pytest.fixture
def isolated(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A project whose shadow is the run's server as the embedded one."""
    monkeypatch.delenv("SHADOW_DATABASE_URL", raising=False)
    work = empty_project(tmp_path / "project")
    work.project.home.symlink_to(server.home)
    return work


@pytest.fixture
def spot(server: Server) -> Iterator[Path]:
    """A path at which the server can leave a file."""
    folder = Path(tempfile.mkdtemp(dir=server.home))
    folder.chmod(0o777)
    yield folder / "file"
    shutil.rmtree(folder)


def left(spot: Path) -> bool:
    """Tell whether there is a file, and remove it."""
    with contextlib.suppress(FileNotFoundError):
        spot.unlink()
        return True
    return False


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name)
def test_a_payload_leaves_a_file_as_a_superuser_and_none_on_the_shadow(
    payload: Payload, isolated: Work, spot: Path, database: Database
) -> None:
    text = payload.sql.replace("{file}", str(spot)).replace("{url}", database.url)
    text = text.replace("{role}", f"role_{database.dbname}")
    with contextlib.suppress(psycopg.Error), psycopg.connect(database.url, autocommit=True) as own:
        own.execute(text.encode())
    with contextlib.suppress(psycopg.Error), psycopg.connect(database.url):
        pass  # for the trigger on login
    assert left(spot)
    revision = isolated.revision("planted", f"op.get_bind().exec_driver_sql({text!r})")
    refused = ""
    try:
        Replay(isolated.project).catalog()
        (traced,) = trace(isolated.project, [revision])
        assert [each.failure for each in traced.statements if each.failure] == []
    except MigrationError as error:
        refused = error.message
    assert not left(spot)
    assert payload.refused in refused, refused
    assert bool(payload.refused) == bool(refused)
    if payload.proved:
        assert prove(isolated, database) == []
        assert not left(spot)


def prove(work: Work, source: Database) -> list[str]:
    """Pull a database and prove the models; return the notices."""
    told: list[Event] = []
    with contextlib.suppress(ModelsError):  # it is refused, or it does not run
        out = work.project.root / "pulled.py"
        pull.fresh(Live(source), out, project=work.project, listen=told.append)
    return [event.text for event in told if isinstance(event, Notice)]


def test_a_superuser_on_a_shadow_with_a_url_is_named_before_the_proof(
    work: Work, database: Database
) -> None:
    assert [text.partition(":")[0] for text in prove(work, database)] == [
        "limbeck is a superuser at 127.0.0.1"
    ]


HARMLESS = """
from limbeck.entities import Definition, Extension, Function

for name in ("citext", "moddatetime", "vector"):
    Extension(name, metadata=metadata)
Table("t", metadata, Column("a", Integer, primary_key=True))
Function(
    "watch()",
    "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
    metadata=metadata,
)
Definition(
    "EVENT TRIGGER", "e", metadata=metadata,
    definition="CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('DROP TABLE') "
    "EXECUTE FUNCTION watch(); ALTER EVENT TRIGGER e ENABLE ALWAYS; "
    "COMMENT ON EVENT TRIGGER e IS 'It watches.'",
)
Definition(
    "PUBLICATION", "p", metadata=metadata, definition="CREATE PUBLICATION p FOR ALL TABLES"
)
"""
ENV = """
from alembic import context
from sqlalchemy import create_engine

with create_engine("postgresql+psycopg://").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ROLES = """
CREATE ROLE {role}; CREATE TABLE o (); ALTER TABLE o OWNER TO {role}; DROP TABLE o;
DROP ROLE {role}; SET session_replication_role = replica
"""


@pytest.mark.parametrize("settings", ["", 'env-file = ".env"'], ids=["here", "by the worker"])
def test_what_needs_a_superuser_but_harms_nobody_is_proven_in_both_directions(
    isolated: Work, settings: str
) -> None:
    with (isolated.project.root / "pyproject.toml").open("a") as file:
        file.write(settings)
    (isolated.project.root / ".env").write_text("SOMETHING=x\n")
    (isolated.project.root / "alembic" / "env.py").write_text(ENV)
    project = Project.find(isolated.project.root)
    isolated.revision("roles", f"op.execute({ROLES.format(role=f'r_{uuid4().hex}')!r})")
    isolated.models(HARMLESS)
    written = generate.revision(project)
    assert {step.address.kind for step in written.steps} >= {
        "event_trigger", "extension", "publication",
    }  # fmt: skip
    assert generate.revision(project) == generate.Generated()
    (traced,) = trace(project, [History.of(project).heads()[0]])
    assert [each.failure for each in traced.statements if each.failure] == []
    (isolated.project.root / "none.py").write_text("from sqlalchemy import *; m = MetaData()")
    emptied = replace(project, models="none:m")
    answers = generate.Answers(allow_drop=True)
    assert generate.revision(emptied, answers=answers).path
