"""The application's own migration script: what it does, what it asks, what it complains of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from limbeck.engine import running
from tests.postgres.phases import phase

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

APP = Path(__file__).parents[2] / "app"


@pytest.fixture
def script(work: Work) -> Work:
    """A project that has the script, a revision, and a protected production without a URL."""
    shutil.copytree(APP, work.project.root / "app")
    (work.project.root / "env_profiles" / "production.env").write_text("PROTECTED=yes\n")
    work.revision("authors", "create table authors ()")
    return work


def run(script: Work, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.migrate", *arguments],
        cwd=script.project.root,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_migrates_and_then_has_nothing_to_do(script: Work) -> None:
    head = script.history.revisions()[0].id
    first, second = run(script, "development"), run(script, "development")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    order = ["pending: ", "migrating ", f"applied {head}", "is now at"]
    assert [first.stderr.index(part) for part in order] == sorted(
        first.stderr.index(part) for part in order
    )
    assert "nothing to do" in second.stderr


def test_a_contract_waits_until_it_is_asked_for(
    script: Work, database: Database, connection: psycopg.Connection
) -> None:
    phase(script, "expand", "SELECT 1", phase="expand", change="it")
    running.upgrade(script.history, connection)
    phase(script, "contract", "DROP TABLE authors", phase="contract", change="it")
    where = {"DATABASE_URL_PRODUCTION": database.url}
    waits = run(script, "production", "--yes", **where)
    assert (waits.returncode, "limbeck migrate -e production --contract" in waits.stderr) == (
        0,
        True,
    )
    done = run(script, "production", "--yes", "--contract", **where)
    assert "applied " in done.stderr, done.stderr


def test_production_is_migrated_only_when_it_is_confirmed(script: Work, database: Database) -> None:
    refused = run(script, "production", DATABASE_URL_PRODUCTION=database.url)
    assert refused.returncode == 4
    assert "--yes" in refused.stderr
    done = run(script, "production", "--yes", DATABASE_URL_PRODUCTION=database.url)
    assert done.returncode == 0, done.stderr
    assert "is now at" in done.stderr


USAGE = "Usage: python -m app.migrate [development|production]"
COMPLAINTS = {
    "no environment": ((), 2, f"Error: Environment must be specified. {USAGE}"),
    "two environments": (("development", "production"), 2, USAGE),
    "a wrong name": (("produktion",), 2, USAGE),
    "no URL": (("production", "--yes"), 2, "DATABASE_URL_PRODUCTION is not set"),
}


@pytest.mark.parametrize("case", COMPLAINTS)
def test_a_wrong_call_is_told_how_it_is_right(case: str, script: Work) -> None:
    arguments, code, said = COMPLAINTS[case]
    done = run(script, *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_down_is_an_error_without_a_traceback(script: Work) -> None:
    url = "postgresql://me:secret-word@127.0.0.1:1/nothing"
    done = run(script, "development", DATABASE_URL_DEVELOPMENT=url)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "secret-word" not in done.stderr
