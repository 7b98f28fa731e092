"""SQL is read and quoted as Postgres itself reads it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from limbeck.engine import statements
from limbeck.engine.statements import ConcurrentIndex
from limbeck.masking.mask import masked
from limbeck.phased.expand.values import of_row
from limbeck.schema.sql import own_schemas
from limbeck.schema.sql.lexer import condensed, first_word, identifiers, lex, tokens, words
from limbeck.schema.sql.quoting import (
    content,
    dollar_quoted,
    in_quotes,
    literal,
    names,
    quote,
    split,
    unquote,
)

FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["/*", "*/", "--", "\n", "\r", "'", "''", '"', "E'", "U&'", "$$", "$a$", "$1", "\\"]
        ),
        st.sampled_from(["a", "A1$", ";", " ", "::", "..", "1.5e3", "0x1F", "->>", "=-", "(", "é"]),
        st.text(max_size=3),
    )
).map("".join)


@given(FRAGMENTS)
@example("/* /* */")
@example("E'\\")
@example("$a$")
def test_the_tokens_of_any_text_joined_are_the_text(text: str) -> None:
    end = 0
    for kind, token, start in lex(text):
        assert token
        assert start == end
        assert (kind == "space") == (not token.strip(" \t\n\r\f\v"))
        end += len(token)
    assert "".join(token for _, token, _ in lex(text)) == text


@given(FRAGMENTS)
@example("1.5e3$$;*/")
def test_statements_end_where_the_tokens_say(text: str) -> None:
    ends = [start for _, sign, start in tokens(text) if sign == ";"]
    assert len(statements.split(text)) <= len(ends) + 1
    assert statements.split(f"{text}\n*/' x") == statements.split(f"{text}\n*/' x;")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a /* b /* c */ d */ e", ["a", "e"]),
        ("a /* b */ c */ d", ["a", "c", "*/", "d"]),
        ("a /*/ b */ c", ["a", "c"]),
        ("a /**/ b", ["a", "b"]),
        ("/* /* /* x */ */ */ a /* b */", ["a"]),
        ("a -- 'b\nc", ["a", "c"]),
        ("a -- b\rc", ["a", "c"]),
        ("'a -- b' c", ["'a -- b'", "c"]),
        ("'a /* b' /* c */", ["'a /* b'"]),
        ("'it''s' ';'", ["'it''s'", "';'"]),
        (r"E'\'' a", [r"E'\''", "a"]),
        (r"e'\\' a", [r"e'\\'", "a"]),
        (r"'\' a", [r"'\'", "a"]),
        ("E'a'\n  'b\\'c' d", ["E'a'\n  'b\\'c'", "d"]),
        ("E'a' -- x\n 'b\\'c' d", ["E'a' -- x\n 'b\\'c'", "d"]),
        (r"E'a' '\' d", ["E'a'", r"'\'", "d"]),
        ("type'a' name'b'", ["type", "'a'", "name", "'b'"]),
        ("B'01' x'1f' N'a'", ["B'01'", "x'1f'", "N'a'"]),
        ("U&'d\\0061t' U&\"d\\0061t\"", ["U&'d\\0061t'", 'U&"d\\0061t"']),
        ("u & 'a'", ["u", "&", "'a'"]),
        ('"a""b" "c;d"', ['"a""b"', '"c;d"']),
        ("$$a;'$$ b", ["$$a;'$$", "b"]),
        ("$tag$ $$ ; $$ $tag$ b", ["$tag$ $$ ; $$ $tag$", "b"]),
        ("$Größe$a$größe$b$Größe$", ["$Größe$a$größe$b$Größe$"]),
        ("a$$b$$c", ["a$$b$$c"]),
        ("$1 + $2::int", ["$1", "+", "$2", "::", "int"]),
        ("1..10 1.5e-3 .5 0x1F 1_000", ["1", "..", "10", "1.5e-3", ".5", "0x1F", "1_000"]),
        ("a=-1", ["a", "=", "-", "1"]),
        ("a @-1", ["a", "@-", "1"]),
        ("a+--b\nc", ["a", "+", "c"]),
        ("a*/*b*/c", ["a", "*", "c"]),
        ("a->>'b' <=> c", ["a", "->>", "'b'", "<=>", "c"]),
        ("größe\u00a0x", ["größe\u00a0x"]),
        ("'a; b", ["'a; b"]),
        ('"a; b', ['"a; b']),
        ("$x$ a; b", ["$x$ a; b"]),
        ("a /* b; /* c */ d", ["a"]),
        ("E'a\\", ["E'a\\"]),
    ],
)
def test_a_text_is_split_as_postgres_splits_it(sql: str, expected: list[str]) -> None:
    assert [token for _, token, _ in tokens(sql)] == expected


ATOMIC = (
    "CREATE OR REPLACE PROCEDURE f() BEGIN ATOMIC SELECT 1; "
    "SELECT CASE WHEN a THEN 1 ELSE 2 END; SELECT 3; END"
)
RULE = "create rule r as on insert to t do also (delete from a; delete from b)"
NOTHING = "create rule r as on insert to t do nothing"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a; b", ["a", "b"]),
        ("a;; -- c\n;", ["a"]),
        ("a ';' b; c", ["a ';' b", "c"]),
        ("do $x$ a; $$ b; $$ $x$; c", ["do $x$ a; $$ b; $$ $x$", "c"]),
        ("a /* ; /* ; */ ; */ b; c", ["a   b", "c"]),
        (r"select E'\';'; b", [r"select E'\';'", "b"]),
        ('a "x;y"\n\t b', ['a "x;y" b']),
        ("a 'never closed; b", ["a 'never closed; b"]),
        (f"a; {ATOMIC}; b", ["a", ATOMIC, "b"]),
        (f"{RULE}; {RULE}", [RULE, RULE]),
        ("create rule r as on insert to t do nothing; b", [NOTHING, "b"]),
        ("create table atomic (a int); b", ["create table atomic (a int)", "b"]),
    ],
)
def test_a_script_is_cut_at_the_ends_of_its_statements(script: str, expected: list[str]) -> None:
    assert statements.split(script) == expected


def test_white_space_counts_only_inside_of_quotes() -> None:
    assert condensed("  a\n\t b 'c  d' ;\n") == "a b 'c  d'"


def test_words_are_compared_in_capitals_and_quoted_names_are_no_words() -> None:
    assert words('create "Index" $$x$$') == ["CREATE", '"Index"', "$$x$$"]
    assert first_word("/* a */ -- b\n;select 1") == "SELECT"
    assert first_word("(select 1)") == ""
    assert list(identifiers('a "B""c" \'d\' $$ e $x$ "F" $x$ $$')) == ["a", 'B"c', "e", "F"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("create index concurrently a on b (c)", ConcurrentIndex("a", "b")),
        (
            'CREATE UNIQUE INDEX CONCURRENTLY /* c */ IF NOT EXISTS "On" ON ONLY "a b" . "c" (d)',
            ConcurrentIndex('"On"', '"a b"."c"'),
        ),
        ("CREATE INDEX CONCURRENTLY ON s.t USING gin (d)", ConcurrentIndex(None, "s.t")),
        ("CREATE INDEX concurrently_ ON t (a)", None),
        ("CREATE INDEX i ON t (concurrently)", None),
        ("CREATE INDEX CONCURRENTLY", None),
        ("REINDEX INDEX CONCURRENTLY i", None),
    ],
)
def test_the_index_of_create_index_concurrently(sql: str, expected: ConcurrentIndex | None) -> None:
    assert statements.concurrent_index(sql) == expected


@pytest.mark.parametrize(
    ("sql", "alone", "concurrent", "patient"),
    [
        ("SELECT ';' -- ;", False, False, False),
        ("SELECT 1; SELECT 2", True, False, False),
        ("/* /* */ ; */ COMMIT", True, False, False),
        ("start transaction", True, False, False),
        ("REFRESH MATERIALIZED VIEW concurrently a", False, True, True),
        ("SELECT 'CONCURRENTLY'", False, False, False),
        ("ALTER TABLE a VALIDATE /* x */ CONSTRAINT b", False, False, True),
        ("SELECT 'VALIDATE CONSTRAINT', validate", False, False, False),
    ],
)
def test_how_a_statement_has_to_run(
    sql: str,
    alone: bool,  # noqa: FBT001
    concurrent: bool,  # noqa: FBT001
    patient: bool,  # noqa: FBT001
) -> None:
    assert statements.stands_alone(sql) == alone
    assert statements.is_concurrent(sql) == concurrent
    assert statements.is_patient(sql) == patient


def test_a_detach_that_broke_off_is_finalized() -> None:
    sql = "ALTER TABLE a DETACH PARTITION b concurrently ; -- c"
    assert statements.finalized(sql) == "ALTER TABLE a DETACH PARTITION b FINALIZE"
    assert statements.finalized("ALTER TABLE a DETACH PARTITION concurrently_") is None


@given(st.text(alphabet=st.sampled_from("$abody1_ \n'")))
@example("$")
@example("$body")
@example("$$ $body$")
@example("a $$ b $body")
def test_a_body_between_dollar_signs_survives(body: str) -> None:
    quoted = dollar_quoted(body)
    assert list(lex(quoted)) == [("body", quoted, 0)]
    assert content(quoted) == body


@given(st.text())
def test_what_is_quoted_is_one_token_with_the_same_meaning(text: str) -> None:
    assert list(lex(literal(text))) == [("string", literal(text), 0)]
    assert content(literal(text)) == text
    assert list(lex(in_quotes(text))) == [("name", in_quotes(text), 0)]
    assert unquote(in_quotes(text)) == unquote(quote(text)) == text


@given(st.lists(st.text(), min_size=1))
def test_a_path_of_names_is_taken_apart_into_its_names(path: list[str]) -> None:
    assert names(".".join(map(in_quotes, path))) == tuple(path)
    assert split(":".join(map(in_quotes, path)), ":") == [in_quotes(name) for name in path]


@pytest.mark.parametrize(
    ("string", "text"),
    [
        ("'it''s'", "it's"),
        (r"'a\n'", r"a\n"),
        (r"E'a\n\'\\\x41\101\u0041\U00000041'", "a\n'\\AAAA"),
        (r"E'\q'", "q"),
        (r"U&'d\0061t\+000061\\'", "data\\"),
        ("$x$ a $x$", " a "),
    ],
)
def test_a_string_stands_for_its_text(string: str, text: str) -> None:
    assert content(string) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (r"E'it\'s name ' || name", r"E'it\'s name ' || NEW.name"),
        ("$$name$$ || name", "$$name$$ || NEW.name"),
        ("/* name /* name */ name */ name -- name", "/* name /* name */ name */ NEW.name -- name"),
        ("upper(NAME) || \"name\" || 'name'", "upper(NEW.name) || NEW.name || 'name'"),
        ("name::name || CAST(name AS name)", "NEW.name::name || CAST(NEW.name AS name)"),
        ("date '2026-01-01' + date", "date '2026-01-01' + NEW.date"),
        ("f(name => name)", "f(name => NEW.name)"),
        ('CASE WHEN "end" THEN zone END', 'CASE WHEN NEW."end" THEN NEW.zone END'),
        ("(date AT TIME ZONE 'UTC')", "(NEW.date AT TIME ZONE 'UTC')"),
        ("other.name || name(1)", "other.name || name(1)"),
    ],
)
def test_columns_in_a_value_are_those_of_the_row(value: str, expected: str) -> None:
    assert of_row("NEW", value, ["name", "date", "time", "zone", "end"]) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE a PASSWORD 'sesame'",
        "we couldn't run: ALTER ROLE a password  E'ses\\'sesame' LOGIN",
        "ALTER ROLE a PASSWORD $x$sesame$x$",
        "PASSWORD 'x''sesame'",
    ],
)
def test_a_password_in_a_statement_is_not_logged(statement: str) -> None:
    assert "sesame" not in masked(statement)
    assert "'***'" in masked(statement)


def test_schemas_that_are_not_of_users() -> None:
    condition = own_schemas.of_users("n.nspname")
    assert "%" not in condition
    assert "'limbeck_state'" in condition
