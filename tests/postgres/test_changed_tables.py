"""Tables created as a difference to what is there, compared with all tables created anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limbeck import generate, pull
from limbeck.errors import LimbeckError, ModelsError
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.schema.catalog.filters import EVERYTHING
from limbeck.schema.catalog.read import read
from limbeck.schema.sql.quoting import qualified
from limbeck.shadow import changed_tables
from limbeck.shadow.creation import created, described
from limbeck.shadow.models import Models, Recorded
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import SCRATCH, Shadow, drop
from tests.acceptance.test_real_schemas import load, schemas
from tests.postgres.cases.case import Case
from tests.postgres.relay import relayed
from tests.postgres.test_cases import MODULE, Ground, ground
from tests.postgres.test_diff import CASES, differences

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from limbeck.postgres.connect import Connection
    from limbeck.schema.catalog.catalog import Catalog
    from tests.postgres.conftest import MakeWork, Work

__all__ = ["ground"]  # a fixture

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
}
EMPTY = "DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA public"


@dataclass(frozen=True)
class Column:
    """A column by the numbers of its choices."""

    name: str
    kind: int = 0
    rule: int = 0
    refers: int | None = None


@dataclass(frozen=True)
class Table:
    """A table by the numbers of its choices; `extras` are constraints, indexes, comments."""

    name: str
    key: int = 0
    schema: bool = False
    columns: tuple[Column, ...] = ()
    extras: tuple[int, ...] = ()


def typed(kind: int) -> object:
    """Return a column's type."""
    return (
        sa.Integer(),
        sa.Text(),
        sa.Numeric(10, 2),
        sa.Enum("a", "b", name="mood"),
        pg.ARRAY(sa.Text()),
        sa.String(20),
        sa.Boolean(),
        pg.JSONB(),
    )[kind]


def rule(number: int) -> dict[str, object]:
    """Return arguments of a column."""
    return (
        {},
        {"nullable": False},
        {"unique": True},
        {"index": True},
        {"comment": "what it's for"},
        {"server_default": sa.text("NULL")},
    )[number]


def columns(table: Table, tables: tuple[Table, ...]) -> Iterator[sa.Column]:
    """Yield the columns of a table."""
    yield sa.Column(
        "id",
        sa.Integer(),
        *([sa.Identity()] if table.key == 1 else []),
        primary_key=True,
        autoincrement=table.key > 0,
    )
    for column in table.columns:
        if column.refers is None:
            yield sa.Column(column.name, typed(column.kind), **rule(column.rule))
        elif column.refers < len(tables):
            other = tables[column.refers]
            target = f"other.{other.name}.id" if other.schema else f"{other.name}.id"
            key = sa.ForeignKey(target, deferrable=column.kind == 1, ondelete="CASCADE")
            yield sa.Column(column.name, sa.Integer(), key, **rule(column.rule % 5))


def extras(table: Table) -> Iterator[sa.SchemaItem]:
    """Yield what stands beside the columns."""
    names = [column.name for column in table.columns if column.refers is None]
    for extra in table.extras:
        if extra == 0:
            yield sa.CheckConstraint("id > 0")
        elif extra == 1 and names:
            yield sa.UniqueConstraint("id", names[0])
        elif extra == 2:
            yield sa.Index(None, "id")
        elif extra == 3 and names:
            yield sa.Index(f"{table.name}_partial", "id", postgresql_where=sa.text("id > 3"))


def metadata(tables: tuple[Table, ...], *, named: bool) -> sa.MetaData:
    """Return the models of these tables; the conventions name what has no name, or Postgres."""
    models = sa.MetaData(naming_convention=NAMING if named else None)
    for table in tables:
        schema = "other" if table.schema else None
        comment = "a table" if 4 in table.extras else None
        sa.Table(
            table.name,
            models,
            *columns(table, tables),
            *extras(table),
            schema=schema,
            comment=comment,
        )
    return models


def random_column(random: Random, count: int, name: str) -> Column:
    """Return any column."""
    refers = random.randrange(count) if random.random() < 0.4 else None
    return Column(name, random.randrange(8), random.randrange(6), refers)


def random_tables(random: Random) -> tuple[Table, ...]:
    """Return any tables, among them names that begin alike."""
    count, begin = random.randint(3, 8), random.choice(("t", "T ", "é%"))
    return tuple(
        Table(
            f"{begin}{number % 3}" if number < 3 else f"{begin}{number % 3}_c{number}",
            random.randrange(3),
            random.random() < 0.15,
            tuple(random_column(random, count, f"c{n}") for n in range(random.randint(0, 4))),
            tuple(random.sample(range(5), random.randint(0, 2))),
        )
        for number in range(count)
    )


