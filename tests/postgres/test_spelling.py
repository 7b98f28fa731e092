"""Whatever is spelled creates exactly what it was spelled from."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from limbeck import spelling
from limbeck.catalog.catalog import Catalog
from limbeck.catalog.objects import Domain, Enum
from limbeck.database import as_sqlalchemy

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
            Enum(schema="public", name="mood", labels=("sad", "it's 100% \"ok\"")),
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


def evaluate(source: spelling.Source) -> Any:
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
    sources = [spelling.type_(name, CATALOG) for name in TYPES]
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
    assert spelling.type_(name, CATALOG) is None


def test_a_collation_goes_with_its_type(connection: Any) -> None:
    names = ("text", "character varying(9)", "text[]", "character(3)")
    sources = [spelling.type_(name, CATALOG, collation='pg_catalog."C"') for name in names]
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
        spoken = engine.execute(evaluate(spelling.text(sql))).fetchall()
    assert [tuple(row) for row in spoken] == plain


@pytest.mark.parametrize("sql", SQL)
def test_text_is_the_same_when_it_is_printed(sql: str) -> None:
    dialect = postgresql.dialect(paramstyle="named")
    assert str(evaluate(spelling.text(sql)).compile(dialect=dialect)) == sql
