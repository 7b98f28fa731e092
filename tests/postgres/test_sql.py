"""Postgres reads what is quoted, and understands strings as limbeck does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from limbeck.schema.sql.lexer import condensed
from limbeck.schema.sql.quoting import content, dollar_quoted, in_quotes, literal, quote

if TYPE_CHECKING:
    import psycopg

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NAME = TEXT.filter(lambda name: 0 < len(name.encode()) < 64)  # a longer one is cut
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@SETTINGS
@given(TEXT, NAME)
@example("it's a \\ $$ $body$ %s {} : $", 'a"b')
@example("$", "select")
def test_postgres_reads_quoted_texts_and_names_back(
    admin: psycopg.Connection, text: str, name: str
) -> None:
    query = f"SELECT {literal(text)} AS {quote(name)}, {dollar_quoted(text)} AS {in_quotes(name)}"
    cursor = admin.execute(query.encode())
    assert cursor.fetchone() == (text, text)
    assert [column.name for column in cursor.description or ()] == [name, name]


@SETTINGS
@given(st.text("$abody1 '\n").filter(bool))
def test_a_body_of_a_function_between_dollar_signs_survives(
    admin: psycopg.Connection, body: str
) -> None:
    row = admin.execute(f"SELECT {dollar_quoted(body)}".encode()).fetchone()
    assert row == (body,)


@pytest.mark.parametrize(
    "string",
    [
        "'it''s'",
        r"'a\n'",
        r"E'a\n\t\'\\\x41\101\u0041\U00000041\q'",
        "E'a''b'",
        "$x$ $$ a $$ $x$",
        r"U&'d\0061t\+000061\\'",
    ],
)
def test_a_string_is_understood_as_postgres_does(admin: psycopg.Connection, string: str) -> None:
    assert admin.execute(f"SELECT {string}".encode()).fetchone() == (content(string),)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT 1 /* a /* b */ ; */ + 2 -- ; ' $$", 3),
        ("SELECT E'a\\'--' /* ' */ || $x$ ; -- $x$ || 'b  c'", "a'-- ; -- b  c"),
        ("SELECT 2 *-- x\n -3", -6),
        ('SELECT "a""b;" FROM (SELECT 1 AS "a""b;") a$$', 1),
    ],
)
def test_a_condensed_statement_means_the_same(
    admin: psycopg.Connection, query: str, value: object
) -> None:
    assert admin.execute(query.encode()).fetchone() == (value,)
    assert admin.execute(condensed(query).encode()).fetchone() == (value,)
