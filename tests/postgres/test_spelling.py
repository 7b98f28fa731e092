"""Whatever is spelled creates exactly what it was spelled from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from limbeck.models.source import indexes as indexes_
from limbeck.models.source import text, types
from limbeck.models.source.columns import column
from limbeck.models.source.constraints import constraint
from limbeck.models.source.text import SQLALCHEMY, Source
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Domain, Enum
from limbeck.schema.catalog.read import read

SCHEMA = """
CREATE SCHEMA "My app";
CREATE EXTENSION citext; CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'it''s 100% "ok"');
CREATE TYPE "My app"."Mood" AS ENUM ('sad');
CREATE TYPE public.date AS ENUM ('today');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE pair AS (a integer, b text);
"""
CATALOG = Catalog(
    server=180000,
    objects={
        found.address: found
        for found in (
            Enum(schema="public", name="mood", labels=("sad", 'it\'s 100% "ok"')),
            Enum(schema="My app", name="Mood", labels=("sad",)),
            Enum(schema="public", name="date", labels=("today",)),
            Domain(schema="public", name="positive", type="integer"),
        )
    },
)
TYPES = [
    *("smallint", "integer", "bigint", "boolean", "text", "bytea", "uuid", "json", "jsonb"),
    *("real", "double precision", "numeric", "numeric(10,2)", "numeric(10,0)", "numeric(3,-2)"),
    *("character varying", "character varying(20)", "character(5)", "jsonpath", "money", "oid"),
    *("date", "time without time zone", "time with time zone", "time(3) with time zone"),
    *("time(0) without time zone", "timestamp without time zone", "timestamp with time zone"),
    *("timestamp(3) with time zone", "timestamp(0) without time zone"),
    *("interval", "interval(3)", "interval year to month", "interval day to second(3)"),
    *("interval second(0)", "interval minute to second"),
    *("bit(1)", "bit(5)", "bit varying", "bit varying(5)", "inet", "cidr", "macaddr", "macaddr8"),
    *("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"),
    *("int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange"),
    *("datemultirange", "tsvector", "tsquery", "regclass", "regconfig"),
    *("public.citext", "public.hstore", "public.mood", '"My app"."Mood"', "public.date"),
    *("public.positive", "integer[]", "character varying(20)[]", "public.mood[]"),
    *("interval day to second(3)[]", "public.positive[]", "numeric(10,2)[]", "bit(3)[]"),
]
UNSPEAKABLE = ["point", "xml", "pg_lsn", "name", '"char"', "bpchar", "public.pair", "public.pair[]"]


def evaluate(source: Source) -> Any:
    """Run a source with nothing but its own imports."""
    names: dict[str, Any] = {}
    for line in source.imports:
        exec(line, names)  # noqa: S102 - the source under test
    return eval(source.text, names)  # noqa: S307 - the source under test


def create(connection: Any, *parts: Any, table: str = "spelt", schema: str | None = None) -> None:
    """Create a table of these columns and constraints."""
    with as_sqlalchemy(connection) as engine:
        sa.Table(table, sa.MetaData(), *parts, schema=schema).create(engine)
        engine.commit()


def fetch(connection: Any, query: str) -> Any:
    """Return the first value of a query."""
    return connection.execute(query).fetchone()[0]


def test_every_type_survives(connection: Any) -> None:
    connection.execute(SCHEMA)
    sources = [types.type_(name, CATALOG) for name in TYPES]
    assert None not in sources
    columns = [sa.Column(f"c{i}", evaluate(one)) for i, one in enumerate(sources) if one]
    create(connection, *columns)
    connection.execute("SET search_path = ''")
    rows = connection.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'public.spelt'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    assert [row[0] for row in rows] == TYPES


@pytest.mark.parametrize("name", UNSPEAKABLE)
def test_a_type_that_sqlalchemy_lacks_is_not_guessed(name: str) -> None:
    assert types.type_(name, CATALOG) is None


def test_a_collation_goes_with_its_type(connection: Any) -> None:
    names = ("text", "character varying(9)", "text[]", "character(3)")
    sources = [types.type_(name, CATALOG, collation='"C"') for name in names]
    create(connection, *(sa.Column(f"c{i}", evaluate(one)) for i, one in enumerate(sources) if one))
    rows = connection.execute(
        "SELECT c.collname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation"
        " WHERE attrelid = 'spelt'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    assert rows == [("C",)] * len(names)


SQL = [
    "SELECT ':a', '\\:b', '\\\\:c', 'd:e', '::f'",
    "SELECT '100%', '%s', '%(a)s', '%%'",
    """SELECT '{"a":1, "b": ":c"}'::jsonb""",
    "SELECT 'é:ü', 'https://x:y@z', E'\\\\:x', ':1'",
    "SELECT (array[1,2,3])[:2]",
    "SELECT 'tab\there', 'line\nhere', 'quote\"here', '''', '\"\"\"'",
]


@pytest.mark.parametrize("sql", SQL)
def test_text_reaches_postgres_as_it_is(connection: Any, sql: str) -> None:
    plain = connection.execute(sql).fetchall()
    with as_sqlalchemy(connection) as engine:
        spoken = engine.execute(evaluate(text.text(sql))).fetchall()
    assert [tuple(row) for row in spoken] == plain


@pytest.mark.parametrize("sql", SQL)
def test_text_is_the_same_when_it_is_printed(sql: str) -> None:
    dialect = postgresql.dialect(paramstyle="named")
    assert str(evaluate(text.text(sql)).compile(dialect=dialect)) == sql


TABLES = r"""
CREATE SCHEMA app;
CREATE EXTENSION btree_gist;
CREATE TYPE mood AS ENUM ('sad', 'it''s 100% "ok"');
CREATE TABLE authors (
    id serial PRIMARY KEY, name text NOT NULL, "select" integer, "Wei.rd %(x)s :y" text,
    mail varchar(40) DEFAULT 'a''b:c%d"e' NOT NULL, UNIQUE NULLS NOT DISTINCT (name, "select"),
    CONSTRAINT "ck 100% :a" CHECK (mail LIKE '%:a' OR mail ~ '\:a' OR mail LIKE E'\\\\:b'));
