"""What a function has computed is computed again when its body changes, or it is a hazard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.phased.online import online
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from tests.postgres.test_diff import carry_out, differences, load
from tests.postgres.test_rules import found, rule_database

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server

TABLE = "CREATE TABLE t (id int PRIMARY KEY, first text);"
ROWS = "INSERT INTO t SELECT g, 'Ann B' || g FROM generate_series(1, 50) g;"
QUESTION = "SELECT count(*) FROM t WHERE slug(first) = 'ann-b7'"

__all__ = ["rule_database"]  # a fixture


def slug(body: str, name: str = "slug") -> str:
    """Return a function in SQL whose body is a string."""
    return f"CREATE FUNCTION {name}(t text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ {body} $$;"


LOWER = slug("SELECT lower(t)")
DASHED = slug("SELECT replace(lower(t), ' ', '-')")


@dataclass(frozen=True, slots=True)
class Case:
    """A function that changes, and what depends on it.

    `question` is asked by index, by scan, and of a database that never had the former function.
    """

    name: str
    dependants: str
    before: str = LOWER
    after: str = DASHED
    rows: str = ROWS
    question: str = QUESTION
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    fails: bool = False


ATOMIC = "CREATE FUNCTION outer_(t text) RETURNS text IMMUTABLE RETURN slug(t) || '!';"
QUOTED = (
    "CREATE FUNCTION outer_(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN public.Slug(t) || '!'; END $$;"
)
OVERLOAD = "CREATE FUNCTION slug(i int) RETURNS text IMMUTABLE RETURN slug(i::text);"
OPERATOR = """
CREATE FUNCTION alike(a text, b text) RETURNS boolean IMMUTABLE RETURN slug(a) = b;
CREATE OPERATOR === (FUNCTION = alike, LEFTARG = text, RIGHTARG = text);
"""
CAST = """
CREATE TYPE word AS (w text);
CREATE FUNCTION word(t text) RETURNS word IMMUTABLE RETURN ROW(slug(t))::word;
CREATE CAST (text AS word) WITH FUNCTION word(text);
"""
BY_OUTER = "SELECT count(*) FROM t WHERE outer_(first) = 'ann-b7!'"
BY_OPERATOR = "SELECT count(*) FROM t WHERE (first === 'ann-b7')"
CASES = (
    Case(
        "an index on an expression",
        TABLE + "CREATE INDEX i ON t (slug(first));",
        says=("CREATE INDEX CONCURRENTLY i_new",),
    ),
    Case(
        "the predicate of a unique index",
        TABLE + "CREATE UNIQUE INDEX i ON t (id) WHERE slug(first) = 'ann-b7';",
        says=("CREATE UNIQUE INDEX CONCURRENTLY i_new",),
    ),
    Case(
        "a stored generated column, and an index on it",
        TABLE
        + "ALTER TABLE t ADD s text GENERATED ALWAYS AS (slug(first)) STORED;"
        + "CREATE INDEX i ON t (s); CREATE VIEW v AS SELECT s FROM t;",
        question="SELECT count(*), min(s), max(s) FROM t WHERE s = 'ann-b7'",
    ),
    Case(
        "a generated column of a parent and of its child",
        "CREATE TABLE t (id int, first text, s text GENERATED ALWAYS AS (slug(first)) STORED);"
        "CREATE TABLE u () INHERITS (t);",
        rows="INSERT INTO u SELECT 1, 'Ann B7'; INSERT INTO t SELECT 2, 'Ann B7';",
        question="SELECT count(*) FROM t WHERE s = 'ann-b7'",
    ),
    Case(
        "through another function, in a body that Postgres has parsed",
        ATOMIC + TABLE + "CREATE INDEX i ON t (outer_(first));",
        question=BY_OUTER,
    ),
    Case(
        "through another function, in a body that is a string",
        QUOTED + TABLE + "CREATE INDEX i ON t (outer_(first));",
        question=BY_OUTER,
    ),
    Case(
        "through an overload of the same name",
        OVERLOAD + TABLE + "CREATE INDEX i ON t (slug(id));",
        rows="INSERT INTO t VALUES (1, ''), (-1, '');",
        question="SELECT count(*) FROM t WHERE slug(id) = '-1'",
        after=slug("SELECT replace(t, '-', '')"),
    ),
    Case(
        "through an operator",
        OPERATOR + TABLE + "CREATE INDEX i ON t ((first === 'ann-b7'));",
        question=BY_OPERATOR,
    ),
    Case(
        "through an operator in a body that is a string",
        OPERATOR + "CREATE FUNCTION outer_(t text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS "
        "'BEGIN RETURN t OPERATOR(public.===) ''ann-b7''; END';"
        + TABLE
        + "CREATE INDEX i ON t (outer_(first));",
        question="SELECT count(*) FROM t WHERE outer_(first)",
    ),
    Case(
        "through a cast",
        CAST + TABLE + "CREATE INDEX i ON t (((first::word).w));",
        question="SELECT count(*) FROM t WHERE (first::word).w = 'ann-b7'",
    ),
    Case(
        "through a cast in a body that is a string",
        CAST + "CREATE FUNCTION outer_(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
        "'BEGIN RETURN (t::public.Word).w || ''!''; END';"
        + TABLE
        + "CREATE INDEX i ON t (outer_(first));",
        question=BY_OUTER,
    ),
    Case(
        "through an operator class",
        "CREATE FUNCTION order_(a text, b text) RETURNS int IMMUTABLE RETURN "
        "bttextcmp(slug(a), slug(b)); CREATE OPERATOR CLASS c FOR TYPE text USING btree AS "
        "OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, "
        "FUNCTION 1 order_(text, text);" + TABLE + "CREATE INDEX i ON t (first c);",
        question="SELECT count(*) FROM t WHERE first = 'Ann B7'",
        says=("CREATE INDEX CONCURRENTLY i_new",),
    ),
    Case(
        "from another schema, through two functions",
        "CREATE SCHEMA app; CREATE FUNCTION app.a(t text) RETURNS text IMMUTABLE LANGUAGE sql AS "
        "'SELECT public.slug(t)'; CREATE FUNCTION app.b(t text) RETURNS text IMMUTABLE "
        "RETURN app.a(t);" + TABLE + "CREATE INDEX i ON t (app.b(first));",
        question="SELECT count(*) FROM t WHERE app.b(first) = 'ann-b7'",
    ),
    Case(
        "an exclusion constraint",
        TABLE + "ALTER TABLE t ADD CONSTRAINT x EXCLUDE (slug(first) WITH =);",
        says=("ADD CONSTRAINT x",),
    ),
    Case(
        "the indexes of partitions",
        "CREATE TABLE t (id int, first text) PARTITION BY LIST (id); CREATE TABLE t_1 PARTITION "
        "OF t FOR VALUES IN (1); CREATE TABLE t_2 PARTITION OF t DEFAULT;"
        "CREATE INDEX i ON t (slug(first));",
    ),
    Case(
        "an index of a materialized view",
        TABLE
        + "CREATE MATERIALIZED VIEW m AS SELECT first FROM t;"
        + "CREATE INDEX i ON m (slug(first));",
        rows=ROWS + "REFRESH MATERIALIZED VIEW m;",
        question="SELECT count(*) FROM m WHERE slug(first) = 'ann-b7'",
    ),
    Case(
        "a check that all rows pass",
        TABLE + "ALTER TABLE t ADD CONSTRAINT c CHECK (slug(first) <> 'x');",
        says=("ADD CONSTRAINT c",),
    ),
    Case(
        "a check that rows fail, of a partitioned table",
        "CREATE TABLE t (id int, first text, CONSTRAINT c CHECK (slug(first) <> 'ann-b7'))"
        " PARTITION BY LIST (id); CREATE TABLE t_1 PARTITION OF t DEFAULT;",
        fails=True,
    ),
    Case(
        "the check of a domain, through a body that is a string",
        QUOTED + "CREATE DOMAIN name_ AS text CONSTRAINT c CHECK (outer_(VALUE) <> 'ann-b7!');"
        "CREATE TABLE t (id int, first name_);",
        fails=True,
    ),
    Case(
        "a check that is NOT VALID, of rows that fail it",
        TABLE + "ALTER TABLE t ADD CONSTRAINT c CHECK (slug(first) <> 'ann-b7') NOT VALID;",
        rows="",
        never=("CONSTRAINT",),
    ),
    Case(
        "a comment and a hint for the planner alone",
        TABLE + "CREATE INDEX i ON t (slug(first));",
        after=slug("SELECT lower(t) -- in small letters")
        .replace("$$;", "\n$$;")
        .replace("IMMUTABLE", "IMMUTABLE PARALLEL SAFE"),
        question="SELECT count(*) FROM t WHERE slug(first) = 'ann b7'",
        never=("INDEX",),
    ),
)


CHANGE = (
    "CREATE OR REPLACE FUNCTION slug(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t';\n"
)
CHECKED = QUOTED + (
    "CREATE DOMAIN slugged AS text CONSTRAINT c CHECK (outer_(VALUE) <> 'x!');"
    "ALTER TABLE users ADD s slugged;"
)
PARTITIONED = (
    "CREATE TABLE p (t text) PARTITION BY LIST (slug(t)); CREATE TABLE p_1 PARTITION OF p DEFAULT;"
    "INSERT INTO p SELECT 'A' || g FROM generate_series(1, 9) g; ANALYZE p;"
)
GENERATED = "ALTER TABLE users ADD s text GENERATED ALWAYS AS (slug(name)) STORED;"


@pytest.mark.parametrize(
    ("given", "revision", "hazards"),
    [
        ("CREATE INDEX i ON users (slug(name));", CHANGE, ["remain in the index i:"]),
        ("CREATE INDEX i ON users (slug(name));", CHANGE + "REINDEX INDEX i;", []),
        (
            "CREATE INDEX i ON users (slug(name));",
            f"DO $$ BEGIN {CHANGE.strip()} END $$",
            ["the index i:"],
        ),
        (GENERATED, CHANGE, ["remain in the generated column s:"]),
        (GENERATED, CHANGE + "UPDATE users SET name = name;", []),
        (CHECKED, CHANGE, ["remain in the constraint c of the domain slugged:"]),
        (PARTITIONED, CHANGE, ["because the partition key of p calls it"]),
        ("CREATE FUNCTION f(t text) RETURNS text RETURN slug(t);", CHANGE, []),
    ],
)
def test_a_hand_written_change_names_what_it_leaves_behind(
    given: str, revision: str, hazards: list[str], rule_database: Database
) -> None:
    reported = [
        hazard.message
        for hazard in found(rule_database, LOWER + given, revision)
        if hazard.code == "replace-function-stored"
    ]
    assert len(reported) == len(hazards)
    assert all(words in text for words, text in zip(hazards, reported, strict=True))


def test_a_generated_column_is_added_again_for_older_majors(
    sides: list[psycopg.Connection],
) -> None:
    a, b, _ = map(_empty, sides)
    dependants = TABLE + "ALTER TABLE t ADD s text GENERATED ALWAYS AS (slug(first)) STORED;"
    load(a, LOWER + dependants + ROWS)
    load(b, DASHED + dependants)
    steps = compare.steps(read(a), read(b), lowest_major=16)
    assert "ALTER TABLE public.t DROP COLUMN s" in [step.sql for step in steps]
    assert not any(step.loses for step in steps)
    carry_out(a, steps)
    row = a.execute("SELECT s FROM t WHERE id = 7").fetchone()
    assert row == ("ann-b7",)


def test_a_partition_key_warns_in_the_revision(sides: list[psycopg.Connection]) -> None:
    a, b, _ = map(_empty, sides)
    load(a, LOWER + PARTITIONED)
    load(b, DASHED + PARTITIONED)
    (step,) = compare.steps(read(a), read(b))
    assert step.note
    assert step.note.startswith("The partition key of public.p calls it: rows stay")


@pytest.fixture(scope="module")
def sides(server: Server, admin: psycopg.Connection) -> Iterator[list[psycopg.Connection]]:
    """Sessions on three databases that all cases share."""
    names = [f"functions_{letter}" for letter in "abc"]
    for name in names:
        admin.execute(f"CREATE DATABASE {name}".encode())
    sessions = [psycopg.connect(server.url(name), autocommit=True) for name in names]
    yield sessions
    for session, name in zip(sessions, names, strict=True):
        session.close()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _empty(session: psycopg.Connection) -> psycopg.Connection:
    session.rollback()  # of a case that fails
    session.execute("DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE")
    session.execute("CREATE SCHEMA public")
    return session


def _answers(session: psycopg.Connection, case: Case) -> object:
    """Return what the question comes to by index, which a scan of the table must agree with."""
    answers = []
    for by_index in ("on", "off"):
        session.execute(f"SET enable_indexscan = {by_index}".encode())
        session.execute(f"SET enable_bitmapscan = {by_index}".encode())
        session.execute(f"SET enable_seqscan = {'off' if by_index == 'on' else 'on'}".encode())
        answers.append(session.execute(case.question.encode()).fetchall())
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_depends_on_a_changed_function_is_rebuilt(
    case: Case, sides: list[psycopg.Connection]
) -> None:
    a, b, c = map(_empty, sides)
    load(a, case.before + case.dependants + case.rows)
    load(b, case.after + case.dependants)
    before, after = read(a), read(b)
    steps = online.steps(compare.steps(before, after), before, after)
    text = "\n".join(step.sql for step in steps)
    assert all(words in text for words in case.says)
    assert all(words not in text for words in case.never)
    if case.fails:
        with pytest.raises(psycopg.errors.CheckViolation):
            carry_out(a, steps)
        return
    carry_out(a, steps)
    assert differences(read(a), after) == []
    b.execute(case.rows.encode())
    assert _answers(a, case) == _answers(b, case)
    carry_out(a, compare.steps(after, before))
    assert differences(read(a), before) == []
    load(c, case.before + case.dependants + case.rows)
    assert _answers(a, case) == _answers(c, case)
