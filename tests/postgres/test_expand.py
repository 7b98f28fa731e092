"""A breaking change in phases: both applications run in between, and the end is the plain one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from limbeck import generate, phases
from limbeck.catalog.catalog import Catalog
from limbeck.catalog.read import read
from limbeck.database import Connection, Database, connect
from limbeck.history import History, Revision
from limbeck.settings import Project
from limbeck.sources import Models, Replay

PRELUDE = """
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, Text, func, text
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData(naming_convention={
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
})


def table(name, *parts, **options):
    return sa.Table(name, metadata, Column("id", Integer, primary_key=True), *parts, **options)


"""


@dataclass(frozen=True)
class Case:
    """Models before and after; rows of both applications, and what each of them then reads.

    `seed` is there from the start; `old` and `new` are what the two applications write while both
    run. `old_rows` is what the old one's query gives then, `new_rows` what the new one's gives
    then and after the contract.
    """

    name: str
    before: str
    after: str
    renames: tuple[str, ...] = ()
    seed: str = ""
    old: str = ""
    new: str = ""
    old_query: str = ""
    old_rows: list[tuple[Any, ...]] = field(default_factory=list)
    new_query: str = ""
    new_rows: list[tuple[Any, ...]] = field(default_factory=list)
    backfilled: int = 1


BOOKS = 'table("books", Column("title", Text, nullable=False), {})\n'
CASES = [
    Case(
        "rename a column",
        BOOKS.format('Column("published", sa.Date)'),
        BOOKS.format('Column("publication", sa.Date)'),
        renames=("public.books.published:public.books.publication",),
        seed="INSERT INTO books (title, published) VALUES ('Emma', '1815-12-23'), ('None', NULL)",
        old="INSERT INTO books (title, published) VALUES ('Persuasion', '1817-12-20');"
        "UPDATE books SET published = '1815-12-24' WHERE title = 'Emma'",
        new="INSERT INTO books (title, publication) VALUES ('Sanditon', '1925-01-01');"
        "UPDATE books SET publication = '1817-12-21' WHERE title = 'Persuasion'",
        old_query="SELECT id, published::text FROM books ORDER BY id",
        old_rows=[(1, "1815-12-24"), (2, None), (3, "1817-12-21"), (4, "1925-01-01")],
        new_query="SELECT id, publication::text FROM books ORDER BY id",
        new_rows=[(1, "1815-12-24"), (2, None), (3, "1817-12-21"), (4, "1925-01-01")],
    ),
    Case(
        "rename a required, unique, indexed, commented and referenced column with a default",
        BOOKS.format(
            """Column("code", Text, nullable=False, unique=True, index=True, comment="told",
            server_default="none"), sa.CheckConstraint("code <> ''", name="code")"""
        )
        + 'Index("books_lower", func.lower(metadata.tables["books"].c.code), '
        "postgresql_where=text(\"code <> 'x'\"))\n"
        + 'table("loans", Column("book", ForeignKey("books.code", onupdate="CASCADE")))\n',
        BOOKS.format(
            """Column("isbn", Text, nullable=False, unique=True, index=True, comment="told",
            server_default="none"), sa.CheckConstraint("isbn <> ''", name="code")"""
        )
        + 'Index("books_lower", func.lower(metadata.tables["books"].c.isbn), '
        "postgresql_where=text(\"isbn <> 'x'\"))\n"
        + 'table("loans", Column("book", ForeignKey("books.isbn", onupdate="CASCADE")))\n',
        renames=("public.books.code:public.books.isbn",),
        seed="INSERT INTO books (title, code) VALUES ('Emma', 'e'), ('Persuasion', 'p');"
        "INSERT INTO loans (book) VALUES ('e')",
        old="UPDATE books SET code = 'E' WHERE code = 'e';"
        "INSERT INTO books (title, code) VALUES ('New', 'p') ON CONFLICT (code)"
        " DO UPDATE SET title = EXCLUDED.title",
        new="INSERT INTO books (title, isbn) VALUES ('Newer', 'p') ON CONFLICT (isbn)"
        " DO UPDATE SET title = EXCLUDED.title, isbn = 'P';"
        "INSERT INTO books (title) VALUES ('Sanditon')",
        old_query="SELECT title, code, (SELECT min(book) FROM loans) FROM books ORDER BY code",
        old_rows=[("Emma", "E", "E"), ("Newer", "P", "E"), ("Sanditon", "none", "E")],
        new_query="SELECT title, isbn, (SELECT min(book) FROM loans) FROM books ORDER BY isbn",
        new_rows=[("Emma", "E", "E"), ("Newer", "P", "E"), ("Sanditon", "none", "E")],
    ),
]


@pytest.fixture
def project(make_work: Any) -> Project:
    """A project without models yet, its shadow on the run's server."""
    project: Project = make_work().project
    return project


