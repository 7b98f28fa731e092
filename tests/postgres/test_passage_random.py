"""From any schema of an application to any other one: no commit in between breaks it.

An example is named by its seed and its number, which a failure prints: LIMBECK_PASSAGE=seed:number
runs that one alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.generate import joining
from limbeck.lint.probes.proving import Change, Passage, probe
from limbeck.phased.online import online
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.diff.steps import Step
from tests.postgres.cases.random_applications import change

if TYPE_CHECKING:
    from psycopg import Connection

    from limbeck.engine.terms import Committed
    from limbeck.postgres.database import Database

EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
SEED = "3"  # of the few examples that run each time


class Example:
    """Two schemas by seed and number, and what applications live through on the way."""

    def __init__(self, name: str, database: Database, connection: Connection) -> None:
        self.name, self.database, self.connection = name, database, connection
        self.before_sql, after_sql = change(Random(name))  # noqa: S311 - it has to be repeatable
        self.after = self.catalog(after_sql)
        self.before = self.catalog(self.before_sql)
        self.plain = compare.steps(self.before, self.after)

    def catalog(self, sql: str) -> Catalog:
        """Return the catalog of a schema, which the database has from then on."""
        self.connection.execute(f"{EMPTY}{sql}".encode())
        return read(self.connection)

    @contextmanager
    def scratch(self) -> Iterator[Database]:
        """Yield the database in the state before the change."""
        self.connection.execute(f"{EMPTY}{self.before_sql}".encode())
        yield self.database

    def passage(self, groups: list[list[Step]]) -> Passage:
        """Run groups of steps, with a commit after each, and probe there."""

        def run(connection: Connection, committed: Committed) -> None:
            for group in groups:
                text = ";".join(step.sql for step in group)
                connection.execute("SET check_function_bodies = off")
                connection.execute(text.encode())
                committed([(step.sql, None) for step in group])

        return probe(Change(run, self.before, self.after), self.scratch)


def avoidable(passage: Passage) -> list[str]:
    """Return the gaps that another order of steps could close."""
    return [f"{gap}" for gap in passage.gaps if gap.ends and gap.kind != "privileges"]


def written(example: Example) -> list[str]:
    """Return the gaps of the order of steps that generate would write."""
    steps = online.steps(example.plain, example.before, example.after)
    gaps: list[str] = []
    for order in chain([steps], _orders(example, steps), [example.plain]):
        with suppress(psycopg.Error):  # an order that does not run is not written
            gaps = avoidable(example.passage(joining.commits(order)))
            if not gaps:
                return []
    return gaps


def _orders(example: Example, steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    """Yield the orders that generate tries after the one of its recipes."""
    with suppress(psycopg.Error):
        yield from joining.joined(steps, example.passage(joining.commits(steps)))


@pytest.fixture
def example(database: Database) -> Iterator[Callable[[str], Example]]:
    with connect(database) as connection:
        yield lambda name: Example(name, database, connection)


def names(seed: str, count: int) -> list[str]:
    """Return the names of examples: those of a seed, or the one that a failure has printed."""
    chosen = os.environ.get("LIMBECK_PASSAGE")
    return [chosen] if chosen else [f"{seed}:{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("seed", "count"),
    [(SEED, 6), pytest.param("thorough", 2000, marks=pytest.mark.thorough)],
)
def test_no_commit_of_a_written_change_breaks_an_application(
    example: Callable[[str], Example], seed: str, count: int
) -> None:
    broken = {name: gaps for name in names(seed, count) if (gaps := written(example(name)))}
    assert broken == {}


@pytest.mark.parametrize(
    ("seed", "count", "kinds"),
    [
        (SEED, 8, {"fails", "shown", "allowed"}),
        pytest.param(
            "torn",
            200,
            {"fails", "hidden", "shown", "allowed", "privileges"},
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_the_probes_see_every_kind_of_gap_where_each_statement_is_committed(
    example: Callable[[str], Example], seed: str, count: int, kinds: set[str]
) -> None:
    seen: Counter[str] = Counter()
    for name in names(seed, count):
        torn = example(name)
        seen.update(gap.kind for gap in torn.passage([[step] for step in torn.plain]).gaps)
    assert kinds <= set(seen)
