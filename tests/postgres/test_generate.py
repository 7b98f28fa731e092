"""A generated revision does exactly what the models ask for, both ways, and keeps the rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from limbeck import generate
from limbeck.catalog.catalog import Catalog
from limbeck.catalog.read import read
from limbeck.database import connect
from limbeck.events import Event, Notice
from limbeck.history import History
from limbeck.settings import Project
from limbeck.sources import Models, Replay

REPOSITORY = Path(__file__).parents[2]
AGREED = generate.Answers(allow_drop=True)
PRELUDE = """
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, Text, func, text
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData(naming_convention={
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(column_0_label)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
})


def table(name, *parts, **options):
    return sa.Table(name, metadata, Column("id", Integer, primary_key=True), *parts, **options)


"""
BOOKS = 'table("books", Column("title", Text, nullable=False){})\n'
ENUM = 'mood = sa.Enum({}, name="mood", metadata=metadata)\n'


@dataclass(frozen=True)
class Case:
    """Models before and after; the rows seeded in between are there afterwards."""

    name: str
    before: str
    after: str
    seed: str = ""
    kept: str = ""
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    message: str | None = None


def books(*columns: str, options: str = "") -> str:
    """Return a table of books with more columns and constraints."""
    return BOOKS.format("".join(f", {one}" for one in columns) + options)


ROW = {
    "seed": "INSERT INTO books (title) VALUES ('Emma')",
    "kept": "SELECT title FROM books",
    "rows": [("Emma",)],
}
YEAR = {
    "seed": "INSERT INTO books (title, year) VALUES ('Emma', '1815')",
    "kept": "SELECT title, year::text FROM books",
    "rows": [("Emma", "1815")],
}
CASES = [
    Case("first table", "", books(), message="add books"),
    Case(
        "two tables with a foreign key",
        "",
        'table("authors", Column("name", Text))\n'
        + books('Column("author_id", ForeignKey("authors.id", ondelete="CASCADE"), index=True)'),
        message="add authors, books",
    ),
    Case("drop a table", 'table("a")\n' + books(), books(), **ROW),
    Case(
        "add a column",
        books(),
        books('Column("year", Integer)'),
        message="add year to books",
        **ROW,
    ),
    Case(
        "add a required column with a default",
        books(),
        books("""Column("state", sa.String(9), nullable=False, server_default="it's 100% :new")"""),
        seed=ROW["seed"],
        kept="SELECT title, state FROM books",
        rows=[("Emma", "it's 100% :new")],
    ),
    Case("drop a column", books('Column("year", Integer)'), books(), message="drop books.year"),
    Case(
        "text becomes integer",
        books('Column("year", Text)'),
        books('Column("year", Integer)'),
        **YEAR,
    ),
    Case(
        "integer becomes bigint",
        books('Column("year", Integer)'),
        books('Column("year", sa.BigInteger)'),
        **YEAR,
    ),
    Case(
        "a string gets a length",
        books('Column("year", sa.String)'),
        books('Column("year", sa.String(20))'),
        **YEAR,
    ),
    Case(
        "a collation",
        books('Column("year", Text)'),
        books('Column("year", Text(collation="C"))'),
        **YEAR,
    ),
    Case(
        "a column becomes required",
        books('Column("year", Integer)'),
        books('Column("year", Integer, nullable=False)'),
        **YEAR,
    ),
    Case(
        "defaults come, change and go",
        books(
            'Column("a", Text)',
            """Column("b", Text, server_default="x")""",
            'Column("c", sa.DateTime, server_default=func.now())',
        ),
        books(
            """Column("a", Text, server_default="%s :a '")""",
            'Column("b", Text, server_default=text("upper(\'y%\')"))',
            'Column("c", sa.DateTime)',
        ),
        **ROW,
    ),
    Case(
        "keys, checks and unique constraints",
        books('Column("a", Integer)', 'Column("b", Integer)'),
        books(
            'Column("a", Integer)',
            'Column("b", Integer)',
            'sa.UniqueConstraint("a", "b", deferrable=True, initially="DEFERRED")',
            'sa.UniqueConstraint("b", postgresql_nulls_not_distinct=True)',
            """sa.CheckConstraint("title NOT LIKE '%:a' AND a > 0", name="odd")""",
            'sa.ForeignKeyConstraint(["a"], ["books.id"], onupdate="CASCADE", match="FULL")',
        ),
        **ROW,
    ),
    Case(
        "a check changes",
        books('sa.CheckConstraint("id > 0", name="big")'),
        books('sa.CheckConstraint("id > 1 OR id = 1", name="big")'),
        **ROW,
    ),
    Case(
        "a primary key of two columns",
        'sa.Table("p", metadata, Column("a", Integer, primary_key=True, autoincrement=False), '
        'Column("b", Integer, nullable=False))\n',
        'sa.Table("p", metadata, Column("a", Integer, primary_key=True, autoincrement=False), '
        'Column("b", Integer, primary_key=True))\n',
        seed="INSERT INTO p VALUES (1, 2)",
        kept="SELECT * FROM p",
        rows=[(1, 2)],
    ),
    Case(
        "an exclusion constraint",
        books('Column("during", pg.TSRANGE)'),
        books(
            'Column("during", pg.TSRANGE)',
            'pg.ExcludeConstraint(("during", "&&"), using="gist", where=text("id > 0"), name="x")',
        ),
        **ROW,
    ),
    Case(
        "indexes",
        books('Column("words", pg.ARRAY(Text))'),
        books('Column("words", pg.ARRAY(Text))')
        + """
