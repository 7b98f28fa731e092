"""No spelling of a password gets past the mask, and little else is masked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from limbeck.masking.mask import masked, masked_data, secrets
from limbeck.schema.sql.quoting import dollar_quoted

CORE = "hunter2"

# How a password is spelled ------------------------------------------------------------------------

Spell = Callable[[str], str]


def plain(secret: str) -> str:
    return "'" + secret.replace("'", "''") + "'"


def escaped(secret: str) -> str:
    return "E'" + secret.replace("\\", "\\\\").replace("'", "\\'") + "'"


def numbered(secret: str) -> str:
    """Spell every other letter as a number."""
    text = [rf"\U{ord(sign):08x}" if place % 2 else sign for place, sign in enumerate(secret)]
    return "e'" + "".join(text).replace("'", "''").replace("\\\\", "\\\\\\\\") + "'"


def unicode(secret: str) -> str:
    return "U&'" + secret.replace("\\", "\\\\").replace("'", "''") + "'"


def custom(secret: str) -> str:
    return "u&'" + secret.replace("!", "!!").replace("'", "''") + "' UESCAPE '!'"


def continued(secret: str) -> str:
    middle = len(secret) // 2
    return f"{plain(secret[:middle])} -- it's\n  {plain(secret[middle:])}"


LITERALS: list[Spell] = [plain, escaped, unicode, custom, continued, dollar_quoted]
# What may stand between the name and the string; a string needs nothing.
GAPS = [" ", "\n\t", "/* it's */", " -- it's\n", "/* /* nested */ */", " /*'*/ "]
STATEMENTS = [
    "ALTER ROLE x PASSWORD{}",
    "CREATE USER \"x'y\" WITH LOGIN encrypted password{} VALID UNTIL 'infinity'",
    "ALTER USER MAPPING FOR u SERVER s OPTIONS (SET user 'u', ADD password{})",
    "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', \"password\"{})",
    "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', secret_access_key{})",
    "SELECT 'it''s', set_up(password =>{})",
    "SET app.password ={}",
    "-- it's a comment\nALTER ROLE x PASSWORD{}; SELECT 1",
]


def conninfo(secret: str) -> str:
    value = secret.replace("\\", "\\\\").replace("'", "\\'")
    return f"host=h user=u password='{value}' dbname=d"


def spaced(secret: str) -> str:
    return conninfo(secret).replace("=", " = ", 3)


def url(secret: str) -> str:
    return f"postgresql://u:{quote(secret, safe='')}@h/d?sslmode=require"


CONNECTIONS: list[Spell] = [conninfo, spaced, url]
PLACES = ["CREATE SUBSCRIPTION s CONNECTION {} PUBLICATION p", "SELECT dblink({}, 'select ''a''')"]


def body(statement: str) -> str:
    return f"DO {dollar_quoted(f'BEGIN {statement}; END')}"


def executed(statement: str) -> str:
    return body(f"EXECUTE {plain(statement)}")


def told(statement: str) -> str:
    return f"it can't run\n  statement: {statement}\n  at models.py:1"


WRAPPERS: list[Spell] = [str, body, executed, told]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4)
odd = st.sampled_from(["", "'", "''", '"', "\\", "$", "$$", ";", "--", "/*", "!", "@", " ", "="])
passwords = st.builds(lambda *parts: "".join(parts), odd, texts, st.just(CORE), odd, texts)
in_statements = st.builds(
    lambda statement, gap, spell, secret: statement.format(gap + spell(secret)),
    st.sampled_from(STATEMENTS),
    st.sampled_from(GAPS),
    st.sampled_from(LITERALS),
    passwords,
)
in_connections = st.builds(
    lambda place, spell, connection, secret: place.format(spell(connection(secret))),
    st.sampled_from(PLACES),
    st.sampled_from(LITERALS),
    st.sampled_from(CONNECTIONS),
    passwords,
)


@given(st.one_of(in_statements, in_connections), st.sampled_from(WRAPPERS[:3]))
@example("ALTER ROLE x PASSWORD'hunter2'", str)
@example(f"ALTER ROLE x PASSWORD {numbered('it is hunter2')}", executed)
def test_no_spelling_gets_past_the_mask(statement: str, wrap: Spell) -> None:
    text = masked(wrap(statement))
    assert CORE not in text
    assert "***" in text


simple = st.text("abcXYZ019_-+.!#%^*()", max_size=4)


@given(
    st.sampled_from(STATEMENTS),
    st.sampled_from(GAPS),
    st.builds(lambda a, b: f"{a}{CORE}{b}", simple, simple),
)
def test_nor_in_a_message_that_quotes_a_statement(statement: str, gap: str, secret: str) -> None:
    sql = statement.format(gap + plain(secret))
    messages = [told(sql), repr(sql), json.dumps({"it's": sql}), f"    op.execute({sql!r})"]
    assert [text for text in messages if CORE in masked(text)] == []


OTHERS = {
    "put together": "EXECUTE 'ALTER ROLE x PASSWORD ' || quote_literal('hunter2')",
    "put together by format": "EXECUTE format('ALTER ROLE %I PASSWORD %L', 'x', 'hunter2')",
    "without quotes": "ALTER ROLE x PASSWORD hunter2",
    "JSON": '{"password": "hunter2"}',
    "Python's": "{'password': 'hunter2'}",
    "an argument": 'connect(host="h", password="hunter2")',
    "a variable": "PGPASSWORD=hunter2 psql",
    "a cut line of an error": "LINE 1: ...ORD 'hunter2' VALD UNTIL 'infinity'",
    "a bare space in a URL": "at postgres://u:hun hunter2@h/d",
    "a URL's parameter": "postgres://h/d?user=u&password=hunter2&sslmode=require",
    "twice in a string": "EXECUTE 'SELECT f(''ALTER ROLE x PASSWORD ''''hunter2'''')",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_other_places_are_masked_too(text: str) -> None:
    assert CORE not in masked(text)


UNCHANGED = [
    "ALTER TABLE users ADD COLUMN password text DEFAULT 'a' NOT NULL",
    "CREATE TYPE contact AS ENUM ('password', 'email')",
    "ALTER ROLE x PASSWORD NULL",
    'column "password" of relation "users" does not exist, near "a"',
    'password authentication failed for user "me"',
    "CHECK (length(password) > 8), COMMENT ON COLUMN users.password IS 'hashed'",
    '    password: Mapped[str] = mapped_column(String, server_default="x")',
    '    password = mapped_column(String, server_default="x")',
    "write postgresql://user:password@host/dbname",
    "no server at postgres://me@h:5432/d, nor at https://console.example:443/a",
    "ALTER ROLE x PASSWORD '***' VALID UNTIL 'infinity'",
    "host=h password=*** user=u",
    "postgres://u:***@h/d",
    '{"password": "***"}',
]


@pytest.mark.parametrize("text", UNCHANGED)
def test_what_is_no_password_stays(text: str) -> None:
    assert masked(text) == text


def test_the_rest_of_a_statement_stays() -> None:
    sql = "ALTER ROLE x PASSWORD {} VALID UNTIL 'infinity'"
    for spell in (plain, escaped, unicode, dollar_quoted):
        assert masked(sql.format(spell("it's hunter2"))) == sql.format("'***'")
    text = "CREATE SUBSCRIPTION s CONNECTION 'host=h password={}' PUBLICATION p"
    assert masked(text.format(CORE)) == text.format("***")
    assert masked_data([{"sql": sql.format("'hunter2'")}, 1]) == [{"sql": sql.format("'***'")}, 1]


def test_the_secrets_of_a_statement_are_masked_wherever_they_are_repeated() -> None:
    known = secrets("ALTER ROLE x PASSWORD hunter2; SELECT 1")
    assert masked('syntax error at or near "hunter2"', *known) == 'syntax error at or near "***"'
    known = secrets(r"ALTER ROLE x PASSWORD E'hunter2\x21'")
    assert masked("near hunter2! and hunter2%21", *known) == "near *** and ***"


@given(st.text())
def test_any_text_can_be_masked(text: str) -> None:
    masked(f"password{text}")
    masked(f"a://b:{text}")


@pytest.mark.parametrize(
    "piece", ["password ", "/**/", "a://b:", "\\", "'", "E'", "password='", "--\n"]
)
def test_no_text_takes_long(piece: str) -> None:
    began = time.monotonic()
    masked("password " + piece * 3000)
    assert time.monotonic() - began < 2
