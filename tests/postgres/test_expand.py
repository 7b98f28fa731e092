"""A breaking change in phases: both applications run in between, and the end is the plain one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from limbeck import generate
from limbeck.engine import running
from limbeck.errors import ConfigurationError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.linting import lint
from limbeck.phased import phases
from limbeck.phased.expand import choosing
from limbeck.phased.expand.change import Change
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.renames import parse
from limbeck.schema.sql.quoting import quote
from limbeck.settings import Project
from limbeck.sources import Models, Replay

if TYPE_CHECKING:
    from pathlib import Path

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
    then and after the contract. Where what `new` writes cannot be without the new structure,
    `returns` is False: then nothing is rolled back with those rows.
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
    values: dict[str, str] = field(default_factory=dict)
    returns: bool = True


BOOKS = 'table("books", Column("title", Text, nullable=False), {})\n'
ENUM = 'mood = sa.Enum({}, name="mood", metadata=metadata)\n'
VIEW = """
from limbeck.entities import View
View("dear", "SELECT title, price FROM books", metadata=metadata)
"""
KEYS = """
sa.Table("a", metadata, Column("id", KEY, primary_key=True),
    Column("parent", KEY, ForeignKey("a.id", onupdate="CASCADE"), index=True))
table("b", Column("a", KEY, ForeignKey("a.id", onupdate="CASCADE"), nullable=False),
    Column("c", KEY, ForeignKey("a.id", onupdate="CASCADE", ondelete="SET NULL", deferrable=True)),
    sa.UniqueConstraint("c", "a"))
sa.Table("i", metadata, Column("id", KEY, sa.Identity(), primary_key=True), Column("n", Integer))
"""
DETAILS = (
    'table("details", Column("book_id", ForeignKey("books.id"), nullable=False, unique=True), {})\n'
)
KEYED = """
from limbeck.entities import View
sa.Table("a", metadata, Column("{id}", Integer, sa.Identity(), primary_key=True),
    Column("{price}", Integer),
    Column("twice", Integer, sa.Computed("{price} * 2", persisted=True)))
table("b", Column("a", Integer, ForeignKey("a.{id}", onupdate="CASCADE")))
View("seen", "SELECT {view} FROM a", metadata=metadata)
"""
LOGS = """
from limbeck.entities import Partition
sa.Table("shops", metadata, Column("id", KEY, primary_key=True))
logs = sa.Table("logs", metadata, Column("id", Integer, nullable=False),
    Column("day", sa.Date, nullable=False), Column("kind", Text, nullable=False),
    Column("amount", KEY, server_default="1", nullable=False),
    Column("shop", KEY, ForeignKey("shops.id", onupdate="CASCADE"), index=True),
    sa.PrimaryKeyConstraint("id", "day", "kind"), sa.UniqueConstraint("day", "kind", "amount"),
    Index("logs_amount", "amount", postgresql_where=text("amount > 1")),
    postgresql_partition_by="RANGE (day)")
Partition("logs_1", logs, "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')", metadata=metadata)
Partition("logs_2", logs, "DEFAULT", partition_by="LIST (kind)", metadata=metadata)
Partition("logs_2a", "logs_2", "FOR VALUES IN ('a')", metadata=metadata)
Partition("logs_2b", "logs_2", "DEFAULT", metadata=metadata)
"""
POSITIVE = """
positive = pg.DOMAIN("positive", Integer, check="VALUE {} 0", constraint_name="positive",
    metadata=metadata)
pages = pg.DOMAIN("pages", pg.ARRAY(positive), metadata=metadata)
table("books", Column("title", Text), Column("pages", pg.ARRAY(positive)), Column("all", pages))
"""
HOLDERS = """
from limbeck.entities import Composite, View
mood = sa.Enum({}, name="mood", metadata=metadata)
class Felt(sa.types.UserDefinedType):
    def get_col_spec(self, **options):
        return "felt"
Composite("felt", {{"mood": "mood", "since": "date"}}, metadata=metadata)
clear = pg.DOMAIN("clear", mood, check="VALUE <> 'odd'", constraint_name="clear", default="sad",
    not_null=True, metadata=metadata)
table("books", Column("title", Text), Column("mood", clear), Column("felt", Felt()),
    Column("all", pg.ARRAY(clear)))
