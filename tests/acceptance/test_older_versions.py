"""What version c1f59d4 left behind: this version goes on from there, whatever was interrupted."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from limbeck.postgres.embedded import binaries, cluster
from limbeck.postgres.embedded.server import Server
from tests.acceptance.workplace import REPOSITORY, Workplace

if TYPE_CHECKING:
    from limbeck.postgres.database import Database

OLD = REPOSITORY / "tests" / "fixtures" / "c1f59d4"
ENVIRONMENTS = ("development", "production", "staging")
KEPT = "development before contract 2026-11-30 00:58:40"


@pytest.fixture
def left(tmp_path: Path, variables: dict[str, str]) -> Workplace:
    """The project and its caches as that version left them; without databases."""
    root = tmp_path / "project"
    shutil.copytree(OLD / "project", root)
    shutil.copytree(OLD / "cache", root / ".limbeck" / "cache")
    return Workplace(root, variables)


@pytest.fixture
def old(left: Workplace, server: Server, make_database: Callable[[str], Database]) -> Workplace:
    """The project and the three databases of its environments."""
    lines = [f"SHADOW_DATABASE_URL={server.url()}"]
    for name in ENVIRONMENTS:
        database = make_database(name)
        restore(name, database.url)
        lines.append(f"DATABASE_URL_{name.upper()}={database.url}")
    (left.root / ".env").write_text("\n".join(lines) + "\n")
    return left


def restore(name: str, url: str) -> None:
    """Run a dump in an empty database."""
    psql = [binaries.find().program("psql"), "-Xqo/dev/null", "-vON_ERROR_STOP=1", url]
    subprocess.run([*psql, "-f", str(OLD / f"{name}.sql")], check=True)


def recorded(name: str) -> Any:
    """What that version printed, or wrote."""
    return json.loads((OLD / f"{name}.json").read_text(encoding="utf-8"))


def stand(place: Workplace, name: str) -> dict[str, Any]:
    """What `status` says of one environment now."""
    answer = json.loads(place.good("status", "-e", name, "--json").out)
    (found,) = answer["environments"]
    return dict(found)


def query(place: Workplace, name: str, statement: str) -> list[tuple[Any, ...]]:
    """Execute a statement in an environment."""
    url = place.urls[f"DATABASE_URL_{name.upper()}"]
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_status_says_of_each_database_what_that_version_said(old: Workplace) -> None:
    """The ledger, its digests of the files, phases, backfills, gates, drift."""
    now = json.loads(old.good("status", "--json").out)["environments"]
    for before, after in zip(recorded("status"), now, strict=True):
        told = {key: value for key, value in after.items() if key in before}
        for waiting in (*before["waiting"], *told["waiting"]):
            del waiting["reason"], waiting["hint"]  # sentences
        assert told == before, before["environment"]


def test_generate_finds_no_change(old: Workplace) -> None:
    assert "No changes" in old.good("generate").out
    assert "No changes" in old.good("generate").out


def test_a_revision_that_was_interrupted_goes_on_after_the_step_that_is_done(
    old: Workplace,
) -> None:
    refused = old.run("migrate", "-e", "staging")
    assert refused.code == 1
    assert "is duplicated" in refused.err
    query(old, "staging", "UPDATE authors SET email = 'other@example.org' WHERE id = 1")
    old.good("migrate", "-e", "staging")
    now = stand(old, "staging")
    assert (now["interrupted"], now["current"]) == ([], ["3be0f1d56687"])
    steps = "SELECT steps, finished IS NULL FROM limbeck_state.ledger WHERE id = 2"
    assert query(old, "staging", steps) == [(2, False)]


def test_a_backfill_goes_on_at_the_row_where_it_was_interrupted(old: Workplace) -> None:
    query(
        old,
        "development",
        "CREATE TABLE filled AS SELECT id, xmin::text AS version FROM books WHERE pages_new > 0",
    )
    old.good("backfill", "--yes")
    same = "SELECT count(*) FROM books JOIN filled USING (id) WHERE books.xmin::text = version"
    assert query(old, "development", same) == [(468,)]
    query(old, "development", "DROP TABLE filled")
    wrong = "SELECT count(*) FROM books WHERE pages_new IS DISTINCT FROM pages"
    assert query(old, "development", wrong) == [(0,)]
    old.good("contract", "--yes")
    now = stand(old, "development")
    assert (now["pending"], now["drift"], now["clean"]) == ([], [], True)
    assert {each["phase"] for each in now["changes"]} == {"contracted"}


def test_a_contract_that_waits_has_to_be_asked_for_and_is_taken_back(old: Workplace) -> None:
    old.good("migrate", "-e", "production", "--yes")
    assert stand(old, "production")["current"] == ["3be0f1d56687"]
    old.good("contract", "-e", "production", "--yes", "--allow", "still-used")
    assert stand(old, "production")["current"][0] in {"da12caa7a740", "6d7bea0d6335"}
    old.good("rollback", "-e", "production", "--to", "base", "--yes")
    tables = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    assert query(old, "production", tables) == [("alembic_version",)]


def old_arguments(folder: Path, password: Path, version: int) -> list[str]:
    """What that version told initdb: its passwords cost one iteration."""
    locale = ["--locale=C.UTF-8"]
    if version >= 17:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    scram = ["--set=scram_iterations=1"] if version >= 16 else []
    return [
        f"--pgdata={folder}",
        "--username=limbeck",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
        *locale,
        *scram,
    ]


@pytest.fixture
def local(left: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """The project with a stopped server of its own, whose branches that version registered."""
    server = Server(left.root / ".limbeck", port=None)
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "initdb_arguments", old_arguments)
        server.start()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        for name, comment in recorded("comments").items():
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            restore("kept" if name == KEPT else name, server.url(name))
            admin.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), comment)
            )
    server.stop()
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write("extension_control_path = '$system:/gone/limbeck/extensions'\n")
    yield left
    left.run("local", "stop")


def test_the_embedded_server_starts_with_the_data_and_branches_of_that_version(
    local: Workplace,
) -> None:
    listed = json.loads(local.good("branches", "list", "-o", "json").out)
    assert listed == recorded("branches")
    local.good("psql", "--", "-qc", "CREATE EXTENSION pgcrypto; DROP EXTENSION pgcrypto")
    local.good("undo", "--yes")
    now = stand(local, "development")
    assert now["current"] == ["3be0f1d56687"]
    assert [each["phase"] for each in now["changes"]] == ["backfilled", "pending"]
