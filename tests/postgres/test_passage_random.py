"""From any schema of an application to any other one: no commit in between breaks it.

An example is named by its seed and its number, which a failure prints: LIMBECK_PASSAGE=seed:number
runs that one alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.errors import ConfigurationError, ProofError
from limbeck.generate import joining
from limbeck.generate.answers import Answers
from limbeck.generate.questions import agree_to_renames
from limbeck.lint.probes import phased as phases
from limbeck.lint.probes.gaps import Gap, Role
from limbeck.lint.probes.passage import Passage
from limbeck.lint.probes.proving import Change, probe
from limbeck.output import probes
from limbeck.phased.expand import choosing, composing
from limbeck.phased.expand.choosing import Change as PhasedChange
from limbeck.phased.online import online
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import EVERYTHING
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.diff.steps import Step
from tests.postgres.cases.random_applications import change
from tests.postgres.relay import relayed
from tests.postgres.test_query_count import TABLES

if TYPE_CHECKING:
    from psycopg import Connection

    from limbeck.engine.terms import Committed
    from limbeck.postgres.database import Database

EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
RENAMES = Answers(ask_rename=lambda _: True)
SEED = "15"  # of the few examples that run each time


@dataclass(frozen=True)
class Phase:
    """One of the two revisions of a change, and the steps that have run before it."""

    role: Role
    before: Catalog
    after: Catalog
    steps: Sequence[Step]
    first: Sequence[Step]
    wrong: Mapping[Address, str]
    plain: Sequence[Step] = ()


class Example:
    """Two schemas by seed and number, and what applications live through on the way."""

    def __init__(self, name: str, database: Database, connection: Connection) -> None:
        self.name, self.database, self.connection = name, database, connection
        self.before_sql, after_sql = change(Random(name))  # noqa: S311 - it has to be repeatable
        self.after = self.catalog(after_sql)
        self.before = self.catalog(self.before_sql)
        self.renamed = agree_to_renames(self.before, self.after, RENAMES)
        self.plain = compare.steps(self.before, self.after, self.renamed)

    def catalog(self, sql: str) -> Catalog:
        """Return the catalog of a schema, which the database has from then on."""
        self.connection.execute(f"{EMPTY}{sql}".encode())
        return read(self.connection)

    @contextmanager
    def scratch(self, first: Sequence[Step] = ()) -> Iterator[Database]:
        """Yield the database in the state before the change, or after its first steps."""
        self.connection.execute(f"{EMPTY}{self.before_sql}".encode())
        for step in first:
            self.connection.execute(step.sql.encode())
        yield self.database

    def phases(self) -> Iterator[Phase]:
        """Yield the two phases of the change, if it has any."""
        whole = PhasedChange(self.before, self.after, self.renamed)
        try:
            choice = choosing.choose(self.plain, whole)
            if not choice.breaks:
                return
            with self.scratch() as database:
                phased = composing.compose(database, EVERYTHING, whole, choice)
        except (ConfigurationError, ProofError):
            return  # it cannot be made in phases
        wrong = phases.wrong(phased.backfills, phased.middle)
        first = phased.expand.upgrade
        yield Phase("expand", self.before, phased.middle, first, (), wrong)
        if first:
            last = phased.contract.upgrade
            yield Phase("contract", phased.middle, self.after, last, first, wrong, phased.plain)

    def passage(self, groups: list[list[Step]], phase: Phase | None = None) -> Passage:
        """Run groups of steps, with a commit after each, and probe there."""

        def run(connection: Connection, committed: Committed) -> None:
            for group in groups:
                text = ";".join(step.sql for step in group)
                connection.execute("SET check_function_bodies = off")
                connection.execute(text.encode())
                committed([(step.sql, None) for step in group])

        if phase is None:
            return probe(Change(run, self.before, self.after), self.scratch)
        change = Change(run, phase.before, phase.after, phase.role, phase.wrong)
        return probe(change, lambda: self.scratch(phase.first))


def avoidable(passage: Passage) -> list[str]:
    """Return the gaps that another order of steps could close."""
    return [f"{gap}" for gap in passage.gaps if gap.ends and gap.kind != "privileges"]


def breaks(gap: Gap) -> bool:
    """Return whether a phase breaks an application; what only a contract allows does not."""
    return gap.first > 0 and gap.kind != "privileges"


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


def written_in_phases(example: Example) -> list[str]:
    """Return what the phases that generate would write do to the application that runs."""
    gaps: list[str] = []
    for phase in example.phases():
        plain = [phase.plain] if phase.plain else []
        for order in chain([phase.steps], _orders(example, phase.steps, phase), plain):
            broken: list[str] = []
            with suppress(psycopg.Error):  # an order that does not run is not written
                passage = example.passage(joining.commits(order), phase)
                broken = [f"{phase.role}: {gap}" for gap in passage.gaps if breaks(gap)]
                if not broken:
                    break
        gaps += broken
    return gaps


def _orders(
    example: Example, steps: Sequence[Step], phase: Phase | None = None
) -> Iterator[tuple[Step, ...]]:
    """Yield the orders that generate tries after the one of its recipes."""
    with suppress(psycopg.Error):
        yield from joining.joined(steps, example.passage(joining.commits(steps), phase))


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
    [(SEED, 4), pytest.param("thorough", 2000, marks=pytest.mark.thorough)],
)
def test_no_commit_of_a_written_change_breaks_an_application(
    example: Callable[[str], Example], seed: str, count: int
) -> None:
    broken = {name: gaps for name in names(seed, count) if (gaps := written(example(name)))}
    assert broken == {}


@pytest.mark.parametrize(
    ("seed", "count"),
    [(SEED, 2), pytest.param("phased", 300, marks=pytest.mark.thorough)],
)
def test_both_applications_go_on_while_a_change_is_made_in_phases(
    example: Callable[[str], Example], seed: str, count: int
) -> None:
    named = names(seed, count)
    broken = {name: gaps for name in named if (gaps := written_in_phases(example(name)))}
    assert broken == {}


@pytest.mark.parametrize(
    ("seed", "count", "kinds"),
    [
        (SEED, 3, {"fails", "privileges"}),
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


def run_apart(connection: Connection, committed: Committed) -> None:
    """Change two tables, with a commit between."""
    for text in ("ALTER TABLE t1 ADD late int", "ALTER TABLE t2 ADD late int"):
        connection.execute(text.encode())
        committed([(text, None)])


@pytest.mark.parametrize("create_role", [True, False])
def test_probes_grow_with_the_change_and_not_with_the_schema(
    make_database: Callable[..., Database],
    create_role: bool,  # noqa: FBT001 - a parameter
) -> None:
    asked = []
    for count in (3, 300):
        whole = make_database(f"whole{count}{create_role}".lower())
        with connect(whole) as connection:
            connection.execute(TABLES.format(count=count).encode())
            before = read(connection)
            connection.execute("ALTER TABLE t1 ADD late int; ALTER TABLE t2 ADD late int")
            after = read(connection)
            connection.execute("ALTER TABLE t1 DROP late; ALTER TABLE t2 DROP late")
        with relayed(whole) as relay:
            change = Change(run_apart, before, after, create_role=create_role)
            passage = probe(change, lambda relay=relay, whole=whole: nullcontext(relay.to(whole)))
        assert {each.relation.name for each in passage.probes} == {"t1", "t2"}
        asked.append((len(relay.statements), relay.trips, len(passage.probes)))
    assert asked[0] == asked[1]
    # Before the change and at each of its two commits: all probes in one message.
    assert sum("limbeck_probe(probes" in text for text in relay.statements) == 3
    only = "Probed as the connecting role only, which may create no other on this server."
    assert (only in probes.lines([passage])) is not create_role