def edited(random: Random, tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Return the tables after an edit of one of them."""
    number = random.randrange(len(tables))
    table = tables[number]
    column = random_column(random, len(tables), f"c{random.randrange(6)}")
    others = tuple(each for each in table.columns if each.name != column.name)
    edit = random.randrange(6)
    if edit == 0:
        new = replace(table, columns=(*others, column))
    elif edit == 1:
        new = replace(table, columns=others)
    elif edit == 2:
        new = replace(table, extras=tuple(random.sample(range(5), random.randint(0, 3))))
    elif edit == 3:
        new = replace(table, key=random.randrange(3))
    elif edit == 4:
        new = replace(table, name=f"{table.name}x")
    else:
        return (*tables, Table(f"n{random.randrange(3)}x{len(tables)}", 1, columns=(column,)))
    return (*tables[:number], new, *tables[number + 1 :])


def whole(models: sa.MetaData, connection: Connection, database: Database) -> Catalog | None:
    """Return the schema of models that are created in an empty database; None if refused."""
    connection.execute(EMPTY.encode())
    try:
        return created(models, database, EVERYTHING)
    except (ModelsError, sa.exc.SQLAlchemyError):
        return None


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 8), *(pytest.param(seed, 50, marks=pytest.mark.thorough) for seed in range(2, 12))],
)
def test_changed_tables_give_the_schema_that_all_tables_give(
    seed: int, count: int, make_database: Callable[..., Database]
) -> None:
    random = Random(seed)  # noqa: S311 - repeatable
    here, there = make_database("here"), make_database("there")
    changed = 0
    with connect(here) as connection, connect(there) as other:
        version = connection.info.server_version
        while changed < count:
            tables, named = random_tables(random), random.random() < 0.5
            before = metadata(tables, named=named)
            recorded = whole(before, connection, here)
            if recorded is None:
                continue
            former = described(before, version)
            for _ in range(4):
                models = metadata(edited(random, tables), named=named)
                statements = described(models, version)
                change = changed_tables.between(former, statements)
                if change is None:
                    continue
                by_difference = changed_tables.created(connection, change, recorded, EVERYTHING)
                if by_difference is None:
                    continue
                changed += 1
                expected = whole(models, other, there)
                assert expected is not None, (change, statements)
                assert differences(by_difference, expected) == [], change


def compared(
    before: sa.MetaData, after: sa.MetaData, places: tuple[Database, Database]
) -> list[object]:
    """Return what differs between the two ways; nothing where only one of them is possible."""
    here, there = places
    with connect(here) as connection, connect(there) as other:
        version = connection.info.server_version
        recorded = whole(before, connection, here)
        if recorded is None:
            return []
        change = changed_tables.between(described(before, version), described(after, version))
        catalog = change and changed_tables.created(connection, change, recorded, EVERYTHING)
        expected = whole(after, other, there) if catalog else None
        assert (catalog is None) == (expected is None), change
        return [*differences(catalog, expected)] if catalog and expected else []


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_changed_tables_give_the_schema_of_every_case(
    case: Case, ground: Ground, make_database: Callable[..., Database]
) -> None:
    models = []
    for text in (case.before, case.after):
        with connect(make_database("case")) as connection:
            connection.execute(text.encode())
            source = pull.source(read(connection), MODULE)
        models.append(ground.with_models(source).metadata())
    assert compared(models[0], models[1], (make_database("here"), make_database("there"))) == []


def edit(models: sa.MetaData, random: Random) -> None:
    """Alter a table of models."""
    table = random.choice([*models.tables.values()])
    kind = random.randrange(5)
    if kind == 0 and table.indexes:
        table.indexes.pop()
    elif kind == 1:
        sa.Index(None, next(iter(table.columns)))
    elif kind == 2:
        table.append_constraint(sa.CheckConstraint("true", name="late_check"))
    elif kind == 3:
        table.comment = "another one"
    else:
        table.append_column(sa.Column("late", sa.Integer, server_default="1"))


@pytest.mark.real_schemas
@pytest.mark.parametrize("path", [*schemas()])
def test_changed_tables_give_the_schema_of_real_databases(
    path: Path, ground: Ground, make_database: Callable[..., Database]
) -> None:
    database = make_database("real")
    load(path, database)
    with connect(database) as connection:
        source = pull.source(read(connection), MODULE)
    random = Random(path.stem)  # noqa: S311 - repeatable
    places = make_database("here"), make_database("there")
    for _ in range(3):
        models = [ground.with_models(source).metadata() for _ in range(2)]
        edit(models[1], random)
        assert compared(models[0], models[1], places) == []


ONE = "CREATE TABLE one (id int, two int)"
TWO = "CREATE TABLE two (id int)"
BOTH = (ONE, TWO, "CREATE TABLE three (id int)")
WHOLE = {
    "a type": (BOTH, ("CREATE TYPE mood AS ENUM ('a')", *BOTH)),
    "a function": ((*BOTH, "CREATE FUNCTION f() ..."), (*BOTH, "CREATE FUNCTION f() other")),
    "a view of a changed table": (
        (*BOTH, "CREATE VIEW v AS SELECT id FROM Two"),
        (ONE, "CREATE TABLE two (id int, n int)", BOTH[2], "CREATE VIEW v AS SELECT id FROM Two"),
    ),
    "a policy": ((*BOTH, "CREATE POLICY p ON one"), (*BOTH, "CREATE POLICY p ON one USING (true)")),
    "a table that inherits": (BOTH, (*BOTH, "CREATE TABLE four (m int) INHERITS (one)")),
    "most tables": (BOTH, ("CREATE TABLE one ()", "CREATE TABLE two ()", BOTH[2])),
    "a name with quotes": (BOTH, (*BOTH, 'CREATE TABLE "o""ne" (id int)')),
}


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_no_matter_of_single_tables_is_created_as_a_whole(case: str) -> None:
    assert changed_tables.between(*WHOLE[case]) is None


def test_the_order_of_indexes_is_no_change() -> None:
    indexes = ("CREATE INDEX a ON one (id)", "CREATE UNIQUE INDEX b ON one (id)")
    former, wanted = (ONE, *indexes, TWO), (ONE, *reversed(indexes), TWO)
    assert changed_tables.between(former, wanted) == changed_tables.Change((), ())
    other = "CREATE TABLE two (id int, n int)"
    change = changed_tables.between(former, (*wanted[:-1], other))
    assert change == changed_tables.Change((("", "two"),), (other,))


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ('CREATE TABLE s."Two" (id int)', [("s", "Two")]),
        ("CREATE UNIQUE INDEX i ON s.two (id)", [("s", "two")]),
        ("CREATE INDEX ON two USING gin (id)", [("", "two")]),
        ("ALTER TABLE two ADD FOREIGN KEY (id) REFERENCES one", [("", "two")]),
        ("COMMENT ON TABLE two IS 'two'", [("", "two")]),
        ('CREATE TABLE "100 %" (id int)', [("", "100 %")]),
        ("\nCOMMENT ON COLUMN s.two.id IS 'two'", [("s", "two")]),
    ],
)
def test_a_statement_belongs_to_its_table(statement: str, tables: list[tuple[str, str]]) -> None:
    change = changed_tables.between([ONE], [ONE, statement])
    assert change == changed_tables.Change((), (statement,))
    made = [f"CREATE TABLE {qualified(*table)} (a int)" for table in tables]
    if statement.startswith(("CREATE TABLE", "COMMENT ON TABLE")) and not tables[0][0]:
        change = changed_tables.between([ONE, *made], [ONE, *made, statement])
        assert change == changed_tables.Change(tuple(tables), (*made, statement))


def test_rows_that_revisions_have_inserted_are_no_obstacle(database: Database) -> None:
    refers = "CREATE TABLE one (id int PRIMARY KEY, two int REFERENCES two)"
    former = ["CREATE TABLE two (id int PRIMARY KEY)", refers]
    with connect(database) as connection:
        for statement in (*former, "INSERT INTO two VALUES (1)", "INSERT INTO one VALUES (1, 1)"):
            connection.execute(statement.encode())
        wanted = ["CREATE TABLE two (id int PRIMARY KEY, n int)", refers]
        change = changed_tables.between(former, wanted)
        assert change is not None
        catalog = changed_tables.created(connection, change, read(connection), EVERYTHING)
        assert catalog is not None
        assert {"two n", "one two"} <= {f"{at.name} {at.part}" for at in catalog.objects}
        assert connection.execute("SELECT count(*) FROM one, two").fetchone() == (1,)


def test_no_copy_is_left_behind_where_a_question_has_no_answer(
    work: Work, admin: psycopg.Connection
) -> None:
    for column in ("n", "other"):  # of another length: Python tells files apart by that and seconds
        work.models(f"Table('t', metadata, Column('id', Integer), Column('{column}', Text))")
        sys.modules.pop("models", None)
        with pytest.raises(LimbeckError, match="rename") if column == "other" else nullcontext():
            generate.revision(work.project)
    own = f"{SCRATCH}%_{os.getpid()}_%"
    query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
    assert admin.execute(query, [own]).fetchall() == []


MODELS = """
for number in range({count}):
    Table(f"t{{number}}", metadata, Column("id", Integer, primary_key=True), Column("n", Text),
        Column("before", Integer, ForeignKey(f"t{{max(number - 1, 0)}}.id"), index=True)){more}
"""
MORE = "\nmetadata.tables['t1'].append_column(Column('late', Integer))"


def test_a_new_column_takes_as_many_statements_for_a_hundred_tables_as_for_three(
    make_work: MakeWork, own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server of its own, where no other test's replays and databases are swept up."""
    sent = []
    shadow = Database.from_url("shadow", own_server.url())
    for count in (3, 100):
        work = make_work()
        for more in ("", MORE):
            work.models(MODELS.format(count=count, more=more))
            sys.modules.pop("models", None)
            with relayed(shadow) as relay:
                monkeypatch.setenv("SHADOW_DATABASE_URL", relay.to(shadow).url)
                generated = generate.revision(work.project)
            assert generated.revision is not None
        assert [step.address.part for step in generated.steps] == ["late"]
        tables = [text for text in relay.statements if "CREATE TABLE" in text]
        sent.append((len(relay.statements), len(tables)))
    assert sent[0] == sent[1]
    assert sent[0][1] == 1


NOON = "CREATE FUNCTION noon() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT {}'"
BESIDE = """
from limbeck.entities import Extension, Function
{beside}
Table("one", metadata, Column("id", Integer, primary_key=True), Column("n", Text))
Table("two", metadata, Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True),
        server_default=text("'2026-01-01 12:00'::timestamptz"){more}))
"""
FUNCTION = 'Function("noon()", """' + NOON + '""", metadata=metadata)'
# What is edited beside a table: in the models, or on the server.
OUTSIDE: dict[str, tuple[str, str, Callable[[psycopg.Connection, Path, int], None]]] = {
    "the body of a function": (
        FUNCTION.format("12"),
        FUNCTION.format("13"),
        lambda *_: None,
    ),
    "a setting of the server": ("", "", lambda admin, _, number: zone(admin, number)),
    "the version of an extension": (
        'Extension("edited", metadata=metadata)',
        'Extension("edited", metadata=metadata)',
        lambda _, home, number: extend(home, number),
    ),
}


def zone(admin: psycopg.Connection, number: int) -> None:
    """Give the role of the shadow another time zone, by which a default is read."""
    admin.execute(
        f"ALTER ROLE shadow_editor SET timezone = '{('UTC', 'Asia/Tokyo')[number]}'".encode()
    )


def extend(home: Path, number: int) -> None:
    """Install a version of an extension."""
    folder = home / "extensions" / "extension"
    (folder / f"edited--1.{number}.sql").write_text(f"CREATE DOMAIN edited AS char({number + 1});")
    (folder / "edited.control").write_text(f"default_version = '1.{number}'\ntrusted = true\n")


@pytest.fixture
def owner(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """Have a shadow role of its own on that server, and yield a session of the superuser."""
    with connect(Database.from_url("own", own_server.url())) as admin:
        admin.execute("CREATE ROLE shadow_editor CREATEDB LOGIN PASSWORD 'editor'")
        info = admin.info
        url = f"postgresql://shadow_editor:editor@{info.host}:{info.port}/{info.dbname}"
        monkeypatch.setenv("SHADOW_DATABASE_URL", url)
        yield admin
        query = "SELECT datname FROM pg_database WHERE datdba = 'shadow_editor'::regrole"
        for (name,) in admin.execute(query).fetchall():
            drop(admin, str(name))
        admin.execute("DROP ROLE shadow_editor")


@pytest.mark.parametrize("case", OUTSIDE)
def test_an_edit_outside_of_the_tables_counts(
    case: str, work: Work, own_server: Server, owner: psycopg.Connection
) -> None:
    before, after, edit = OUTSIDE[case]
    catalogs = []
    for number, beside in enumerate((before, after)):
        edit(owner, own_server.home, number)
        for more in ("", ", index=True"):
            work.models(BESIDE.format(beside=beside, more=more))
            sys.modules.pop("models", None)
            with Shadow.of(work.project).opened() as shadow:
                replay = Replay(work.project, opened=shadow)
                recorded = Recorded(replay, replay.catalog())
                catalog = Models(work.project, opened=shadow, recorded=recorded).catalog()
            catalogs.append(catalog)
            sys.modules.pop("models", None)
            whole = Models(replace(work.project, cache=False)).catalog()
            assert differences(catalog, whole) == []
        if number == 0:
            generate.revision(work.project)
    # The version of an extension is read, and not compared.
    assert repr(catalogs[1].objects) != repr(catalogs[3].objects)
