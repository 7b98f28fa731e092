"""What steps look like in a revision."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from limbeck.generate.rendering.body import render
from limbeck.generate.rendering.message import message
from limbeck.generate.rendering.statements import execute
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, NotNull
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.diff.column_operations import (
    AddColumn,
    AddNotNull,
    AlterDefault,
    AlterNotNull,
    AlterType,
    DropColumn,
    RenameColumn,
)
from limbeck.schema.diff.operations import (
    AddConstraint,
    Comment,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropIndex,
    DropTable,
    Execute,
    Operation,
    RenameTable,
)
from limbeck.schema.diff.steps import Step

MOOD = Enum(schema="public", name="mood", labels=("sad",))
CATALOG = Catalog(server=180000, objects={MOOD.address: MOOD})
BOOKS = Table(schema="public", name="books")
LOANS = Table(schema="app", name="loans", unlogged=True, options=("fillfactor=70",))


def column(name: str, type_: str = "integer", *, required: bool = False, **more: Any) -> Column:
    """Return a column of books."""
    not_null = NotNull(name=f"books_{name}_not_null") if required else None
    return Column(schema="public", table="books", name=name, type=type_, not_null=not_null, **more)


def constraint(type_: str, name: str, definition: str, **more: Any) -> Constraint:
    """Return a constraint of books."""
    return Constraint(
        schema="public", table="books", name=name, type=type_, definition=definition, **more
    )


def on_column(item: Column, before: str | None) -> Comment:
    """Return the comment on a column of books."""
    return Comment(f"COLUMN public.books.{item.name}", item.comment, item.address, item, before)


KEY = constraint("p", "pk_books", "PRIMARY KEY (id)", columns=("id",))
PRICED = constraint("c", "ck", "CHECK ((price > 0))", columns=("price",), expression="(price > 0)")
AUTHOR = constraint(
    "f",
    "fk",
    "FOREIGN KEY (author_id) REFERENCES app.authors(id) ON DELETE CASCADE",
    columns=("author_id",),
    reference=Reference(
        table=Address("table", "app", "authors"), columns=("id",), on_delete="CASCADE"
    ),
)
SERIAL = Sequence(
    schema="public",
    name="books_id_seq",
    options=SequenceOptions(
        type="integer", start=1, increment=1, minimum=1, maximum=2**31 - 1, cache=1, cycle=False
    ),
)
TITLES = Index(
    schema="public",
    name="ix_books",
    table=BOOKS.address,
    definition="CREATE UNIQUE INDEX ix_books ON public.books USING btree (title, lower(title)) "
    "WHERE (title <> ':x'::text)",
    unique=True,
    keys=(Key(column="title", expression=None), Key(column=None, expression="lower(title)")),
    where="(title <> ':x'::text)",
)

CASES: list[tuple[Operation, str]] = [
    (
        CreateTable(BOOKS, (column("id", required=True),), (KEY, PRICED), "", (("id", SERIAL),)),
        """
        op.create_table(
            "books",
            sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_books")),
            sa.CheckConstraint("price > 0", name=op.f("ck")),
        )
        """,
    ),
    (
        CreateTable(LOANS, (), (), ""),
        """
        op.create_table(
            "loans",
            schema="app",
            prefixes=["UNLOGGED"],
            postgresql_with={"fillfactor": "70"},
        )
        """,
    ),
    (DropTable(LOANS), 'op.drop_table("loans", schema="app")'),
    (
        AddColumn(column("year", "smallint", required=True, default="0"), ""),
        (
            'op.add_column("books", sa.Column("year", sa.SmallInteger(),'
            ' server_default=sa.text("0"), nullable=False))'
        ),
    ),
    (
        AddColumn(column("feeling", "public.mood"), ""),
        (
            'op.add_column("books", sa.Column("feeling",'
            ' postgresql.ENUM("sad", name="mood", create_type=False), nullable=True))'
        ),
    ),
    (DropColumn(column("year")), 'op.drop_column("books", "year")'),
    (
        AlterType(column("year", "text"), column("year"), using="year::integer"),
        (
            'op.alter_column("books", "year", existing_type=sa.Text(), type_=sa.Integer(),'
            ' postgresql_using="year::integer")'
        ),
    ),
    (
        AlterNotNull(column("year"), column("year", required=True)),
        'op.alter_column("books", "year", nullable=False)',
    ),
    (
        AlterDefault(column("year", default="0"), column("year")),
        'op.alter_column("books", "year", server_default=None)',
    ),
    (AddConstraint(KEY), 'op.create_primary_key(op.f("pk_books"), "books", ["id"])'),
    (AddConstraint(PRICED), 'op.create_check_constraint(op.f("ck"), "books", "price > 0")'),
    (
        AddConstraint(AUTHOR),
        (
            'op.create_foreign_key(op.f("fk"), "books", "authors", ["author_id"], ["id"],'
            ' ondelete="CASCADE", referent_schema="app")'
        ),
    ),
    (DropConstraint(AUTHOR), 'op.drop_constraint(op.f("fk"), "books", type_="foreignkey")'),
    (
        CreateIndex(TITLES),
        (
            'op.create_index(op.f("ix_books"), "books", ["title", sa.text("lower(title)")],'
            " unique=True, postgresql_where=sa.text(\"title <> '\\\\:x'::text\"))"
        ),
    ),
    (DropIndex(TITLES), 'op.drop_index(op.f("ix_books"), table_name="books")'),
    (
        RenameTable(LOANS, "lendings", LOANS.address),
        'op.rename_table("loans", "lendings", schema="app")',
    ),
    (
        RenameColumn(column("year"), "published"),
        'op.alter_column("books", "year", new_column_name="published")',
    ),
    (
        Comment("TABLE public.books", '"a"', BOOKS.address, BOOKS),
        'op.create_table_comment("books", \'"a"\')',
    ),
    (
        on_column(column("year"), "old"),
        'op.alter_column("books", "year", comment=None, existing_comment="old")',
    ),
]
UNSPEAKABLE: list[Operation] = [
    AddColumn(column("place", "point"), "place point"),
    AddColumn(column("id"), "id serial", SERIAL),
    AddColumn(column("a", storage="EXTERNAL"), "a integer"),
    AlterType(column("a"), column("a")),
    AlterDefault(column("a"), column("a")),
    AlterNotNull(column("a", required=True), column("a", required=True)),
    AlterNotNull(column("a"), replace(column("a"), not_null=NotNull(name="my_own"))),
    AddNotNull(replace(column("a"), not_null=NotNull(name="my_own", no_inherit=True))),
    AddConstraint(constraint("c", "ck", "CHECK (a) NOT ENFORCED", expression="a", enforced=False)),
    AddConstraint(constraint("u", "uq", "UNIQUE (a, b WITHOUT OVERLAPS)", columns=("a", "b"))),
    CreateTable(Table(schema="public", name="f", kind="f", server="s"), (), (), " () SERVER s"),
    CreateTable(BOOKS, (column("place", "point"),), (), " (place point)"),
    Comment("TYPE public.mood", "why", MOOD.address, MOOD),
]


def step(sql: str, verb: str = "alter", address: Address = BOOKS.address, **how: Any) -> Step:
    """Return a step of plain SQL."""
    return Step(Execute(sql, verb, address), **how)


@pytest.mark.parametrize(("operation", "text"), CASES)
def test_an_operation_is_written_as_alembic_writes_it(operation: Operation, text: str) -> None:
    body = render([Step(operation)], CATALOG, CATALOG)
    assert body.text == textwrap.dedent(text).strip()
    for module in ("sa.", "postgresql."):
        needed = any(module.rstrip(".") in line for line in body.imports)
        assert needed or module not in body.text.replace("postgresql_", "")


@pytest.mark.parametrize("operation", UNSPEAKABLE)
def test_what_alembic_cannot_say_is_said_in_sql(operation: Operation) -> None:
    body = render([Step(operation)], CATALOG, CATALOG)
    assert body.text == execute(operation.sql).text
    assert render([Step(operation)], CATALOG, CATALOG, plain_sql=True) == body


def test_comments_are_part_of_what_creates_their_column() -> None:
    told = column("a", comment="why")
    steps = [
        Step(AddColumn(told, "a integer")),
        Step(on_column(told, None)),
        Step(AddColumn(column("b", comment="no step says so"), "b integer")),
    ]
    assert render(steps, CATALOG, CATALOG).text.splitlines() == [
        'op.add_column("books", sa.Column("a", sa.Integer(), nullable=True, comment="why"))',
        'op.add_column("books", sa.Column("b", sa.Integer(), nullable=True))',
    ]


def test_what_must_not_share_a_transaction_stands_in_a_block_of_its_own() -> None:
    steps = [step("A", outside=True), step("B", outside=True), step("C", note="It can fail.")]
    assert render(steps, CATALOG, CATALOG).text.splitlines() == [
        "with op.get_context().autocommit_block():",
        "    # Outside of a transaction, so that nobody waits for what takes long.",
        '    op.execute("A")',
        '    op.execute("B")',
        "",
        "# It can fail.",
        'op.execute("C")',
    ]


@pytest.mark.parametrize("name", ["loans", 'a "quoted" name', 'ends with """', "back\\\\slash\\"])
def test_a_commit_between_two_transactions_says_why_and_writes_no_pass(name: str) -> None:
    tables = BOOKS, replace(LOANS, name=name)
    steps = [
        Step(Execute(f"select {number}", "alter", table.address), begins=number == 2)
        for number, table in enumerate((tables[0], tables[0], tables[1], tables[1]))
    ]
    text = render(steps, CATALOG, CATALOG).text
    compile(text, "revision", "exec")
    assert "pass" not in text
    assert '"""Commit, so that changes of app.' in text


