"""A generated revision does exactly what the models ask for, both ways, and keeps the rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from limbeck import generate
from limbeck.engine import running
from limbeck.errors import (
    ConfigurationError,
    ModelsError,
    NotConfirmedError,
    ProofError,
    SeveralHeadsError,
)
from limbeck.events import Event, Notice
from limbeck.history import writing
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import connect
from limbeck.postgres.embedded import binaries
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.schema.renames.likeness import Question
from limbeck.schema.renames.rename import Rename
from limbeck.settings import Project
from limbeck.sources import Models, Replay
from tests.postgres.conftest import empty_project

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server

Begin: TypeAlias = "Callable[[str], Begun]"

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
        books(
            """Column("state", sa.String(20), nullable=False, server_default="it's 100% :new")"""
        ),
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
        'sa.CheckConstraint("\\"Wei.rd % \\\\:a\\" > 0", name="100% :x"))\n'
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


@dataclass(frozen=True)
class Begun:
    """A project with the models before a change, and the revision that was generated for them."""

    project: Project
    catalog: Catalog
    revision: Revision | None
    said: tuple[Event, ...]

    def copied(self, root: Path) -> Project:
        """Return a copy of the project in another folder."""
        shutil.copytree(self.project.root, root, symlinks=True)
        return replace(Project.find(root), models=self.project.models)


@pytest.fixture(scope="module")
def begin(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begin]:
    """A function that begins a project, once for all cases that begin with the same models."""

    @cache
    def begin(source: str) -> Begun:
        said: list[Event] = []
        project = empty_project(tmp_path_factory.mktemp("begun") / "project").project
        before = with_models(project, "before", source)
        made = generate.revision(before, listen=said.append)
        return Begun(before, Models(before).catalog(), made.revision, tuple(said))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHADOW_DATABASE_URL", server.url())
        yield begin


@pytest.fixture(scope="module")
def nothing(empty: psycopg.Connection) -> Catalog:
    """The catalog of an empty database."""
    return read(empty)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_change_of_the_models(
    case: Case, begin: Begin, nothing: Catalog, database: Database, tmp_path: Path
) -> None:
    first = begin(case.before)
    before = first.copied(tmp_path / "project")
    said = list(first.said)
    after = with_models(before, "after", case.after)
    generated = generate.revision(after, answers=AGREED, listen=said.append)
    old, new = first.catalog, Models(after).catalog()

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
    history = History(after.script_location)
    with connect(database) as connection:
        if first.revision:
            running.upgrade(history, connection, first.revision.id)
        if case.seed:
            connection.execute(case.seed)
        running.upgrade(history, connection, "head")
        assert differences(read(connection), new) == []
        if case.kept:
            assert connection.execute(case.kept).fetchall() == case.rows
        running.downgrade(history, connection, first.revision.id if first.revision else "base")
        assert differences(read(connection), old) == []
        running.downgrade(history, connection, "base")
        assert differences(read(connection), nothing) == []


def written(project: Project) -> list[Path]:
    """Return the revision files, and whatever else was left in the folders."""
    found = [*(project.script_location / "versions").rglob("*"), *project.home.glob("draft*")]
    return sorted(path for path in found if "__pycache__" not in path.parts)


def test_without_a_change_nothing_is_written(project: Project) -> None:
    assert generate.revision(with_models(project, "none", "")).path is None
    assert written(project) == []


def test_a_rename_is_asked_about_and_keeps_the_rows(project: Project, database: Any) -> None:
    generate.revision(
        with_models(
            project, "before", 'table("books", Column("title", Text), Column("year", Integer))\n'
        )
    )
    after = with_models(
        project, "after", 'table("books2", Column("title", Text), Column("years", Integer))\n'
    )
    with pytest.raises(NotConfirmedError, match=r"--rename public\.books:public\.books2"):
        generate.revision(after)
    assert len(written(project)) == 1

    asked: list[str] = []

    def first(question: Question) -> Rename:
        asked.append(str(question.candidates[0].rename))
        return question.candidates[0].rename

    answers = generate.Answers(ask_rename=first)
    made = generate.revision(after, answers=answers)
    assert asked == ["public.books:public.books2", "public.books2.year:public.books2.years"]
    history = History(project.script_location)
    with connect(database) as connection:
        running.upgrade(history, connection, made.revision.down[0] if made.revision else "")
        connection.execute("INSERT INTO books (year) VALUES (1815)")
        running.upgrade(history, connection)
        assert connection.execute("SELECT id, years FROM books2").fetchall() == [(1, 1815)]
        running.downgrade(history, connection, made.revision.down[0] if made.revision else "")
        assert connection.execute("SELECT id, year FROM books").fetchall() == [(1, 1815)]


def test_an_answer_that_fits_nothing_is_refused(project: Project) -> None:
    with_table = with_models(project, "before", books())
    with pytest.raises(ConfigurationError, match=r"public\.no:public\.yes"):
        generate.revision(with_table, answers=generate.Answers(renames=["public.no:public.yes"]))
    assert written(project) == []


def test_a_loss_has_to_be_agreed_to(begin: Begin, tmp_path: Path) -> None:
    project = begin(books('Column("year", Integer)')).copied(tmp_path / "project")
    after = with_models(project, "after", books())
    with pytest.raises(NotConfirmedError, match="loses data") as caught:
        generate.revision(after)
    assert "--allow-drop" in str(caught.value.hint)
    with pytest.raises(NotConfirmedError):
        generate.revision(after, answers=generate.Answers(ask_loss=lambda losses: not losses))
    assert len(written(project)) == 1
    agreed = generate.Answers(ask_loss=lambda losses: "year" in losses[0])
    assert generate.revision(after, answers=agreed).path


def test_losses_are_asked_about_one_after_the_other(begin: Begin, tmp_path: Path) -> None:
    columns = ", ".join(f'Column("{name}", Integer)' for name in "abcd")
    project = begin(books(columns)).copied(tmp_path / "project")
    asked: list[int] = []

    def answer(losses: Sequence[str]) -> int:
        asked.append(len(losses))
        return 1 if len(losses) > 2 else len(losses)

    answers = generate.Answers(ask_loss=answer)
    assert generate.revision(with_models(project, "after", books()), answers=answers).path
    assert asked == [4, 3, 2]


def test_a_revision_that_does_not_prove_is_not_kept(project: Project) -> None:
    template = project.script_location / "script.py.mako"
    spoiled = template.read_text().replace(
        '${upgrades if upgrades else "pass"}',
        'op.execute("CREATE TABLE extra ()")\n    ${upgrades}',
    )
    template.write_text(spoiled)
    with pytest.raises(ProofError, match=r"table public\.extra should not exist"):
        generate.revision(with_models(project, "before", books()))
    assert written(project) == []


def test_models_that_postgres_refuses_leave_nothing(project: Project) -> None:
    refused = with_models(project, "before", books('Column("a", Integer, server_default="x")'))
    with pytest.raises(ModelsError):
        generate.revision(refused)
    assert written(project) == []


def test_two_heads_are_an_error(project: Project) -> None:
    history = History(project.script_location)
    first = writing.write(history, "first", down=[])
    writing.write(history, "second", down=[])
    with pytest.raises(SeveralHeadsError):
        generate.revision(with_models(project, "before", books()))
    assert len(written(project)) == 2
    first.unlink()


def test_what_was_proven_is_not_replayed_again(project: Project) -> None:
    said: list[Event] = []
    generate.revision(with_models(project, "before", books()))
    after = with_models(project, "after", books('Column("year", Integer)'))
    generate.revision(after, listen=said.append)
    assert not [one for one in said if "replaying" in getattr(one, "text", "")]


def test_a_history_apart_is_written_apart(project: Project) -> None:
    profile = replace(project.profile("development"), versions=project.root / "own_versions")
    made = generate.revision(with_models(project, "before", books()), profile)
    assert made.path
    assert made.path.parent == project.root / "own_versions"
    assert written(project) == []


PLAIN_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql", literal_binds=True, dialect_opts={"paramstyle": "named"}
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(os.environ["PLAIN_URL"]).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
"""


