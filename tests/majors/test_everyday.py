"""The everyday workflow and a rename in phases, through the command, on the server of the run.

`make majors` runs it on each major; on the run's own, tests/acceptance has more.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from limbeck.postgres.embedded import binaries
from tests.acceptance.conftest import empty_project, project
from tests.acceptance.conftest import variables as plain_variables

if TYPE_CHECKING:
    from tests.acceptance.workplace import Workplace

__all__ = ["empty_project", "plain_variables", "project"]  # fixtures

pytestmark = pytest.mark.majors

YEAR = "    published_year: Mapped[int | None]\n"
ADDED = "    isbn: Mapped[str] = mapped_column(server_default='')\n"


@pytest.fixture
def variables(plain_variables: dict[str, str]) -> dict[str, str]:
    """An environment in which the embedded server is of the run's major, too."""
    return {**plain_variables, binaries.SETTING: str(binaries.find().folder)}


def edited(place: Workplace, old: str, new: str) -> None:
    """Change the model of books."""
    path = place.root / "app" / "models" / "books.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def answer(place: Workplace, *arguments: str) -> dict[str, Any]:
    """What a command says in JSON."""
    return dict(json.loads(place.good(*arguments, "--json").out))


def query(place: Workplace, statement: str) -> list[tuple[Any, ...]]:
    url = place.good("url").out.strip()
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_every_day(project: Workplace) -> None:
    project.good("init")
    project.good("migrate")
    edited(project, YEAR, YEAR + ADDED)
    (step,) = answer(project, "generate", "-m", "isbn")["steps"]
    assert step["object"] == "column public.books.isbn"
    project.good("lint")
    assert "isbn" in project.good("diff", "base", "head", "--sql").out
    project.good("migrate")
    project.good("migrate", "-e", "production", "--yes")
    stands = answer(project, "status")["environments"]
    assert [stand["clean"] for stand in stands] == [True, True]
    project.good("check", "-e", "development", "-e", "production")
    assert "No differences" in project.good("diff", "development", "production").out
    query(project, "CREATE TABLE tags (id serial PRIMARY KEY, name text NOT NULL UNIQUE)")
    assert project.run("check", "-e", "development").code == 3
    assert "class Tag(Base)" in project.good("pull").out
    query(project, "DROP TABLE tags")
    project.good("rollback", "--yes")
    project.good("migrate")
    history = project.root / "alembic" / "versions"
    assert len(list(history.glob("*.py"))) > 1
    project.good("squash", "--force")
    assert len(list(history.glob("*.py"))) == 1
    assert "No changes" in project.good("generate").out


def test_a_rename_in_phases(project: Workplace) -> None:
    project.good("migrate")
    fill = (
        "DO $$BEGIN INSERT INTO authors (name) SELECT 'a' || n FROM generate_series(1, 9) n;"
        "INSERT INTO books (author_id, title, published_year)"
        " SELECT id, 'b' || id, 1900 + id FROM authors; END$$"
    )
    query(project, fill)
    edited(project, "published_year", "year")
    renamed = "public.books.published_year:public.books.year"
    written = answer(project, "generate", "--zero-downtime", "--rename", renamed)
    assert [passage["roles"] for passage in written["passages"]] == [["owner", "limbeck_probe"]] * 2
    project.good("migrate", "--through", "expand")
    query(project, "UPDATE books SET published_year = 2001 WHERE title = 'b1'")
    project.good("backfill", "--yes")
    wrong = "SELECT count(*) FROM books WHERE year IS DISTINCT FROM published_year"
    assert query(project, wrong) == [(0,)]
    project.good("contract", "--yes")
    assert query(project, "SELECT count(*) FROM books WHERE year > 1900") == [(9,)]
    assert answer(project, "status")["environments"][0]["clean"]


def clients_are_of_the_major() -> bool:
    """Return whether pg_dump is no newer than the server: what it writes may be newer, too."""
    own, version = binaries.find(), [binaries.find().program("pg_dump"), "--version"]
    return (
        f" {binaries.major(own)}."
        in subprocess.run(version, capture_output=True, text=True, check=True).stdout
    )


def test_a_copy_of_the_local_server(empty_project: Workplace) -> None:
    """Branches of the embedded server: this major's CREATE DATABASE, and a dump of one in use."""
    place = empty_project
    try:
        place.good("migrate")
        url = place.good("url").out.strip()
        place.good("branches", "create", "idle", "--parent", "development")
        place.good("rehearse", "-e", "production")
        place.good("branches", "delete", "idle", "--yes")
        if clients_are_of_the_major():
            with psycopg.connect(url):
                place.good("branches", "create", "busy", "--parent", "development")
            place.good("branches", "delete", "busy", "--yes")
        place.good("branches", "reset", "development", "--parent", "--yes")
    finally:
        place.run("local", "stop")