def test_no_steps_pass() -> None:
    assert render([], CATALOG, CATALOG).text == "pass"


def sent(code: str, imports: frozenset[str]) -> str:
    """Run a body as a revision would, twice indented, and return the SQL that it sends."""
    said: list[str] = []
    indented = textwrap.indent(code, "        ").strip()
    source = "\n".join([*imports, "def upgrade():", "    if True:", f"        {indented}"])
    names = {"op": SimpleNamespace(execute=said.append)}
    exec(source, names)  # noqa: S102 - the text under test
    names["upgrade"]()  # type: ignore[operator]
    dialect = postgresql.dialect(paramstyle="named")
    return str(sa.text(said[0]).compile(dialect=dialect))


SQL = [
    "CREATE FUNCTION f() RETURNS int\n    LANGUAGE sql\nAS $$\n  SELECT ':a' -- \"x\"\n\n$$",
    "CREATE FUNCTION f() RETURNS int\nAS $$\n  \n\tSELECT E'\\\\:a'  \n$$",
    "SELECT '\\:a', '\\d', ':b'::text\n, '100%'",
    "SELECT " + "'some words', " * 30 + "1",
    'SELECT """a""",\n1',
    "SELECT 1\r\n, '\u2028é'",
]


@pytest.mark.parametrize("sql", SQL)
def test_sql_is_sent_as_it_is(sql: str) -> None:
    body = render([step(sql)], CATALOG, CATALOG)
    assert sent(body.text, body.imports).strip("\n") == sql


