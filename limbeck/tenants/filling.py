"""Fill in the rows of expanded changes: in what exists once, then in each tenant by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from functools import partial
from itertools import chain

from limbeck.dataclass import dataclass
from limbeck.engine import version_table
from limbeck.errors import (
    ConfigurationError,
    LimbeckError,
    MigrationInterruptedError,
    NotConfirmedError,
)
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.phased.backfill import estimating, planning, running
from limbeck.phased.backfill.estimating import Estimate
from limbeck.phased.backfill.planning import Plan
from limbeck.phased.backfill.running import Confirm, Report
from limbeck.phased.phases import changes
from limbeck.plurals import counted
from limbeck.postgres.connect import connect
from limbeck.project.project import Part
from limbeck.stages import staged
from limbeck.tenants import selection, state
from limbeck.tenants.migrating import Where
from limbeck.tenants.state import Group


@dataclass(frozen=True, slots=True)
class FillingPlan:
    """The pending backfills of what exists once, and those of each tenant that has some."""

    environment: str
    shared: Plan | None
    tenants: dict[str, Plan]
    unplanned: dict[str, LimbeckError] = field(default_factory=dict)

    @property
    def first(self) -> Plan | None:
        """The first plan with something to do."""
        plans = (self.shared, *self.tenants.values())
        return next((each for each in plans if each is not None and each.tasks), None)


@dataclass(frozen=True, slots=True)
class FillingReport:
    """What was filled in, by tenants, and why some of them failed."""

    environment: str
    shared: Report | None
    filled: dict[str, Report]
    failures: dict[str, LimbeckError]


def plan(where: Where, change: str | None = None) -> FillingPlan:
    """Return the pending backfills of a database with tenants; it is only read.

    Args:
        where: The environment.
        change: The name of a change; None for all.

    Raises:
        ConfigurationError: There is no such change, or it is not expanded there.

    """
    parts = _parts(where, change)
    shared = None
    if "shared" in parts:
        shared = planning.plan(
            where.project.only("shared"), where.profile, where.database, change, listen=where.listen
        )
    if "tenants" not in parts:
        return FillingPlan(where.profile.name, shared, {})
    history = _history(where, "tenants")
    with history.held(), connect(where.database, read_only=True, listen=where.listen) as connection:
        tenants = selection.names(connection, where.project)
        groups = state.groups(connection, version_table.of(history, connection), tenants)
        plans: dict[str, Plan] = {}
        unplanned: dict[str, LimbeckError] = {}
        for group in groups:
            for name, planned in _planned(where, group, change):
                if isinstance(planned, LimbeckError):
                    unplanned[name] = planned
                elif planned.tasks:
                    plans[name] = planned
    return FillingPlan(where.profile.name, shared, plans, unplanned)


def _parts(where: Where, change: str | None) -> tuple[Part, ...]:
    """Return the histories that have a change; both if it is None."""
    parts: tuple[Part, ...] = ("shared", "tenants") if where.project.has_shared else ("tenants",)
    if change is None:
        return parts
    names = {
        part: {each.name for each in changes(_history(where, part).revisions()) if each.expand}
        for part in parts
    }
    known = sorted({*chain(*names.values())})
    if change not in known:
        raise ConfigurationError(
            f"no revision expands a change {change}",
            hint=f"Choose one of: {', '.join(known)}." if known else "None expands one.",
        )
    return tuple(part for part in parts if change in names[part])


def _history(where: Where, part: Part) -> History:
    return History.of(where.project.only(part), where.profile)


def _planned(
    where: Where, group: Group, change: str | None
) -> Iterator[tuple[str, Plan | LimbeckError]]:
    """Yield the plans of tenants at the same revisions; the first says whether there are any."""
    for name in group.tenants:
        try:
            planned = planning.plan(*where.of(name), change, listen=where.listen)
        except LimbeckError as error:
            yield name, error
            continue
        yield name, planned
        if not (planned.tasks or planned.done):
            return  # no change is open at these revisions


def estimates(
    planned: FillingPlan, *, listen: Listener = log
) -> dict[str | None, tuple[Estimate, ...]]:
    """Return the estimates of each tenant; None is what exists once.

    Raises:
        DatabaseError: Postgres refused a sample.

    """
    plans: list[tuple[str | None, Plan]] = [*planned.tenants.items()]
    if planned.shared is not None and planned.shared.tasks:
        plans.insert(0, (None, planned.shared))
    return {name: estimating.estimate(each, listen=listen) for name, each in plans}


def run(
    planned: FillingPlan,
    *,
    confirm: Confirm,
    fill: Callable[..., Report] = running.run,
    listen: Listener = log,
) -> FillingReport:
    """Run the backfills; a tenant that fails stops no other, and the next run does the rest.

    Args:
        planned: The plan.
        confirm: Takes the first plan; returns whether to run all of them.
        fill: Runs a plan; with its options.
        listen: Receives progress events.

    Raises:
        NotConfirmedError: `confirm` returned False; nothing was changed.
        MigrationInterruptedError: Ctrl-C; committed batches stay.
        LimbeckError: What exists once could not be filled in; no tenant was.

    """
    first = planned.first
    if first is not None and not confirm(first):
        answer = f"Type {planned.environment}" if first.protected else "Answer yes"
        raise NotConfirmedError(
            f"not confirmed: {planned.environment} is unchanged", hint=f"{answer}, or add --yes."
        )
    agreed = partial(fill, confirm=lambda _: True)
    shared = agreed(planned.shared, listen=listen) if planned.shared is not None else None
    filled, failures = {}, dict(planned.unplanned)
    what = f"filling in {counted(len(planned.tenants), 'tenant')}"
    with staged(listen, what, "tenant", len(planned.tenants)) as stage:
        for name, each in planned.tenants.items():
            try:
                filled[name] = agreed(each, listen=lambda _: None)
            except MigrationInterruptedError:
                raise
            except LimbeckError as error:
                failures[name] = error
            stage.advance()
    return FillingReport(planned.environment, shared, filled, failures)
