"""A state machine of Hypothesis: an application whose schema is migrated again and again.

Two of its rules try what `generate` would write on a scratch database, with the statements of
applications at every commit. The third one runs limbeck itself on a database with rows, which row
security may hide from the role that migrates.
"""

# ruff: noqa: D102 - the name of a rule says what happens
from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.postgres import passages
from tests.postgres.cases.random_applications import (
    ALTERATIONS,
    TABLES,
    Alteration,
    Table,
    altered,
    schema,
)
from tests.postgres.cases.random_applications import (
    FORCED as IS_FORCED,
)
from tests.postgres.live import Live
from tests.postgres.passages import Example, Scratch

STEPS = 2
"""The number of migrations of an example."""
UNBOUND, BOUND, FORCED = "bypasses row security", "is bound by it", "is bound by it everywhere"
OWNERS = (FORCED, BOUND, UNBOUND)
SEARCH = (Phase.generate, Phase.shrink)


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the machine tries its changes."""

    scratch: Scratch
    live: Live


class Applications(RuleBasedStateMachine):
    """Three tables of applications, which begin as they may be and are altered by each rule."""

    places: ClassVar[Places]

    @initialize(tables=TABLES, managed=st.booleans())
    def begin(self, tables: tuple[Table, ...], managed: bool) -> None:  # noqa: FBT001 - drawn
        """Begin with a schema; `managed` is whether models describe its privileges, too."""
        scratch = self.places.scratch
        filters = dataclasses.replace(scratch.filters, grants=managed)
        self.scratch = dataclasses.replace(scratch, filters=filters)
        self.tables, self.places.live.tables = tables, None

    @rule(alterations=ALTERATIONS)
    def migrate(self, alterations: Sequence[Alteration]) -> None:
        gaps = passages.in_one_revision(self.altered(alterations))
        assert gaps == [], gaps

    @rule(alterations=ALTERATIONS)
    def migrate_in_phases(self, alterations: Sequence[Alteration]) -> None:
        gaps = passages.in_phases(self.altered(alterations))
        assert gaps == [], gaps

    @rule(alterations=ALTERATIONS, owner=st.sampled_from(OWNERS))
    def migrate_rows(self, alterations: Sequence[Alteration], owner: str) -> None:
        if owner == FORCED:
            every = range(len(self.tables))
            forced = [Alteration(number, "secured", IS_FORCED) for number in every]
            self.tables = altered(self.tables, forced)
        before = self.tables
        example = self.altered(alterations)
        self.places.live.migrate(example, before, self.tables, hidden=owner != UNBOUND)

    def altered(self, alterations: Sequence[Alteration]) -> Example:
        """Alter the tables, and return the change that this is."""
        before, self.tables = self.tables, altered(self.tables, alterations)
        return Example(self.scratch, schema(before), schema(self.tables))


def run(places: Places, number: int, count: int, phases: Sequence[Phase] = SEARCH) -> None:
    """Run a batch of examples.

    Args:
        places: Where to try them.
        number: The seed of the batch, of which the same examples are drawn again.
        count: How many examples it has.
        phases: What Hypothesis does; without `Phase.shrink` it stops at the first failure.

    """
    print(f"LIMBECK_SEED={number}")  # noqa: T201 - pytest shows it where the batch fails
    machine = type("Machine", (Applications,), {"places": places})
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=count,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def search(places: Places, number: int, count: int, seconds: float) -> None:
    """Run batches with one seed after the other until an example fails, or the time is over."""
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        run(places, number, count, [Phase.generate])
        number += 1