def with_models(project: Project, name: str, source: str) -> Project:
    """Return the project with models in a module of that name."""
    (project.root / f"{name}.py").write_text(PRELUDE + source, encoding="utf-8")
    return replace(project, models=f"{name}:metadata")


def differences(one: Catalog, other: Catalog) -> list[str]:
    """Return what differs, to be read in a failed test."""
    return [f"{c.address}: {c.before} / {c.after}" for c in one.changes_to(other)]


def backfill(connection: Connection, revision: Revision) -> None:
    """Fill in what an expand revision asks for, plainly; nothing is left to be filled in."""
    phase = phases.of(revision)
    for one in phase.backfills if phase else ():
        sets = ", ".join(f"{column} = {value}" for column, value in one.assignments)
        connection.execute(f"UPDATE {one.table} SET {sets} WHERE {one.where}".encode())
    assert wrong(connection, revision) == 0


def wrong(connection: Connection, revision: Revision) -> int:
    """Count the rows that are not in step."""
    phase = phases.of(revision)
    counts = [
        connection.execute(f"SELECT count(*) FROM {one.table} WHERE {one.where}".encode())
        for one in (phase.backfills if phase else ())
    ]
    return sum(int(str(row[0])) for found in counts for row in found)


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    return connection.execute(query.encode()).fetchall() if query else []


def generated(project: Project, case: Case) -> tuple[generate.Generated, generate.Generated]:
    """Return the revision of the models before, and those of the change in phases."""
    first = generate.revision(with_models(project, "before", case.before))
    answers = generate.Answers(allow_drop=True, renames=case.renames, phased=True)
    return first, generate.revision(with_models(project, "after", case.after), answers=answers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recipe(case: Case, project: Project, make_database: Any) -> None:
    first, made = generated(project, case)
    assert first.revision
    assert made.revision
    after = replace(project, models="after:metadata")
    # The plain change made at once on an empty database comes to the same, to the last name.
    assert differences(Replay(after).catalog(), Models(after).catalog()) == []
    assert generate.revision(after) == generate.Generated()
    database: Database = make_database()
    history = History(project.script_location)
    expand = made.expand or first.revision
    with connect(database) as connection:
        history.upgrade(connection, first.revision.id)
        start = read(connection)
        connection.execute(case.seed.encode())

        # Start, roll back, start again.
        history.upgrade(connection, expand.id)
        middle = read(connection)
        history.downgrade(connection, first.revision.id)
        assert differences(read(connection), start) == []
        history.upgrade(connection, expand.id)
        assert differences(read(connection), middle) == []

        # Both applications write.
        backfill(connection, expand)
        for text in filter(None, (case.old, case.new)):
            connection.execute(text.encode())
        assert rows(connection, case.old_query) == case.old_rows
        assert rows(connection, case.new_query) == case.new_rows
        assert wrong(connection, expand) == 0

        # The rollback loses nothing of either; nor does the way back from the end.
        history.downgrade(connection, first.revision.id)
        assert rows(connection, case.old_query) == case.old_rows
        history.upgrade(connection, expand.id)
        backfill(connection, expand)
        history.upgrade(connection, "head")
        assert rows(connection, case.new_query) == case.new_rows
        assert differences(read(connection), Models(after).catalog()) == []
        history.downgrade(connection, expand.id)
        assert differences(read(connection), middle) == []
        assert rows(connection, case.old_query) == case.old_rows
        assert rows(connection, case.new_query) == case.new_rows
        assert wrong(connection, expand) == 0
        history.upgrade(connection, "head")
        assert rows(connection, case.new_query) == case.new_rows