books = metadata.tables["books"]
Index("ix_words", books.c.words, postgresql_using="gin", postgresql_with={"fastupdate": "off"})
Index("ix_expr", func.lower(books.c.title), books.c.id.desc(), unique=True,
      postgresql_where=text("title <> ':x%'"), postgresql_include=["words"])
Index("ix_ops", "title", postgresql_ops={"title": "text_pattern_ops"}, _table=books)
""",
        **ROW,
    ),
    Case(
        "an index changes its WHERE",
        books() + 'Index("ix", metadata.tables["books"].c.title)\n',
        books()
        + 'Index("ix", metadata.tables["books"].c.title, postgresql_where=text("id > 5"))\n',
        **ROW,
    ),
    Case(
        "an enum comes with its column",
        books(),
        ENUM.format('"sad", "it\'s :ok 100%"')
        + books('Column("mood", mood)', 'Column("all", pg.ARRAY(mood))'),
        **ROW,
    ),
    Case(
        "an enum gets values",
        ENUM.format('"sad", "glad"') + books('Column("mood", mood)'),
        ENUM.format('"sad", "calm", "glad", "wild"')
        + books('Column("mood", mood, server_default="wild")'),
        seed="INSERT INTO books (title, mood) VALUES ('Emma', 'glad')",
        kept="SELECT title, mood::text FROM books",
        rows=[("Emma", "glad")],
    ),
    Case(
        "an enum goes with its column",
        ENUM.format('"sad", "glad"') + books('Column("mood", mood)'),
        books(),
        **ROW,
    ),
    Case(
        "identities",
        'sa.Table("i", metadata, Column("id", Integer, sa.Identity(), primary_key=True), '
        'Column("n", sa.BigInteger))\n',
        'sa.Table("i", metadata, Column("id", Integer, sa.Identity(always=True, increment=5), '
        'primary_key=True), Column("n", sa.BigInteger))\n',
        seed="INSERT INTO i (n) VALUES (7)",
        kept="SELECT * FROM i",
        rows=[(1, 7)],
    ),
    Case(
        "a new table with an identity and computed columns",
        "",
        'sa.Table("i", metadata, Column("id", sa.BigInteger, sa.Identity(start=5, cycle=True), '
        'primary_key=True), Column("a", Integer), '
        'Column("b", Integer, sa.Computed("a * 2", persisted=True)), '
        """Column("c", Text, sa.Computed("'%:a' || a", persisted=False)))\n""",
    ),
    Case(
        "a computed column changes",
        books('Column("a", Integer, sa.Computed("id * 2", persisted=True))'),
        books('Column("a", Integer, sa.Computed("id * 3", persisted=True))'),
        seed="INSERT INTO books (title) VALUES ('Emma')",
        kept="SELECT title, a FROM books",
        rows=[("Emma", 3)],
    ),
    Case(
        "comments",
        books('Column("a", Integer, comment="old")', options=', comment="gone"'),
        books(
            """Column("a", Integer, comment="it's 100% :new")""",
            'Column("b", Integer, comment="b")',
        )
        + 'table("told", Column("a", Text, comment="a"), comment="all")\n',
        **ROW,
    ),
    Case(
        "a table in a schema of its own",
        books(),
        books() + 'table("loans", Column("book", ForeignKey("books.id")), '
        'Column("mood", sa.Enum("a", name="Mood", schema="app")), schema="app")\n',
        **ROW,
    ),
    Case(
        "tables that refer to each other",
        "",
        'table("a", Column("b", ForeignKey("b.id", use_alter=True)))\n'
        'table("b", Column("a", ForeignKey("a.id")))\n',
    ),
    Case(
        "odd names",
        "",
        'table("order", Column("user", Text), Column("Wei.rd % :a", Integer), Column("é", Text), '
        'Column("a\\"b", Integer, comment="x"), '
        'sa.CheckConstraint("\\"Wei.rd % :a\\" > 0", name="100% :x"))\n'
        f'table("{"x" * 63}", Column("{"y" * 63}", Integer, nullable=False), '
        'Column("o", ForeignKey("order.id", name="fk.d")))\n',
    ),
    Case(
        "types that SQLAlchemy lacks",
        "class Point(sa.types.UserDefinedType):\n"
        "    def get_col_spec(self, **kw):\n        return 'point'\n\n\n" + books(),
        "class Point(sa.types.UserDefinedType):\n"
        "    def get_col_spec(self, **kw):\n        return 'point'\n\n\n"
        + books('Column("place", Point)')
        + 'table("places", Column("place", Point, nullable=False))\n',
        **ROW,
    ),
    Case(
        "storage",
        books(),
        books(options=', postgresql_with={"fillfactor": "70"}')
        + 'table("u", prefixes=["UNLOGGED"])\n'
        'sa.Table("m", metadata, Column("at", sa.Date, nullable=False), '
        'postgresql_partition_by="RANGE (at)")\n',
        **ROW,
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_change_of_the_models(case: Case, project: Project, make_database: Any) -> None:
    before = with_models(project, "before", case.before)
    said: list[Event] = []
    first = generate.revision(before, listen=said.append)
    after = with_models(project, "after", case.after)
    generated = generate.revision(after, answers=AGREED, listen=said.append)
    old, new = Models(before).catalog(), Models(after).catalog()

    # 1. A revision is generated, in op.* calls.
    assert generated.path is not None
    assert not (notes := [one.text for one in said if isinstance(one, Notice)]), notes[0]
    assert generated.readable
    if case.message:
        assert generated.revision
        assert generated.revision.message == case.message
    # 2. Its replay equals the models.
    assert differences(Replay(after).catalog(), new) == []
    # 3. A second generate is empty.
    assert generate.revision(after) == generate.Generated()
    # 4. The rows are kept ... 5. ... and a downgrade leaves no trace.
    history = History(project.script_location)
    with connect(make_database()) as connection:
        empty = read(connection)
        if first.revision:
            history.upgrade(connection, first.revision.id)
            assert differences(read(connection), old) == []
        if case.seed:
            connection.execute(case.seed)
        history.upgrade(connection, "head")
        assert differences(read(connection), new) == []
        if case.kept:
            assert connection.execute(case.kept).fetchall() == case.rows
            connection.execute("TRUNCATE books" if "books" in case.kept else "SELECT 1")
        history.downgrade(connection, first.revision.id if first.revision else "base")
        assert differences(read(connection), old) == []
        history.downgrade(connection, "base")
        assert differences(read(connection), empty) == []