@given(st.text(alphabet="ab:\\'\"% \n\t\r$é;", min_size=1).filter(lambda sql: sql.strip("\n")))
def test_any_sql_is_sent_as_it_is(sql: str) -> None:
    body = render([step(sql)], CATALOG, CATALOG)
    assert sent(body.text, body.imports).strip("\n") == sql.strip("\n")


YEAR = column("year").address
MESSAGES = [
    ([("create", BOOKS.address), ("create", YEAR), ("create", KEY.address)], "add books"),
    ([("create", BOOKS.address), ("create", LOANS.address)], "add books, loans"),
    ([("create", YEAR)], "add year to books"),
    ([("drop", YEAR)], "drop books.year"),
    ([("alter", YEAR)], "change books.year"),
    ([("create", YEAR), ("create", column("a").address)], "add year, a to books"),
    ([("create", KEY.address)], "add constraint pk_books to books"),
    ([("create", Address("view", "public", "v"))], "add view v"),
    ([("create", Address("function", "public", "f(integer, text)"))], "add function f"),
    ([("create", Address("trigger", "public", "books", "t"))], "add trigger t to books"),
    ([("create", YEAR), ("drop", LOANS.address)], "2 changes to books, loans"),
    (
        [("drop", Address("table", "public", name)) for name in "abcd"],
        "4 changes to a, b, c and 1 more",
    ),
]


@pytest.mark.parametrize(("said", "expected"), MESSAGES)
def test_a_message_says_what_is_done(said: list[tuple[str, Address]], expected: str) -> None:
    assert message([step("-", verb, address) for verb, address in said]) == expected


def test_a_key_that_comes_with_its_column_needs_no_word() -> None:
    author = column("author_id")
    added = Step(AddColumn(author, "author_id integer"))
    key = Step(AddConstraint(AUTHOR))
    assert message([added, key]) == "add author_id to books"
    assert message([key]) == "add constraint fk to books"
