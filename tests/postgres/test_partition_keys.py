"""Keys and indexes of partitions that are like one from above: from any schema to any other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.sql import forms
from tests.postgres.test_diff import carry_out, connect, differences

if TYPE_CHECKING:
    from limbeck.postgres.database import Database

COLUMNS = "(foo int NOT NULL, bar int NOT NULL, baz text)"
TABLES = f"""
CREATE TABLE p {COLUMNS} PARTITION BY LIST (foo); CREATE TABLE c {COLUMNS};
CREATE TABLE d {COLUMNS} PARTITION BY LIST (bar); CREATE TABLE d5 PARTITION OF d FOR VALUES IN (5);
"""
KEY, UNIQUE = "ALTER TABLE {0} ADD CONSTRAINT {0}_{1} ", "CREATE UNIQUE INDEX {0}_{1} "
# What a table can have; two of a kind are alike as well.
ALIKE = {
    "nothing": "",
    "a primary key": KEY.format("{0}", "k") + "PRIMARY KEY (foo, bar);",
    "a unique constraint": KEY.format("{0}", "u") + "UNIQUE (foo, bar);",
    "a unique index": UNIQUE.format("{0}", "i") + "ON {0} (foo, bar);",
    "an index": "CREATE INDEX {0}_x ON {0} (bar);",
    "two": UNIQUE.format("{0}", "i") + "ON {0} (foo, bar);"
    + UNIQUE.format("{0}", "j") + "ON {0} (foo, bar);",
    "a constraint and an index": KEY.format("{0}", "u") + "UNIQUE (foo, bar);"
    + UNIQUE.format("{0}", "i") + "ON {0} (foo, bar);",
    "a key and a constraint": KEY.format("{0}", "u") + "UNIQUE (foo, bar);"
    + KEY.format("{0}", "k") + "PRIMARY KEY (foo, bar);",
}  # fmt: skip
ATTACH = "ALTER TABLE p ATTACH PARTITION {} FOR VALUES IN ({});"
REFERS = "CREATE TABLE f (a int, b int, FOREIGN KEY (a, b) REFERENCES {} (foo, bar));"


def schema(chance: random.Random) -> str:
    """Return a schema whose parts came in any order; Postgres may refuse it."""
    parts = [ALIKE[chance.choice(list(ALIKE))].format(table) for table in ("p", "c", "d", "d5")]
    parts += [ATTACH.format("c", 1), ATTACH.format("d", 2)][: chance.randint(0, 2)]
    parts += [REFERS.format(chance.choice("pc"))] if chance.random() < 0.3 else []
    chance.shuffle(parts)
    return TABLES + "".join(parts)


def accepted(connection: psycopg.Connection, chance: random.Random) -> str:
    """Load schemas until Postgres accepts one, and return it."""
    while True:
        text = schema(chance)
        try:
            load(connection, text)
        except psycopg.Error:
            continue
        return text


def load(connection: psycopg.Connection, text: str) -> None:
    connection.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {text}".encode())


def pairs(connection: psycopg.Connection, seed: int, count: int) -> Iterator[tuple[str, str]]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        yield accepted(connection, chance), accepted(connection, chance)


@pytest.mark.parametrize(
    ("seed", "count"), [(1, 15), pytest.param(2, 600, marks=pytest.mark.thorough)]
)
def test_any_keys_of_partitions_become_any_others(
    seed: int, count: int, database: Database
) -> None:
    with connect(database) as connection:
        if connection.info.server_version // 10000 < forms.NEWEST:
            pytest.skip("older majors refuse other schemas")
        for one, other in pairs(connection, seed, count):
            after = read(connection)
            load(connection, one)
            carry_out(connection, compare.steps(read(connection), after))
            assert differences(read(connection), after) == [], (one, other)
