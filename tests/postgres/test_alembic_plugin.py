"""Alembic's own commands see and write what limbeck generate does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.engine import running
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.read import read
from limbeck.sources import Models

if TYPE_CHECKING:
    import pytest

MODELS = """
Table("books", metadata, Column("id", Integer, primary_key=True), Column("title", Text))
"""
YEAR = 'metadata.tables["books"].append_column(Column("year", Integer, server_default="1"))\n'


def alembic(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Alembic's command line in a project."""
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(root: Path, *arguments: str) -> str:
    """Run Alembic and return what it said."""
    done = alembic(root, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_alembic_writes_revisions_that_reach_the_models(work: Any, database: Any) -> None:
    root = work.project.root
    with connect(database) as connection:
        for models in (MODELS, MODELS + YEAR):
            work.models(models)
            succeed(root, "revision", "--autogenerate", "-m", "next")
            running.upgrade(work.history, connection)
            succeed(root, "check")
        upgraded = read(connection)
        running.downgrade(work.history, connection, "base")
        assert not [one for one in read(connection).objects if one.kind == "table"]
    assert upgraded.changes_to(Models(work.project).catalog()) == ()
    head = work.history.head().path.read_text()
    assert 'op.add_column("books", sa.Column("year"' in head
    assert 'op.drop_column("books", "year")' in head


def test_alembic_check_fails_while_a_revision_is_missing(work: Any) -> None:
    work.models(MODELS)
    done = alembic(work.project.root, "check")
    assert done.returncode != 0
    assert "CREATE TABLE public.books" in done.stderr + done.stdout


def test_a_refusal_is_one_line(work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOW_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    work.models(MODELS)
    done = alembic(work.project.root, "check")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_table_that_the_history_did_not_make_is_never_dropped(work: Any, database: Any) -> None:
    work.models(MODELS)
    with connect(database) as connection:
        connection.execute("CREATE TABLE of_others ()")
    done = alembic(work.project.root, "revision", "--autogenerate", "-m", "next")
    assert done.returncode != 0
    assert "the history did not create public.of_others" in done.stderr
    assert work.history.head() is None
