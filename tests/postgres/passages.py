"""What `generate` and `expand` would write for a random change, and how applications fare with it.

The revisions are not written to files here, which is what makes thousands of changes possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import psycopg

from limbeck.errors import ConfigurationError, MigrationError, ProofError
from limbeck.generate import joining
from limbeck.generate.answers import Answers
from limbeck.generate.questions import agree_to_renames
from limbeck.lint.probes import phased as phases
from limbeck.lint.probes.gaps import Gap, Role
from limbeck.lint.probes.passage import Passage
from limbeck.lint.probes.proving import Change, probe
from limbeck.lint.probes.rows import ROLE
from limbeck.phased.expand import choosing, composing
from limbeck.phased.expand.change import Change as PhasedChange
from limbeck.phased.online import online
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, recreated
from limbeck.schema.diff.steps import Step
from tests.postgres.cases.random_applications import APP
from tests.postgres.repeats import repeated

if TYPE_CHECKING:
    from psycopg import Connection

    from limbeck.engine.terms import Committed
    from limbeck.phased.expand.composing import Phased
    from limbeck.postgres.database import Database

# The probes leave default privileges of their roles behind.
EMPTY = f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP OWNED BY {ROLE}, {APP};"
RENAMES = Answers(ask_rename=lambda question: question.candidates[0].rename)


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


@dataclass(frozen=True)
class Scratch:
    """A database whose schema is replaced again and again, and how its catalog is read."""

    database: Database
    connection: Connection
    filters: Filters = EVERYTHING

    def catalog(self, sql: str) -> Catalog:
        """Return the catalog of a schema, which the database has from then on."""
        self.connection.execute(f"{EMPTY}{sql}".encode())
        return read(self.connection, filters=self.filters)


class Example:
    """Two schemas, and what applications live through on the way from one to the other."""

    def __init__(self, scratch: Scratch, before: str, after: str) -> None:
        self.place, self.before_sql = scratch, before
        self.after = scratch.catalog(after)
        self.before = scratch.catalog(before)
        self.renamed = agree_to_renames(self.before, self.after, RENAMES)
        self.steps = compare.steps(self.before, self.after, self.renamed)
        self.plain = self.preserving(self.steps)

    def preserving(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return steps that keep what only a target has."""
        return recreated.preserving(steps, self.before, self.after, self.renamed)

    @contextmanager
    def scratch(self, first: Sequence[Step] = ()) -> Iterator[Database]:
        """Yield the database in the state before the change, or after its first steps."""
        self.place.connection.execute(f"{EMPTY}{self.before_sql}".encode())
        for step in first:
            self.place.connection.execute(step.sql.encode())
        yield self.place.database

    @cached_property
    def phased(self) -> Phased | None:
        """The change in phases, if it is possible and breaks an application otherwise."""
        whole = PhasedChange(self.before, self.after, self.renamed)
        try:
            choice = choosing.choose(self.steps, whole)
            if not choice.breaks:
                return None
            with self.scratch() as database:
                return composing.compose(database, self.place.filters, whole, choice)
        except (ConfigurationError, ProofError):
            return None

    def phases(self) -> Iterator[Phase]:
        """Yield the phases of the change, if it has any."""
        if (phased := self.phased) is None:
            return
        wrong = phases.wrong(phased.backfills, phased.middle)
        first = phased.expand.upgrade
        yield Phase("expand", self.before, phased.middle, first, (), wrong)
        if first:
            last = phased.contract.upgrade
            yield Phase("contract", phased.middle, self.after, last, first, wrong, phased.plain)

    def passage(self, groups: list[list[Step]], phase: Phase | None = None) -> Passage:
        """Run groups of steps, with a commit after each, and probe there."""

        def run(connection: Connection, committed: Committed) -> None:
            connection.execute("SET check_function_bodies = off")
            for group in groups:
                try:
                    connection.execute(";".join(step.sql for step in group).encode())
                except psycopg.Error as error:
                    raise MigrationError(f"{error}") from error
                committed([(step.sql, None) for step in group])

        if phase is None:
            return probe(Change(run, self.before, self.after), self.scratch)
        change = Change(run, phase.before, phase.after, phase.role, phase.wrong)
        return probe(change, lambda: self.scratch(phase.first))

    def differences(self, phase: Phase | None = None) -> list[str]:
        """Return what the last passage has led to that is not as the change wants it."""
        after = phase.after if phase else self.after
        catalog = read(self.place.connection, filters=self.place.filters)
        addresses = [change.address for change in catalog.changes_to(after)]
        # The role of the probes has privileges, and stays.
        return [f"{each} differs" for each in addresses if not each.part.endswith(f"to {ROLE}")]


def avoidable(gap: Gap) -> bool:
    """Return whether another order of steps could close a gap; privileges are always kept."""
    return gap.ends is not None or gap.kind == "privileges"


def breaks(gap: Gap) -> bool:
    """Return whether a phase breaks an application; what only a contract allows does not."""
    return gap.first > 0


def in_one_revision(example: Example) -> list[str]:
    """Return the gaps of the order of steps that generate would write."""
    steps = example.preserving(online.steps(example.steps, example.before, example.after))
    return _best(example, chain([steps], others(example, steps, example.plain)))


def in_phases(example: Example) -> list[str]:
    """Return what the phases that generate would write do to the application that runs."""
    gaps: list[str] = []
    for phase in example.phases():
        tried = chain([phase.steps], others(example, phase.steps, phase.plain, phase))
        gaps += [f"{phase.role}: {gap}" for gap in _best(example, tried, phase)]
    return gaps


def _best(
    example: Example, tried: Iterable[Sequence[Step]], phase: Phase | None = None
) -> list[str]:
    """Return the gaps of the first order that has none, or those of the first that runs."""
    broken = breaks if phase else avoidable
    gaps: list[str] | None = None
    for order in tried:
        assert not repeated(order)
        passage = example.passage(joining.commits(order), phase)
        if passage.problem is None:
            these = [f"{gap}" for gap in passage.gaps if broken(gap)]
            if passage.points:  # else nothing ran, because no table was concerned
                these += example.differences(phase)
            gaps = these if gaps is None else gaps
            if not these:
                return []
    return ["no order of the steps runs"] if gaps is None else gaps


def others(
    example: Example, steps: Sequence[Step], plain: Sequence[Step], phase: Phase | None = None
) -> Iterator[Sequence[Step]]:
    """Yield the orders that generate tries after the one of its recipes."""
    yield from joining.joined(steps, example.passage(joining.commits(steps), phase))
    if plain:
        yield plain