CREATE TABLE app.books (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, isbn char(13), feeling mood DEFAULT 'sad',
    number integer GENERATED BY DEFAULT AS IDENTITY (START 5 INCREMENT -2 MAXVALUE 9 CYCLE CACHE 3),
    author integer REFERENCES authors ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE,
    price numeric(9,2) DEFAULT 0 CHECK (price >= 0), taxed numeric GENERATED ALWAYS AS (price * 1.2)
    STORED, label text GENERATED ALWAYS AS (title || ':x%') VIRTUAL,
    during tstzrange, shelf integer, title text COLLATE "C",
    made timestamptz DEFAULT now() NOT NULL, words text[] DEFAULT '{}' NOT NULL,
    UNIQUE (shelf) INCLUDE (title) DEFERRABLE INITIALLY DEFERRED,
    EXCLUDE USING gist (shelf WITH =, during WITH &&) WHERE (shelf > 0 AND title <> ':x%')) ;
CREATE TABLE app.pairs (
    a smallint, b integer, c integer, PRIMARY KEY (b, a) INCLUDE (c),
    FOREIGN KEY (b) REFERENCES authors (id) ON DELETE SET DEFAULT (b),
    FOREIGN KEY (a, b) REFERENCES app.pairs (a, b) MATCH FULL) WITH (fillfactor=70);
ALTER TABLE app.pairs ADD UNIQUE (a, b);
CREATE UNLOGGED TABLE plain_key (id integer PRIMARY KEY, other bigint);
CREATE TABLE measures (at date NOT NULL, v integer) PARTITION BY RANGE (at);
CREATE TABLE "order" ("user" text, "End" text, "é ü" text);
CREATE INDEX ON authors (name);
CREATE UNIQUE INDEX "ix:a %" ON authors (lower(name), "select" DESC, mail COLLATE "C"
    varchar_pattern_ops NULLS FIRST) INCLUDE (id) NULLS NOT DISTINCT WITH (fillfactor=60)
    WHERE mail <> ':x%' AND "Wei.rd %(x)s :y" IS NOT NULL;
CREATE INDEX ON app.books USING gin (words) WITH (fastupdate=off);
CREATE INDEX ON app.books USING gist (during);
CREATE INDEX ON app.books (((price + 1) * 2), (title || 'x:y%'));
CREATE INDEX ON app.books USING brin (made timestamptz_minmax_multi_ops (values_per_range = 8));
CREATE INDEX ON "order" ("user" DESC, "End", lower("é ü"));
"""


def spelled_table(table: Table, catalog: Catalog) -> tuple[list[Any], list[Any]]:
    """Return the columns and constraints of a table, and its indexes, as SQLAlchemy's objects."""
    columns = [one for one in catalog.of(Column) if one.address[1:3] == table.address[1:3]]
    columns.sort(key=lambda one: one.position)
    constraints = [one for one in catalog.of(Constraint) if one.address[1:3] == table.address[1:3]]
    keys = {name for one in constraints if one.type == "p" for name in one.columns}
    serials = {one.owned_by: one for one in catalog.of(Sequence) if one.owned_by}
    spelled = [
        column(
            replace(one, default=None) if one.address in serials else one,
            serials.get(one.address),
            catalog,
            primary_key=one.name in keys,
        )
        for one in columns
    ]
    spelled += [constraint(one) for one in constraints]
    unspoken = [a for a, b in zip([*columns, *constraints], spelled, strict=True) if b is None]
    assert unspoken == []
    return [evaluate(one) for one in spelled if one], [
        index_of(one) for one in catalog.of(Index) if one.table == table.address
    ]


def index_of(found: Index) -> Any:
    """Return a function that makes the index of a table."""
    told = indexes_.index(found)
    assert told is not None, found
    keys, options = told
    spelled = text.call("dict", options, SQLALCHEMY)
    given = evaluate(spelled), evaluate(replace(keys, imports=frozenset({SQLALCHEMY})))
    return lambda: sa.Index(found.name, *given[1], unique=found.unique, **given[0])


def test_tables_survive(connection: Any, make_database: Any) -> None:
    connection.execute(TABLES)
    source = read(connection)
    metadata = sa.MetaData()
    for table in source.of(Table):
        parts, indexes = spelled_table(table, source)
        schema = None if table.schema == "public" else table.schema
        options = {
            "prefixes": ["UNLOGGED"] if table.unlogged else [],
            "postgresql_partition_by": table.partition_key,
            "postgresql_with": dict(one.split("=") for one in table.options),
        }
        made = sa.Table(table.name, metadata, *parts, schema=schema, **options)
        for index in indexes:
            made.append_constraint(index())
    with connect(make_database()) as other:
        for line in TABLES.splitlines()[1:4]:
            other.execute(line)
        with as_sqlalchemy(other) as engine:
            metadata.create_all(engine)
            engine.commit()
        assert source.changes_to(read(other)) == ()