View("happy", "SELECT title, mood FROM books", metadata=metadata)
"""
HELD = 'SELECT title, mood::text, felt::text, "all"::text FROM books ORDER BY id'
BOTH = BOOKS.format('Column("published", sa.Date, index=True), Column("pages", Integer)')
MORE = BOTH + 'metadata.tables["books"].append_column(Column("year", Integer))\n'
LOG_ROWS = "SELECT id, day::text, amount::integer FROM logs ORDER BY id"
KEY_ROWS = "SELECT b.id, a::integer, c::integer FROM b ORDER BY id"
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
    Case(
        "change the type of a required and indexed column with a default, a check and a view",
        BOOKS.format(
            'Column("price", sa.Numeric(10, 2), nullable=False, server_default="1", index=True, '
            'comment="told"), sa.CheckConstraint("price > 0", name="positive")'
        )
        + VIEW,
        BOOKS.format(
            'Column("price", Integer, nullable=False, server_default="2", index=True, '
            'comment="told"), sa.CheckConstraint("price > 0", name="positive")'
        )
        + VIEW,
        seed="INSERT INTO books (title, price) VALUES ('Emma', 7.4)",
        old="INSERT INTO books (title) VALUES ('Persuasion');"
        "UPDATE books SET price = price + 2 WHERE title = 'Emma'",
        new="INSERT INTO books (title, price) VALUES ('Sanditon', 4)",
        old_query="SELECT title, price::integer FROM books ORDER BY id",
        old_rows=[("Emma", 9), ("Persuasion", 1), ("Sanditon", 4)],
        new_query="SELECT title, price::integer FROM books ORDER BY id",
        new_rows=[("Emma", 9), ("Persuasion", 1), ("Sanditon", 4)],
    ),
    Case(
        "a key becomes a bigint, and what refers to it",
        KEYS.replace("KEY", "Integer"),
        KEYS.replace("KEY", "sa.BigInteger"),
        seed="INSERT INTO a (parent) VALUES (NULL), (1);INSERT INTO b (a, c) VALUES (1, 2), (2, 1)",
        old="INSERT INTO a (parent) VALUES (2); UPDATE b SET a = 3, c = 3 WHERE id = 1;"
        "UPDATE a SET id = 7 WHERE id = 3",
        new="INSERT INTO b (a, c) VALUES (1, 7); INSERT INTO i (n) VALUES (1), (2)",
        old_query=KEY_ROWS,
        old_rows=[(1, 7, 7), (2, 2, 1), (3, 1, 7)],
        new_query=KEY_ROWS,
        new_rows=[(1, 7, 7), (2, 2, 1), (3, 1, 7)],
    ),
    Case(
        "columns of a partitioned table become bigints, with what they refer to",
        LOGS.replace("KEY", "Integer"),
        LOGS.replace("KEY", "sa.BigInteger"),
        seed="INSERT INTO shops VALUES (1); INSERT INTO logs VALUES (1, '2020-05-05', 'a', 5, 1),"
        " (2, '2021-05-05', 'a', 6, 1), (3, '2022-05-05', 'b', 7, 1)",
        old="INSERT INTO logs VALUES (4, '2020-06-06', 'a', 8, 1);"
        "UPDATE logs SET day = '2023-05-05' WHERE id = 1",
        new="UPDATE logs SET amount = amount + 1 WHERE id < 4;"
        "INSERT INTO logs (id, day, kind, shop) VALUES (5, '2024-05-05', 'b', 1)",
        old_query=LOG_ROWS,
        old_rows=(
            logged := [
                (1, "2023-05-05", 6),
                (2, "2021-05-05", 7),
                (3, "2022-05-05", 8),
                (4, "2020-06-06", 8),
                (5, "2024-05-05", 1),
            ]
        ),
        new_query=LOG_ROWS,
        new_rows=logged,
    ),
    Case(
        "an enum loses a label and changes the order of others",
        ENUM.format('"sad", "gone", "glad"')
        + BOOKS.format(
            'Column("mood", mood, server_default="glad"), Column("all", pg.ARRAY(mood))'
        ),
        ENUM.format('"glad", "sad"')
        + BOOKS.format('Column("mood", mood, server_default="sad"), Column("all", pg.ARRAY(mood))'),
        seed="INSERT INTO books (title, mood) VALUES ('Emma', 'sad')",
        old="INSERT INTO books (title, \"all\") VALUES ('Persuasion', '{sad,glad}')",
        new="UPDATE books SET mood = 'glad' WHERE title = 'Emma'",
        old_query='SELECT title, mood::text, "all"::text FROM books ORDER BY id',
        old_rows=[("Emma", "glad", None), ("Persuasion", "glad", "{sad,glad}")],
        new_query='SELECT title, mood::text, "all"::text FROM books ORDER BY id',
        new_rows=[("Emma", "glad", None), ("Persuasion", "glad", "{sad,glad}")],
    ),
    Case(
        "an enum inside of a domain and of a composite type loses a label",
        HOLDERS.format('"sad", "gone", "odd", "glad"'),
        HOLDERS.format('"glad", "odd", "sad"'),
        seed="INSERT INTO books (title, mood, felt) VALUES ('Emma', 'glad', '(sad,2020-01-01)')",
        old="INSERT INTO books (title, \"all\") VALUES ('Persuasion', '{sad,glad}')",
        new="UPDATE books SET mood = 'sad', felt = '(glad,)' WHERE title = 'Emma'",
        old_query=HELD,
        old_rows=(
            held := [
                ("Emma", "sad", "(glad,)", None),
                ("Persuasion", "sad", None, "{sad,glad}"),
            ]
        ),
        new_query=HELD,
        new_rows=held,
    ),
    Case(
        "rename a table, a column of it, and what refers to it",
        'table("authors", Column("name", Text, index=True, unique=True))\n'
        'table("books", Column("author_id", ForeignKey("authors.id")))\n',
        'table("writers", Column("full_name", Text, index=True, unique=True))\n'
        'table("books", Column("author_id", ForeignKey("writers.id")))\n',
        renames=(
            "public.authors:public.writers",
            "public.writers.name:public.writers.full_name",
        ),
        seed="INSERT INTO authors (name) VALUES ('Jane'), ('Fanny')",
        old="UPDATE authors SET name = 'Jane Austen' WHERE id = 1;"
        "INSERT INTO authors (name) VALUES ('Ann')",
        new="INSERT INTO writers (full_name) VALUES ('Mary'), ('Fanny')"
        " ON CONFLICT (full_name) DO UPDATE SET full_name = 'Frances';"
        "DELETE FROM writers WHERE full_name = 'Ann'",
        old_query="SELECT name FROM authors ORDER BY id",
        old_rows=[("Jane Austen",), ("Frances",), ("Mary",)],
        new_query="SELECT full_name FROM writers ORDER BY id",
        new_rows=[("Jane Austen",), ("Frances",), ("Mary",)],
    ),
    Case(
        "a column becomes required, as by its default",
        BOOKS.format('Column("pages", Integer, server_default="1")'),
        BOOKS.format('Column("pages", Integer, server_default="1", nullable=False)'),
        seed="INSERT INTO books (title, pages) VALUES ('Emma', 400), ('None', NULL)",
        old="INSERT INTO books (title, pages) VALUES ('Persuasion', NULL)",
        new="INSERT INTO books (title) VALUES ('Sanditon')",
        old_query="SELECT title, pages FROM books ORDER BY id",
        old_rows=[("Emma", 400), ("None", 1), ("Persuasion", 1), ("Sanditon", 1)],
        new_query="SELECT title, pages FROM books ORDER BY id",
        new_rows=[("Emma", 400), ("None", 1), ("Persuasion", 1), ("Sanditon", 1)],
    ),
    Case(
        "a new column is required, and filled from another one",
        BOOKS.format('Column("code", Text)'),
        BOOKS.format('Column("code", Text), Column("slug", Text, nullable=False, unique=True)'),
        values={"public.books.slug": "lower(title) || '-' || id"},
        seed="INSERT INTO books (title) VALUES ('Emma')",
        old="INSERT INTO books (title) VALUES ('Persuasion')",
        new="INSERT INTO books (title, slug) VALUES ('Sanditon', 's')",
        old_query="SELECT title FROM books ORDER BY id",
        old_rows=[("Emma",), ("Persuasion",), ("Sanditon",)],
        new_query="SELECT title, slug FROM books ORDER BY id",
        new_rows=[("Emma", "emma-1"), ("Persuasion", "persuasion-2"), ("Sanditon", "s")],
        returns=False,
    ),
    Case(
        "new columns are required, and filled from a dropped, a generated and a new one",
        'table("people", Column("name", Text, nullable=False),'
        'Column("shout", Text, sa.Computed("upper(name)", persisted=True)))\n',
        'table("people", Column("label", Text, nullable=False),'
        'Column("alias", Text, nullable=False))\n',
        values={
            "public.people.label": "shout || '!'",
            "public.people.alias": "label || ' ' || people.name",
        },
        seed="INSERT INTO people (name) VALUES ('ann')",
        old="INSERT INTO people (name) VALUES ('bob')",
        new="INSERT INTO people (label, alias) VALUES ('L', 'A')",
        old_query="SELECT name, shout FROM people ORDER BY id",
        old_rows=[("ann", "ANN"), ("bob", "BOB"), ("", "")],
        new_query="SELECT label, alias FROM people ORDER BY id",
        new_rows=[("ANN!", "ANN! ann"), ("BOB!", "BOB! bob"), ("L", "A")],
        returns=False,
    ),
    Case(
        "values as people write them",
        'table("people", Column("name", Text), Column("NAME", Text), Column("last", Text),'
        'Column("a%", Text))\n',
        'table("people", Column("name", Text), Column("label", Text),'
        'Column("a%", Text, nullable=False))\n',
        values={
            "public.people.label": r"""E'it\'s last ' || /* last, '--' */ Last -- and last
                || $x$/$x$ || people."NAME" ;""",
            "public.people.last": "split_part(substr(label, 11), '/', 1)",
            "public.people.NAME": "split_part(public.people.label, U&'\\002f', 2)",
            "public.people.a%": r"""U&"n!0061me" UESCAPE '!' || '%s {x} ' || "NAME" """,
        },
        seed="INSERT INTO people (name, \"NAME\", last) VALUES ('n', 'N', 'l')",
        old="INSERT INTO people (name, \"NAME\", last) VALUES ('m', 'M', 'k')",
        new="INSERT INTO people (name, label) VALUES ('o', 'it''s last j/O')",
        old_query='SELECT name, "NAME", last FROM people ORDER BY id',
        old_rows=[("n", "N", "l"), ("m", "M", "k"), ("o", "O", "j")],
        new_query='SELECT label, "a%" FROM people ORDER BY id',
        new_rows=[
            ("it's last l/N", "n%s {x} N"),
            ("it's last k/M", "m%s {x} M"),
            ("it's last j/O", "o%s {x} O"),
        ],
    ),
    Case(
        "drop required columns",
        BOOKS.format(
            'Column("pages", Integer, nullable=False), Column("code", Text, nullable=False, '
            'unique=True), sa.CheckConstraint("pages >= 0", name="pages")'
        ),
        BOOKS.format(""),
        seed="INSERT INTO books (title, pages, code) VALUES ('Emma', 400, 'e')",
        old="UPDATE books SET pages = 401",
        new="INSERT INTO books (title) VALUES ('Sanditon')",
        old_query="SELECT title, pages IS NOT NULL FROM books ORDER BY id",
        old_rows=[("Emma", True), ("Sanditon", False)],
        new_query="SELECT title FROM books ORDER BY id",
        new_rows=[("Emma",), ("Sanditon",)],
        returns=False,
    ),
    Case(
        "drop a table that refers to another one",
        'table("authors", Column("name", Text))\n'
        'table("prizes", Column("author_id", ForeignKey("authors.id", onupdate="CASCADE")))\n',
        'table("authors", Column("name", Text))\n',
        seed="INSERT INTO authors (name) VALUES ('Jane'), ('Mary');"
        "INSERT INTO prizes (author_id) VALUES (1), (2)",
        old="UPDATE prizes SET author_id = 2 WHERE id = 1; INSERT INTO authors VALUES (9, 'Ann');"
        "INSERT INTO prizes (author_id) VALUES (9)",
        new="DELETE FROM authors WHERE name = 'Mary'",
        old_query="SELECT author_id FROM prizes",
        old_rows=[(9,)],
        new_query="SELECT name FROM authors ORDER BY id",
        new_rows=[("Jane",), ("Ann",)],
        returns=False,
    ),
    Case(
        "unique, foreign key, check: what the old application may still break",
        'table("authors", Column("name", Text))\n' + BOOKS.format('Column("author", Integer)'),
        'table("authors", Column("name", Text, unique=True))\n'
        + BOOKS.format(
            'Column("author", ForeignKey("authors.id"), index=True),'
            'sa.CheckConstraint("title <> \'\'", name="titled")'
        ),
        seed="INSERT INTO authors (name) VALUES ('Jane'), ('Mary');"
        "INSERT INTO books (title, author) VALUES ('Emma', 1)",
        old="INSERT INTO books (title, author) VALUES ('', 7); DELETE FROM books WHERE title = ''",
        new="INSERT INTO books (title, author) VALUES ('Mary', 2)",
        old_query="SELECT title, author FROM books ORDER BY author",
        old_rows=[("Emma", 1), ("Mary", 2)],
        new_query="SELECT title, author FROM books ORDER BY author",
        new_rows=[("Emma", 1), ("Mary", 2)],
    ),
    Case(
        "split a column in two",
        'table("people", Column("name", Text, nullable=False, index=True))\n',
        'table("people", Column("first", Text, nullable=False, server_default="?"),'
        'Column("last", Text, index=True))\n',
        values={
            "public.people.first": "split_part(name, ' ', 1)",
            "public.people.last": "nullif(substr(name, strpos(name || ' ', ' ') + 1), '')",
            "public.people.name": "concat_ws(' ', first, last)",
        },
        seed="INSERT INTO people (name) VALUES ('Jane Austen'), ('Homer')",
        old="INSERT INTO people (name) VALUES ('Mary Shelley'), ('Sappho');"
        "UPDATE people SET name = 'Homer Simpson' WHERE name = 'Homer'",
        new="INSERT INTO people (first, last) VALUES ('Ann', 'Lee'), ('Plato', NULL);"
        "UPDATE people SET last = 'Godwin' WHERE first = 'Mary'",
        old_query="SELECT name FROM people ORDER BY id",
        old_rows=[
            ("Jane Austen",),
            ("Homer Simpson",),
            ("Mary Godwin",),
            ("Sappho",),
            ("Ann Lee",),
            ("Plato",),
        ],
        new_query="SELECT first, last FROM people ORDER BY id",
        new_rows=[
            ("Jane", "Austen"),
            ("Homer", "Simpson"),
            ("Mary", "Godwin"),
            ("Sappho", None),
            ("Ann", "Lee"),
            ("Plato", None),
        ],
    ),
    Case(
        "merge two columns into one",
        'table("people", Column("first", Text, nullable=False), Column("last", Text))\n',
        'table("people", Column("name", sa.String(80), nullable=False, unique=True))\n',
        values={
            "public.people.first": "split_part(name, ' ', 1)",
            "public.people.last": "nullif(split_part(name, ' ', 2), '')",
            "public.people.name": "concat_ws(' ', first, last)",
        },
        seed="INSERT INTO people (first, last) VALUES ('Jane', 'Austen')",
        old="INSERT INTO people (first) VALUES ('Homer');UPDATE people SET last = 'A' WHERE id = 1",
        new="INSERT INTO people (name) VALUES ('Mary Shelley')",
        old_query="SELECT first, last FROM people ORDER BY id",
        old_rows=[("Jane", "A"), ("Homer", None), ("Mary", "Shelley")],
        new_query="SELECT name FROM people ORDER BY id",
        new_rows=[("Jane A",), ("Homer",), ("Mary Shelley",)],
    ),
    Case(
        "rename a key that counts itself, with what refers to it, a view and a computed column",
        KEYED.format(id="id", view="id, price", price="price"),
        KEYED.format(id="number", view="number AS id, cost AS price", price="cost"),
        renames=("public.a.id:public.a.number", "public.a.price:public.a.cost"),
        seed="INSERT INTO a (price) VALUES (1), (2); INSERT INTO b (a) VALUES (1)",
        old="INSERT INTO a (price) VALUES (3); UPDATE a SET id = 10, price = 4 WHERE id = 1",
        new="INSERT INTO a (cost) VALUES (5); UPDATE a SET number = 20 WHERE number = 2;"
        "INSERT INTO b (a) VALUES (20); DELETE FROM a WHERE number = 3",
        old_query="SELECT id, price, twice, (SELECT count(*) FROM b WHERE b.a = a.id) FROM a"
        " ORDER BY id",
        old_rows=[(4, 5, 10, 0), (10, 4, 8, 1), (20, 2, 4, 1)],
        new_query="SELECT number, cost, twice, (SELECT price FROM seen WHERE seen.id = number)"
        " FROM a ORDER BY number",
        new_rows=[(4, 5, 10, 5), (10, 4, 8, 4), (20, 2, 4, 2)],
    ),
    Case(
        "rename a computed column",
        BOOKS.format(
            'Column("a", Integer), Column("b", Integer, sa.Computed("a * 2", persisted=True))'
        ),
        BOOKS.format(
            'Column("a", Integer), Column("c", Integer, sa.Computed("a * 2", persisted=True))'
        ),
        renames=("public.books.b:public.books.c",),
        seed="INSERT INTO books (title, a) VALUES ('Emma', 1)",
        old="INSERT INTO books (title, a) VALUES ('Persuasion', 2)",
        new="UPDATE books SET a = 3 WHERE title = 'Emma'",
        old_query="SELECT a, b FROM books ORDER BY id",
        old_rows=[(3, 6), (2, 4)],
        new_query="SELECT a, c FROM books ORDER BY id",
        new_rows=[(3, 6), (2, 4)],
    ),
    Case(
        "move a column to a table that refers to its own",
        BOOKS.format('Column("blurb", Text, nullable=False)') + DETAILS.format(""),
        BOOKS.format("") + DETAILS.format('Column("text", Text, nullable=False)'),
        values={"public.details.text": "books.blurb"},
        seed="INSERT INTO books (title, blurb) VALUES ('Emma', 'e'), ('Persuasion', 'p');"
        "INSERT INTO details (book_id) VALUES (1), (2)",
        old="UPDATE books SET blurb = 'E' WHERE id = 1;"
        "INSERT INTO books (id, title, blurb) VALUES (7, 'Sanditon', 's');"
        "INSERT INTO details (book_id) VALUES (7)",
        new="UPDATE details SET text = 'P' WHERE book_id = 2;"
        "INSERT INTO books (id, title) VALUES (8, 'Lady Susan');"
        "INSERT INTO details (book_id, text) VALUES (8, 'l')",
        old_query="SELECT title, blurb FROM books ORDER BY id",
        old_rows=[("Emma", "E"), ("Persuasion", "P"), ("Sanditon", "s"), ("Lady Susan", "l")],
        new_query="SELECT book_id, text FROM details ORDER BY book_id",
        new_rows=[(1, "E"), (2, "P"), (7, "s"), (8, "l")],
    ),
    Case(
        "a domain inside of an array and of another domain",
        POSITIVE.format(">"),
        POSITIVE.format(">="),
        seed="INSERT INTO books (title, pages) VALUES ('Emma', '{1,2}')",
        old="INSERT INTO books (title, pages) VALUES ('Persuasion', '{3}')",
        old_query="SELECT title, pages::text FROM books ORDER BY title",
        old_rows=[("Emma", "{1,2}"), ("Persuasion", "{3}")],
        new_query="SELECT title, pages::text FROM books ORDER BY title",
        new_rows=[("Emma", "{1,2}"), ("Persuasion", "{3}")],
    ),
]


@pytest.fixture
def project(make_work: Any) -> Project:
    """A project without models yet, its shadow on the run's server."""
    project: Project = make_work().project
    return project


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the revision of `books` is kept once it is generated."""
    return tmp_path_factory.mktemp("books") / "versions"


@pytest.fixture
def books(project: Project, begun: Path) -> Project:
    """A project whose history creates the table `books`; all tests share one generated revision."""
    versions = project.root / "alembic" / "versions"
    if begun.exists():
        shutil.copytree(begun, versions, dirs_exist_ok=True)
    else:
        generate.revision(with_models(project, "before", BOTH))
        shutil.copytree(versions, begun)
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
        sets = ", ".join(f"{quote(column)} = {value}" for column, value in one.assignments)
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
    answers = generate.Answers(
        allow_drop=True, renames=case.renames, phased=True, values=case.values
    )
    return first, generate.revision(with_models(project, "after", case.after), answers=answers)


QUICK = {
    "new columns are required, and filled from a dropped, a generated and a new one",
    "a domain inside of an array and of another domain",
    "rename a required, unique, indexed, commented and referenced column with a default",
    "a key becomes a bigint, and what refers to it",
}
MARKED = [
    pytest.param(case, marks=() if case.name in QUICK else pytest.mark.thorough, id=case.name)
    for case in CASES
]


@pytest.mark.parametrize("case", MARKED)
def test_a_recipe(case: Case, project: Project, make_database: Any) -> None:
    first, made = generated(project, case)
    assert first.revision
    assert made.revision
    after = replace(project, models="after:metadata")
    # The plain change made at once on an empty database comes to the same, to the last name.
    goal = Models(after).catalog()
    assert differences(Replay(after).catalog(), goal) == []
    assert generate.revision(after) == generate.Generated()
    database: Database = make_database()
    history = History(project.script_location)
    expand = made.expand or first.revision
    with connect(database) as connection:
        running.upgrade(history, connection, first.revision.id)
        start = read(connection)
        connection.execute(case.seed.encode())

        # Start, roll back, start again.
        running.upgrade(history, connection, expand.id)
        middle = read(connection)
        running.downgrade(history, connection, first.revision.id)
        assert differences(read(connection), start) == []
        running.upgrade(history, connection, expand.id)
        assert differences(read(connection), middle) == []

        # Both applications write.
        backfill(connection, expand)
        for text in filter(None, (case.old, case.new)):
            connection.execute(text.encode())
        assert rows(connection, case.old_query) == case.old_rows
        assert rows(connection, case.new_query) == case.new_rows
        assert wrong(connection, expand) == 0

        # The rollback loses nothing of either. Nor do both phases one after the other without a
        # backfill in between, as `alembic upgrade head` runs them, nor the way back from the end.
        if case.returns:
            running.downgrade(history, connection, first.revision.id)
            assert rows(connection, case.old_query) == case.old_rows
            running.upgrade(history, connection, expand.id)
        running.upgrade(history, connection, "head")
        assert rows(connection, case.new_query) == case.new_rows
        assert differences(read(connection), goal) == []
        running.downgrade(history, connection, expand.id)
        assert differences(read(connection), middle) == []
        assert rows(connection, case.new_query) == case.new_rows
        if case.returns:
            assert rows(connection, case.old_query) == case.old_rows
        assert wrong(connection, expand) == 0
        running.upgrade(history, connection, "head")
        assert rows(connection, case.new_query) == case.new_rows


def test_one_change_by_name(books: Project) -> None:
    new = BOOKS.format('Column("publication", sa.Date, index=True), Column("pages", sa.BigInteger)')
    after = with_models(books, "after", new)
    rename = "public.books.published:public.books.publication"
    answers = generate.Answers(renames=[rename], phased=True, only=["public.books.publication"])
    made = generate.revision(after, answers=answers)
    assert made.revision
    assert made.revision.message == "contract: rename books.published to publication"
    left = Replay(after).catalog().changes_to(Models(after).catalog())
    assert [str(one.address) for one in left] == ["column public.books.pages"]
    # What the old application loses by a contract is what it is for.
    report = lint(books, [one for one in (made.expand, made.revision) if one])
    assert report.blocking == ()
    assert {one.hazard.code for one in report.allowed} == {"drop-column-in-use", "rename-column"}


def test_a_name_that_nothing_changes_about_is_refused(books: Project) -> None:
    after = with_models(books, "after", MORE)
    answers = generate.Answers(only=["public.books.title"])
    with pytest.raises(ConfigurationError, match=r"nothing changes about public\.books\.title"):
        generate.revision(after, answers=answers)


def test_without_a_breaking_change_there_is_one_plain_revision(books: Project) -> None:
    after = with_models(books, "after", MORE)
    made = generate.revision(replace(after, zero_downtime=True))
    assert made.revision
    assert made.expand is None
    assert phases.of(made.revision) is None


def test_one_environment_is_enough_to_have_its_history_changed_in_phases(
    books: Project,
) -> None:
    after = with_models(books, "after", BOOKS.format('Column("published", sa.Date, index=True)'))
    (after.profiles_dir / "production.env").write_text("ZERO_DOWNTIME=yes\n")
    made = generate.revision(after, answers=generate.Answers(allow_drop=True))
    assert made.revision
    assert phases.of(made.revision) is not None


DAYS = "CREATE TABLE t ({} date NOT NULL, n {}, {}) PARTITION BY RANGE ({});"
IDLE = (
    ("b text", "b text, c text", "public.t.c", "lower(b)"),
    ("b text", "b text NOT NULL", "public.t.a", "1"),
    ("b text", "b text, u_b text", "public.t.u_b", "u.b"),
)
REFUSED = (
    (
        "CREATE TABLE t (a int); CREATE TABLE u () INHERITS (t)",
        "CREATE TABLE t (b int); CREATE TABLE u () INHERITS (t)",
        "public.t.a:public.t.b",
        r"u inherits from table public\.t, whose triggers do not see its rows",
    ),
    (
        "CREATE TABLE t (a int); CREATE TABLE u () INHERITS (t)",
        "CREATE TABLE t (a bigint); CREATE TABLE u () INHERITS (t)",
        "",
        "u inherits from table",
    ),
    (
        DAYS.format("a", "int", "m int", "a"),
        DAYS.format("b", "int", "m int", "b"),
        "public.t.a:public.t.b",
        "is in the partition key",
    ),
    (
        DAYS.format("a", "int", "m int", "a")
        + "CREATE TABLE u PARTITION OF t DEFAULT PARTITION BY LIST (n)",
        DAYS.format("a", "int", "o int", "a")
        + "CREATE TABLE u PARTITION OF t DEFAULT PARTITION BY LIST (n)",
        "public.t.n:public.t.o",
        "is in the partition key",
    ),
    (
        DAYS.format("a", "int", "PRIMARY KEY (a, n)", "a"),
        DAYS.format("a", "bigint", "PRIMARY KEY (a, n)", "a"),
        "",
        r"column public\.t\.n is in the primary key of a partitioned table",
    ),
    (
        DAYS.format("a", "int", "UNIQUE (a, n)", "a")
        + "CREATE TABLE u (a date, n int, CONSTRAINT f FOREIGN KEY (a, n) REFERENCES t (a, n))",
        DAYS.format("a", "bigint", "UNIQUE (a, n)", "a")
        + "CREATE TABLE u (a date, n bigint, CONSTRAINT f FOREIGN KEY (a, n) REFERENCES t (a, n))",
        "",
        r"constraint public\.u\.f refers to a key of a partitioned table",
    ),
    (
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        "CREATE TABLE t (a bigint, b int GENERATED ALWAYS AS (a * 2) STORED)",
        "",
        r"column public\.t\.b is generated from column public\.t\.a",
    ),
    (
        "CREATE TABLE t (a int, b int); CREATE STATISTICS s ON a, b FROM t",
        "CREATE TABLE t (a bigint, b int); CREATE STATISTICS s ON a, b FROM t",
        "",
        r"statistics public\.s names column public\.t\.a beside other columns",
    ),
    (
        "CREATE TABLE t (a int, b int); CREATE PUBLICATION p FOR TABLE t (a)",
        "CREATE TABLE t (a bigint, b int); CREATE PUBLICATION p FOR TABLE t (a)",
        "",
        r"publication p names column public\.t\.a",
    ),
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (b bigint)",
        "public.t.a:public.t.b",
        r"column public\.t\.b changes its type and its name at once",
    ),
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE u (a bigint)",
        "public.t:public.u",
        r"column public\.u\.a changes its type and its name at once",
    ),
    (
        "CREATE TYPE t AS ENUM ('a'); CREATE TABLE u (a t)",
        "CREATE TYPE v AS ENUM ('a'); CREATE TABLE u (b v)",
        "public.t:public.v public.u.a:public.u.b",
        "enum public.t becomes enum public.v; it has one name at a time",
    ),
    (
        "CREATE TYPE t AS ENUM ('a'); CREATE TABLE u (a t)",
        "CREATE TYPE t AS ENUM ('b'); CREATE TABLE u (a t)",
        "public.t.a:public.t.b",
        "it has one name at a time",
    ),
    (
        "CREATE TABLE t (a int); CREATE TABLE u (b int) INHERITS (t)",
        "CREATE TABLE t (a int); CREATE TABLE u (b bigint) INHERITS (t)",
        "",
        "belongs to a foreign, an inheriting or a typed table",
    ),
)


def test_what_a_trigger_cannot_see_to_is_refused_with_what_to_do(make_database: Any) -> None:
    databases = [make_database(), make_database()]
    with connect(databases[0]) as one, connect(databases[1]) as other:
        for before, after, rename, words in REFUSED:
            for connection, text in ((one, before), (other, after)):
                connection.execute("DROP PUBLICATION IF EXISTS p")
                connection.execute("DROP TABLE IF EXISTS u, t CASCADE")
                connection.execute("DROP TYPE IF EXISTS t, v")
                connection.execute(text.encode())
            old, new = read(one), read(other)
            found, _ = parse.answers(rename.split(), old, new)
            change = Change(old, new, found)
            with pytest.raises(ConfigurationError, match=words) as caught:
                choosing.choose(compare.steps(old, new, found), change)
            assert caught.value.hint


def test_a_value_that_nothing_asks_for_is_refused(make_database: Any) -> None:
    databases = [make_database(), make_database()]
    with connect(databases[0]) as one, connect(databases[1]) as other:
        for before, after, column, value in IDLE:
            for connection, text in ((one, before), (other, after)):
                connection.execute("DROP TABLE IF EXISTS t, u")
                connection.execute(f"CREATE TABLE t (a int, {text})".encode())
            one.execute("CREATE TABLE u (b text)")
            old, new = read(one), read(other)
            values = {Address("column", *column.split(".")): value}
            change = Change(old, new, (), values)
            with pytest.raises(
                ConfigurationError, match=f"--value {column}=.* is not used by this change"
            ):
                choosing.choose(compare.steps(old, new), change)


@pytest.mark.thorough
def test_who_may_use_one_column_alone_may_use_it_in_every_phase(
    project: Project, database: Database
) -> None:
    text = BOOKS.format('Column("{}", {}), Column("price", {})')
    first = generate.revision(with_models(project, "before", text.format("old", "Text", "Integer")))
    after = with_models(project, "after", text.format("new", "Text", "sa.BigInteger"))
    made = generate.revision(
        after, answers=generate.Answers(renames=["public.books.old:public.books.new"], phased=True)
    )
    assert first.revision
    assert made.expand
    history = History(project.script_location)
    role = f"reader_{database.dbname}"

    def may() -> list[str]:
        found = connection.execute(
            "SELECT column_name FROM information_schema.column_privileges"
            " WHERE grantee = %s AND privilege_type = 'UPDATE' ORDER BY 1",
            [role],
        )
        return [str(name) for (name,) in found]

    with connect(database) as connection:
        running.upgrade(history, connection, first.revision.id)
        connection.execute(f"CREATE ROLE {role}".encode())
        try:
            connection.execute(f"GRANT UPDATE (old, price) ON books TO {role}".encode())
            running.upgrade(history, connection, made.expand.id)
            assert may() == ["new", "old", "price"]
            running.upgrade(history, connection, "head")
            assert may() == ["new", "price"]
            running.downgrade(history, connection, made.expand.id)
            assert set(may()) >= {"new", "old", "price"}
        finally:
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())
