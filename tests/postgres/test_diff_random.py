"""From any random schema to any other one and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from limbeck import diff
from limbeck.catalog.read import read
from tests.postgres.test_diff import carry_out, connect, differences

if TYPE_CHECKING:
    from psycopg import Connection

    from limbeck.database import Database

TABLES = ("a", "b", '"Select"')
COLUMNS = ("x", "y", "z", '"Ünique"')
LABELS = ("one", "two", "three", "it''s")
PLAIN = ("integer", "bigint", "text", "varchar(20)", "numeric(8,2)", "boolean", "date", "jsonb")
TYPES = (*PLAIN, "integer[]", "mood", "mood[]", "posint")
VALUES = {
    "integer": "1 + 1",
    "bigint": "7",
    "text": "'t'",
    "varchar(20)": "'v'",
    "numeric(8,2)": "1.5",
    "boolean": "false",
    "date": "CURRENT_DATE",
    "posint": "5",
    "mood": "'one'",
}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, tuple[str, str]]:
    """Columns by name: their type, and the rest of their definition."""
    names = draw(st.lists(st.sampled_from(COLUMNS), unique=True, min_size=1))
    found = {}
    for name in names:
        kind = draw(st.sampled_from(TYPES))
        rest = " NOT NULL" if draw(st.booleans()) else ""
        if kind in VALUES and draw(st.booleans()):
            rest += f" DEFAULT {VALUES[kind]}"
        found[name] = (kind, rest)
    return found


@st.composite
def schemas(draw: st.DrawFn) -> str:
    """The SQL of a random schema."""
    labels = ["one", *draw(st.permutations(LABELS[1:]))[: draw(st.integers(0, 3))]]
    texts = ["CREATE TYPE mood AS ENUM (" + ", ".join(f"'{label}'" for label in labels) + ")"]
    base = draw(st.sampled_from(("integer", "bigint")))
    texts.append(f"CREATE DOMAIN posint AS {base} CHECK (VALUE > {draw(st.integers(0, 1))})")
    made: list[str] = []
    for table in draw(st.lists(st.sampled_from(TABLES), unique=True)):
        texts += draw(tables(table, made))
        made.append(table)
    return ";\n".join(texts)


@st.composite
def tables(draw: st.DrawFn, table: str, made: list[str]) -> list[str]:
    """The SQL of a random table and of what stands on it."""
    found = draw(columns())
    key = draw(st.sampled_from(("serial", "integer", "integer GENERATED ALWAYS AS IDENTITY")))
    lines = [f"id {key} PRIMARY KEY", *(f"{n} {kind}{rest}" for n, (kind, rest) in found.items())]
    if draw(st.booleans()):
        kind = draw(st.sampled_from(("STORED", "VIRTUAL")))
        lines.append(f"twice integer GENERATED ALWAYS AS (id * 2) {kind}")
    if made and draw(st.booleans()):
        lines.append(f"other integer REFERENCES {draw(st.sampled_from(made))}")
    first, (type_, _) = next(iter(found.items()))
    texts = [f"CREATE TABLE {table} ({', '.join(lines)})"]
    if type_ != "jsonb" and draw(st.booleans()):
        texts.append(f"ALTER TABLE {table} ADD UNIQUE ({first})")
    if draw(st.booleans()):
        texts.append(f"ALTER TABLE {table} ADD CHECK ({first} IS NOT NULL OR id > 5)")
    if type_ != "jsonb" and draw(st.booleans()):
        texts.append(f"CREATE INDEX ON {table} ({first} DESC) WHERE id < 100")
    if draw(st.booleans()):
        view = table.strip('"').lower() + "_view"
        texts.append(f"CREATE VIEW {view} AS SELECT {first}, id FROM {table}")
        if draw(st.booleans()):
            texts.append(f"CREATE MATERIALIZED VIEW m{view} AS SELECT * FROM {view}")
    if draw(st.booleans()):
        texts.append(f"CREATE POLICY p ON {table} USING ({first} IS NOT NULL)")
    if draw(st.booleans()):
        texts.append(f"COMMENT ON COLUMN {table}.{first} IS 'note'")
    return texts


@pytest.fixture
def pair(make_database: Callable[..., Database]) -> Iterator[tuple[Connection, Connection]]:
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        yield a, b


def load(connection: Connection, schema: str) -> None:
    text = f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {schema}"
    connection.execute(text.encode())


@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    # Making a failing example smaller takes minutes; the seed is enough.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(one=schemas(), other=schemas())
def test_any_schema_becomes_any_other_and_comes_back(
    pair: tuple[Connection, Connection], one: str, other: str
) -> None:
    a, b = pair
    load(a, one)
    load(b, other)
    before, after = read(a), read(b)
    carry_out(a, diff.steps(before, after))
    assert differences(read(a), after) == []
    carry_out(a, diff.steps(read(a), before))
    assert differences(read(a), before) == []
