"""From any random schema to any other one and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from limbeck.generate import Answers
from limbeck.generate.questions import agree_to_renames
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, script
from tests.postgres.cases.random_schemas import schemas
from tests.postgres.test_diff import carry_out, connect, differences

if TYPE_CHECKING:
    from psycopg import Connection

    from limbeck.postgres.database import Database

EMPTY = """
DROP SCHEMA IF EXISTS public, other CASCADE; CREATE SCHEMA public;
"""
SETTINGS = settings(
    deadline=None,
    print_blob=True,
    # Making a failing example smaller takes minutes; the seed is enough.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def pair(make_database: Callable[..., Database]) -> Iterator[tuple[Connection, Connection]]:
    with connect(make_database("a")) as a, connect(make_database("b")) as b:
        yield a, b


def load(connection: Connection, schema: str) -> None:
    connection.rollback()  # what an example before this one left when it failed
    connection.execute(f"{EMPTY} {schema}".encode())


def becomes_and_comes_back(a: Connection, b: Connection, answer: bool) -> None:  # noqa: FBT001
    """Let one database become the other and come back; the answer is to all questions."""
    before, after = read(a), read(b)
    answers = Answers(ask_rename=lambda question: question.candidates[0].rename if answer else None)
    for wanted in (after, before):
        found = read(a)
        steps = compare.steps(found, wanted, agree_to_renames(found, wanted, answers))
        note(script.script(steps))
        carry_out(a, steps)
        assert differences(read(a), wanted) == []


ANY = given(one=schemas(), other=schemas(), renamed=st.booleans())


@settings(SETTINGS, max_examples=6, derandomize=True)
@ANY
def test_any_schema_becomes_any_other_and_comes_back(
    pair: tuple[Connection, Connection],
    one: str,
    other: str,
    renamed: bool,  # noqa: FBT001 - drawn
) -> None:
    a, b = pair
    load(a, one)
    load(b, other)
    becomes_and_comes_back(a, b, renamed)


@pytest.mark.thorough
@settings(SETTINGS, max_examples=400)
@ANY
def test_any_schema_at_all_becomes_any_other_and_comes_back(
    pair: tuple[Connection, Connection],
    one: str,
    other: str,
    renamed: bool,  # noqa: FBT001 - drawn
) -> None:
    a, b = pair
    load(a, one)
    load(b, other)
    becomes_and_comes_back(a, b, renamed)
