"""From any schema of an application to any other one: no commit in between breaks it.

The state machine draws its examples in batches, each from a seed that a failure prints:
LIMBECK_SEED=n makes it the first of the batches that run.
"""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.lint.probes.proving import Change, probe
from limbeck.lint.probes.rows import ROLE
from limbeck.output import probes
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.read import read
from tests.postgres import faults, machine, passages
from tests.postgres.cases.passages import PHASED, Case
from tests.postgres.cases.random_applications import APP, example
from tests.postgres.live import Live
from tests.postgres.machine import Places
from tests.postgres.passages import Example, Scratch
from tests.postgres.relay import relayed
from tests.postgres.test_query_count import TABLES

if TYPE_CHECKING:
    from psycopg import Connection

    from limbeck.engine.terms import Committed
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import MakeWork

FIRST = int(os.environ.get("LIMBECK_SEED", "0"))
COUNT = 25  # of the examples in a batch
BATCHES = range(FIRST, FIRST + 80)
FIVE_MINUTES = 300
CASES = [
    *(pytest.param(case, passages.in_phases, id=case.name) for case in PHASED),
]
FIXES = {
    "policies in a unit": (faults.policies_apart, "shows rows|misses rows|is accepted|fails"),
    "ways of filling a column in a unit": (faults.values_apart, r"INSERT.* fails \(null value"),
    "names of a contract in a unit": (faults.names_apart, "contract: .* fails"),
    "no session is fooled by row security": (
        faults.fooled,
        "values are lost|violated by some row|rows still wrong",
    ),
    "privileges are restored": (faults.forgetful, "loses the privileges"),
}


@pytest.fixture
def places(
    make_database: Callable[..., Database],
    make_work: MakeWork,
    admin: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Places]:
    """A scratch database, and one with an owner that row security can hold back."""
    owner = f"owner_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE ROLE {owner} LOGIN PASSWORD 'x'".encode())
    for role in (APP, ROLE):  # as long as the server lives
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            admin.execute(f"CREATE ROLE {role}".encode())
    # Policies hide rows from the statements of applications, as in each session of the shadow.
    scratch = replace(make_database("scratch"), row_security=None)
    live = make_database("live")
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", live.url)
    # Without prepared statements: the types of the columns change.
    unprepared = psycopg.connect(live.url, autocommit=True, prepare_threshold=None)
    with connect(scratch) as connection, unprepared as everyone:
        yield Places(Scratch(scratch, connection), Live(make_work, live, everyone, owner))
        everyone.execute(f"REASSIGN OWNED BY {owner} TO CURRENT_USER".encode())
        everyone.execute(f"DROP OWNED BY {owner}; DROP ROLE {owner}".encode())


@pytest.mark.parametrize(
    ("seed", "count"),
    [(FIRST, 3), *(pytest.param(seed, COUNT, marks=pytest.mark.thorough) for seed in BATCHES)],
)
def test_applications_go_on_and_keep_their_rows_whatever_is_migrated(
    places: Places, seed: int, count: int
) -> None:
    machine.run(places, seed, count)


@pytest.mark.parametrize(("case", "broken"), CASES)
def test_what_the_machine_has_found_is_found_no_more(
    places: Places, case: Case, broken: Callable[[Example], list[str]]
) -> None:
    filters = replace(places.scratch.filters, grants=case.managed)
    scratch = replace(places.scratch, filters=filters)
    assert broken(Example(scratch, case.before, case.after)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("fix", FIXES)
def test_a_fix_that_is_taken_away_is_missed_within_five_minutes(
    fix: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    without, symptom = FIXES[fix]
    without(monkeypatch, places)
    began = time.monotonic()
    with pytest.raises(AssertionError, match=symptom):
        machine.search(places, FIRST, COUNT, FIVE_MINUTES)
    print(f"{fix}: missed after {time.monotonic() - began:.0f} s")  # noqa: T201 - for pytest -rP


@pytest.mark.parametrize(
    ("numbers", "kinds"),
    [
        ([5], {"fails", "privileges"}),
        pytest.param(
            range(200),
            {"fails", "hidden", "shown", "allowed", "privileges"},
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_the_probes_see_every_kind_of_gap_where_each_statement_is_committed(
    places: Places, numbers: Sequence[int], kinds: set[str]
) -> None:
    seen: Counter[str] = Counter()
    for number in numbers:
        torn = Example(places.scratch, *example(Random(number)))  # noqa: S311 - repeatable
        seen.update(gap.kind for gap in torn.passage([[step] for step in torn.steps]).gaps)
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