def alembic_without_limbeck(project: Project, url: str, *arguments: str) -> str:
    """Run Alembic where limbeck cannot be imported, with an env.py of its own."""
    blocked = project.root / "blocked"
    blocked.mkdir(exist_ok=True)
    (blocked / "limbeck.py").write_text('raise ImportError("limbeck is not installed")\n')
    (project.script_location / "env.py").write_text(PLAIN_ENV)
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(blocked), "PLAIN_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_revisions_run_without_limbeck_online_and_offline(
    project: Project, make_database: Any
) -> None:
    wide = next(case for case in CASES if case.name == "keys, checks and unique constraints")
    generate.revision(with_models(project, "before", wide.before))
    odd = next(case for case in CASES if case.name == "odd names")
    after = with_models(project, "after", wide.after + odd.after)
    generate.revision(after, answers=AGREED)
    wanted = Models(after).catalog()

    online, offline = make_database(), make_database()
    alembic_without_limbeck(project, online.url, "upgrade", "head")
    script = alembic_without_limbeck(project, "", "upgrade", "head", "--sql")
    with connect(online) as connection:
        assert differences(read(connection), wanted) == []
    psql = [binaries.find().program("psql"), "-XqvON_ERROR_STOP=1", offline.url]
    subprocess.run(psql, input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    with connect(offline) as connection:
        assert differences(read(connection), wanted) == []
    alembic_without_limbeck(project, online.url, "downgrade", "base")
    with connect(online) as connection, connect(make_database()) as empty:
        assert differences(read(connection), read(empty)) == []


def test_what_is_written_is_formatted_as_the_repository_is(project: Project) -> None:
    shutil.copy(REPOSITORY / "pyproject.toml", project.root)
    for name, case in (("before", CASES[0]), ("after", CASES[12])):
        generate.revision(with_models(project, name, case.after), answers=AGREED)
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            ["ruff", *command, str(project.script_location / "versions")],
            cwd=project.root,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


VIEW = "from limbeck.entities import View\n"
CONFLICTS = {
    "two indexes of one name": (
        """
table("a", Column("x", Text), Index("i", "x"))
table("b", Column("x", Text), Index("i", "x"))
""",
        'relation "i" already exists',
    ),
    "a table beside a view of its name": (
        f'{VIEW}table("a")\nView("a", "SELECT 1 AS n", metadata=metadata)\n',
        '"a"',
    ),
    "views that need each other": (
        f"""{VIEW}
View("one", "SELECT n FROM two", metadata=metadata)
View("two", "SELECT n FROM one", metadata=metadata)
""",
        'relation "two" does not exist',
    ),
    "a type of an extension that nobody has": (
        """
class Shape(sa.types.UserDefinedType):
    def get_col_spec(self): return "geometry"
table("a", Column("x", Shape()))
""",
        'type "geometry" does not exist',
    ),
    "a reference to a column that is no key": (
        """
table("a", Column("x", Text))
table("b", Column("y", Text, sa.ForeignKey("a.x")))
""",
        'no unique constraint matching given keys for referenced table "a"',
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_models_that_cannot_be_are_named_and_nothing_is_written(
    name: str, project: Project
) -> None:
    source, said = CONFLICTS[name]
    with pytest.raises(ModelsError) as caught:
        generate.revision(with_models(project, "models", source))
    assert said in caught.value.message
    if "extension" in name:
        assert "postgis" in (caught.value.hint or "")
    if "key" in name:
        assert "a unique constraint on a (x)" in (caught.value.hint or "")
    assert list((project.script_location / "versions").glob("*.py")) == []


def test_a_view_of_sqlalchemys_own_is_understood(project: Project) -> None:
    books_and_view = books() + (
        "from sqlalchemy.schema import CreateView\n"
        'CreateView(sa.select(metadata.tables["books"].c.title), "titles", metadata=metadata)\n'
    )
    made = generate.revision(with_models(project, "models", books_and_view))
    assert made.path is not None
    assert "CREATE VIEW public.titles" in made.path.read_text()
    again = generate.revision(replace(with_models(project, "models", books_and_view)))
    assert again.revision is None
