"""`limbeck init --try`: three answers about a project and its database, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.acceptance.workplace import REPOSITORY, Workplace

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server

ENV = """from alembic import context
from shop.models import Base
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    context.run_migrations()
"""
MODELS = """from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): pass
class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
REVISION = """import sqlalchemy as sa
from alembic import op
revision = {!r}
down_revision = {!r}
def upgrade(): {}
def downgrade(): pass
"""
TABLE = "op.create_table({!r}, sa.Column('id', sa.Integer, primary_key=True))"
FILES = {
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": ENV,
    "migrations/script.py.mako": (REPOSITORY / "alembic" / "script.py.mako").read_text(),
    "migrations/versions/a.py": REVISION.format("a1", None, TABLE.format("authors")),
    "migrations/versions/b.py": REVISION.format("b1", "a1", TABLE.format("books")),
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
}
LATE = {
    "migrations/versions/a.py": REVISION.format("a1", None, "op.drop_column('authors', 'name')"),
}
ISBN = {"shop/models.py": f"{MODELS}    isbn: Mapped[str | None]\n"}


def at(revision: str | None, *tables: str) -> str:
    """The SQL of a database with some tables, at a revision."""
    texts = [f"CREATE TABLE {name} (id serial PRIMARY KEY);" for name in tables]
    if revision:
        texts.append("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);")
        texts.append(f"INSERT INTO alembic_version VALUES ('{revision}');")
    return "".join(texts)


@dataclass(frozen=True)
class Case:
    """A database, a project, the exit code, and words of the three answers."""

    sql: str
    code: int
    answers: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)


RUNS = "1. The history runs on an empty database: 2 revisions."
EQUAL = "3. The models are what the history makes."
CASES = {
    "all agrees": Case(
        at("b1", "authors", "books"),
        0,
        (RUNS, "2. The database is what the history makes (", ", at b1).", EQUAL),
    ),
    "an older revision": Case(
        at("a1", "authors"),
        0,
        (RUNS, "2. The database is what the history makes", "at a1, 1 behind head)", EQUAL),
    ),
    "tables of others": Case(
        at("b1", "authors", "books", *(f"django_{number:02}" for number in range(12))),
        3,
        (
            "2. The database is not what the history makes",
            "12 differences:\n     table public.django_00: only in the database\n",
            "     and 2 more; --json has all of them\n   Next: limbeck pull -e production ",
        ),
    ),
    "no version table": Case(
        at(None, "authors", "books"),
        3,
        ("at no revision, compared with b1)", "Next: limbeck stamp -e production head "),
    ),
    "a revision without a file": Case(
        at("z9", "authors", "books"),
        3,
        (RUNS, "is at revision z9, which no file has", "git log --all -- '*z9*'", EQUAL),
    ),
    "models that have changed": Case(
        at("b1", "authors", "books"),
        3,
        (
            "3. The models are not what the history makes: 1 difference:\n     column public.",
            "isbn: only in the models\n   Next: limbeck generate  writes the revision\n",
            "         limbeck accept    leaves the differences as they are\n",
        ),
        ISBN,
    ),
    "a history that does not start at empty": Case(
        at("b1", "authors", "books"),
        3,
        (
            "1. The history does not run on an empty database:\n     revision a1",
            'Postgres: relation "authors" does not exist',
            "statement: ALTER TABLE authors DROP COLUMN name",
            "Next: limbeck baseline --from-environment production --at b1 ",
            ", at b1):\n     the history does not run up to its revision\n",
            "3. The models are what the database holds.",
        ),
        LATE,
    ),
}


@pytest.fixture
def place(tmp_path: Path, variables: dict[str, str], server: Server) -> Workplace:
    """A project that Alembic migrates, and that does not know limbeck."""
    place = Workplace(
        tmp_path / "project", variables | {"SHADOW_DATABASE_URL": server.shadow_url()}
    )
    write(place, FILES)
    return place


def write(place: Workplace, files: dict[str, str]) -> None:
    for name, text in files.items():
        (place.root / name).parent.mkdir(parents=True, exist_ok=True)
        (place.root / name).write_text(text)


def everything(root: Path) -> dict[str, bytes]:
    """All files of a folder, caches included."""
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CASES)
def test_a_trial_answers_three_questions_and_writes_nothing(
    name: str, place: Workplace, make_database: Callable[[str], Any]
) -> None:
    case, url = CASES[name], make_database("production").url
    write(place, case.files)
    with psycopg.connect(url) as connection:
        connection.execute(case.sql)
    before = everything(place.root)
    result = place.run("init", "--try", "-e", "production", DATABASE_URL_PRODUCTION=url)
    assert result.code == case.code, result.text
    for words in case.answers:
        assert words in result.out
    assert "Nothing was written." in result.err
    assert everything(place.root) == before


def test_a_trial_says_the_same_as_json_and_of_a_project_that_is_set_up(
    place: Workplace, make_database: Callable[[str], Any]
) -> None:
    url = make_database("production").url
    with psycopg.connect(url) as connection:
        connection.execute(at("b1", "authors", "books", "other"))
    plain = place.run("init", "--try", "--url", url, "--json")
    written = place.good("init", "--yes", "--json")
    before = everything(place.root)
    ready = place.run("init", "--try", "--url", url, "--json")
    assert everything(place.root) == before
    assert (plain.code, ready.code) == (3, 3), plain.text
    first, second = json.loads(plain.out), json.loads(ready.out)
    assert json.loads(written.out).items() <= first.items()
    assert [each["path"] for each in first.pop("files")][1:] == [
        "env_profiles/development.env",
        "env_profiles/production.env",
        "pyproject.toml",
    ]
    assert second.pop("files") == []
    assert first == second
    database = first["trial"]["database"]
    assert (database["current"], database["behind"]) == (["b1"], 0)
    assert database["differences"][0]["object"] == "table public.other"
    assert first["trial"]["history"] == {
        "revisions": 2,
        "agrees": True,
        "compared": None,
        "problem": None,
        "hint": None,
        "differences": [],
        "next": [],
    }


def test_a_trial_needs_no_database(place: Workplace) -> None:
    result = place.good("init", "--try")
    assert RUNS in result.out
    assert "2. No database was compared. Name one: limbeck init --try -e" in result.out
    assert EQUAL in result.out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-e", "production"), "-e and --url are for --try"),
        (("--try", "-e", "production", "--url", "postgresql://h/d"), "exclude each other"),
        (("--try", "-e", "production"), "no URL for production; looked for DATABASE_URL_PRODUC"),
        (("--try", "-e", "local"), "local is a branch on this machine, and its server does not"),
    ],
)
def test_a_trial_that_is_not_clear_is_an_error(
    words: tuple[str, ...], reason: str, place: Workplace
) -> None:
    before = everything(place.root)
    result = place.run("init", *words, DATABASE_URL_LOCAL="local")
    assert result.code == 2, result.text
    assert reason in result.err
    assert everything(place.root) == before
