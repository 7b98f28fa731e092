"""Migrate a database with tenants: what exists once, then each tenant by itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from functools import partial
from threading import Event, Thread
from typing import Final, TypeAlias

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import version_table
from limbeck.engine.batch import Statement
from limbeck.engine.version_table import VersionTable
from limbeck.errors import DatabaseError, LimbeckError, MigrationInterruptedError
from limbeck.events import Event as Told
from limbeck.events import Listener, RevisionFinished, RevisionStarted, RunFinished, RunStarted
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.phased.gates.waiting import Through
from limbeck.plurals import counted
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.lock import migration_lock
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run import applying, planning, session
from limbeck.run.applying import WAIT
from limbeck.run.hooks import Hooks
from limbeck.run.plan import Plan, revisions
from limbeck.run.planning import NO_HOOKS
from limbeck.run.report import Report
from limbeck.shell import for_tenant
from limbeck.stages import Stage, staged
from limbeck.tenants import selection, state
from limbeck.tenants.state import Group

Sent: TypeAlias = "tuple[Revision, Sequence[Statement] | None]"
"""A revision, and the statements it has sent, if they say all that it does."""

AT_ONCE: Final = 4
"""How many sessions migrate tenants at the same time."""


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """Tenants that are alike, and the plan of the first of them, which stands for all."""

    group: Group
    plan: Plan

    @property
    def alone(self) -> bool:
        """Whether each tenant has to be planned by itself: rows or objects of its own decide."""
        plan = self.plan
        begun = any(each.done is not None for each in plan.revisions)
        phased = any(each.in_phases for each in revisions(plan))
        return bool(begun or phased or plan.own or plan.baseline or plan.recording or plan.waiting)


@dataclass(frozen=True, slots=True)
class TenantsPlan:
    """What would run: the plan of what exists once, if anything does, and one of each group.

    `later` is a shared revision that needs all tenants to be further than they are: the next run
    has it, once they are.
    """

    environment: str
    shared: Plan | None
    groups: tuple[GroupPlan, ...]
    tenants: tuple[str, ...]
    unplanned: dict[str, LimbeckError] = field(default_factory=dict)
    later: Revision | None = None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of what exists once, and one for each group."""
        shared = (self.shared,) if self.shared is not None else ()
        return (*shared, *(each.plan for each in self.pending))

    @property
    def pending(self) -> tuple[GroupPlan, ...]:
        """The groups with something to do."""
        return tuple(each for each in self.groups if not each.plan.is_empty)

    @property
    def notable(self) -> tuple[GroupPlan, ...]:
        """The groups with something to do, and those with a contract that waits."""
        return tuple(each for each in self.groups if not each.plan.is_empty or each.plan.waiting)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.pending and not self.unplanned and (not self.shared or self.shared.is_empty)


@dataclass(frozen=True, slots=True)
class TenantsReport:
    """What was done: the run of what exists once, the tenants by what they got, the failures."""

    environment: str
    shared: Report | None
    migrated: dict[tuple[str, ...], list[str]]
    failures: dict[str, LimbeckError]
    unchanged: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Where:
    """An environment with tenants: its project, database, and how far to go."""

    project: Project
    profile: Profile
    database: Database
    to: str = "head"
    through: Through | None = None
    allow_used: bool = False
    hooks: Hooks = NO_HOOKS
    listen: Listener = log

    def of(self, tenant: str) -> tuple[Project, Profile, Database]:
        """Return the project and the database of one tenant."""
        return (
            self.project.of_tenant(tenant),
            self.profile,
            replace(self.database, tenant=tenant, hides=()),
        )

    def plan(self, tenant: str, history: History | None = None) -> Plan:
        """Return the plan of one tenant."""
        try:
            return planning.plan(
                *self.of(tenant),
                to=self.to,
                through=self.through,
                allow_used=self.allow_used,
                hooks=self.hooks,
                history=history,
                listen=self.listen,
            )
        except psycopg.Error as error:
            raise DatabaseError(
                f"{tenant} cannot be read: {error.diag.message_primary or error}",
                hint="Grant the role USAGE and CREATE on the schema of each tenant.",
            ) from error


def plan(where: Where, *, only: Sequence[str] = ()) -> TenantsPlan:
    """Return what brings a database to the heads of both histories; it is only read.

    Args:
        where: The environment.
        only: The tenants to migrate; () for all, and for what exists once.

    Raises:
        LimbeckError: As `planning.plan` raises it of what exists once.

    """
    history = History.of(where.project.only("tenants"), where.profile)
    shared, later = None, None
    with history.held(), connect(where.database, read_only=True, listen=where.listen) as connection:
        tenants = tuple(only) or selection.names(connection, where.project)
        table = version_table.of(history, connection)
        with _loading(history, connection, table, tenants):
            groups = state.groups(connection, table, tenants)
        if where.project.has_shared and not only:
            shared, later = _shared(where, history, groups)
        if later is not None:
            where = replace(where, to=later.across[0])
        planned: list[GroupPlan] = []
        unplanned: dict[str, LimbeckError] = {}
        for group in groups:
            planned += _planned(where, history, group, unplanned)
    return TenantsPlan(where.profile.name, shared, tuple(planned), tenants, unplanned, later)


@contextmanager
def _loading(
    history: History, connection: Connection, table: VersionTable, tenants: Sequence[str]
) -> Iterator[None]:
    """Import what a run needs while the server works, if the first tenant lacks a revision.

    Nothing else may be imported meanwhile, see `applying`.
    """
    if not (tenants and _lacks(history, connection, table._replace(schema=tenants[0]))):
        yield
        return
    from limbeck.engine import opening  # noqa: PLC0415 - a plan without revisions needs none of it

    thread = Thread(target=opening.load, args=(history,))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _lacks(history: History, connection: Connection, table: VersionTable) -> bool:
    """Return whether a tenant lacks a revision; what is wrong with it is told of its group."""
    known = {revision.id for revision in history.revisions()}
    with suppress(LimbeckError):
        recorded = version_table.recorded(connection, table)
        return bool(history.pending([id_ for id_ in recorded if id_ in known]))
    return False


def _planned(
    where: Where, history: History, group: Group, unplanned: dict[str, LimbeckError]
) -> Iterator[GroupPlan]:
    """Yield the plan of a group; several where rows decide which contracts a tenant may run."""
    try:
        first = where.plan(group.first, history)
    except LimbeckError as error:
        unplanned.update(dict.fromkeys(group.tenants, error))
        return
    if not (first.waiting or any(each.in_phases for each in revisions(first))):
        yield GroupPlan(group, first)
        return
    plans, names = {_outline(first): first}, {_outline(first): [group.first]}
    for tenant in group.tenants[1:]:
        try:
            own = where.plan(tenant, history)
        except LimbeckError as error:
            unplanned[tenant] = error
            continue
        plans.setdefault(_outline(own), own)
        names.setdefault(_outline(own), []).append(tenant)
    for key, plan_ in plans.items():
        part = replace(group, tenants=tuple(names[key]))
        yield GroupPlan(part, _addressed(plan_, part))


def _outline(plan_: Plan) -> object:
    """Return what of a plan says whether another one is alike."""
    waiting = tuple((each.revision, each.why) for each in plan_.waiting)
    return tuple(each.id for each in plan_.revisions), waiting


def _addressed(plan_: Plan, group: Group) -> Plan:
    """Return the plan of a group, whose hints name the tenant that it was made of."""
    alone = len(group.tenants) == 1
    return replace(
        plan_,
        waiting=tuple(
            replace(each, hint=for_tenant(each.hint, group.first, alone=alone))
            for each in plan_.waiting
        ),
    )


def _shared(
    where: Where, history: History, groups: Sequence[Group]
) -> tuple[Plan, Revision | None]:
    """Return the plan of what exists once, and the revision at which it stops, if any."""

    def planned(to: str) -> Plan:
        return planning.plan(
            where.project.only("shared"),
            where.profile,
            where.database,
            to=to,
            through=where.through,
            allow_used=where.allow_used,
            hooks=where.hooks,
            listen=where.listen,
        )

    known = {revision.id for revision in history.revisions()}
    applied = [
        {each.id for each in history.applied([id_ for id_ in group.current if id_ in known])}
        for group in groups
    ]
    plan_ = planned("head")
    for revision in revisions(plan_):
        needs = {*revision.across} & known
        if not all(needs <= each for each in applied):
            return planned(",".join(revision.down) or "base"), revision
    return plan_, None


def apply(  # noqa: PLR0913 - what, where, on which terms, who is told
    where: Where,
    planned: TenantsPlan,
    *,
    at_once: int = AT_ONCE,
    wait: float = WAIT,
    progress: bool = False,
    listen: Listener = log,
) -> TenantsReport:
    """Apply a plan that is confirmed: what exists once, then each tenant in its own transactions.

    A tenant that fails does not stop the others. Killed anywhere, the next run does the rest.

    Args:
        where: The environment.
        planned: The plan.
        at_once: How many sessions migrate tenants at the same time.
        wait: Seconds to wait for another migrator.
        progress: Report the progress of index builds.
        listen: Receives an event for each revision of the first tenant, retry and notice.

    Raises:
        MigrationError: What exists once could not be migrated; no tenant was.
        LockNotAcquiredError: Another migrator did not finish in time.

    """
    begun = time.monotonic()
    shared = None
    one_run = partial(
        applying.apply, confirm=lambda _: True, allow=None, wait=wait, progress=progress
    )
    if planned.shared is not None and not planned.shared.is_empty:
        shared = one_run(planned.shared, listen=listen)
    run = _Run(where, one_run, at_once, listen, dict(planned.unplanned))
    count = sum(len(each.group.tenants) for each in planned.pending)
    if count:
        name = session.name(where.profile.name)
        with (
            connect(where.database, application_name=name, listen=listen) as connection,
            migration_lock(connection, wait=wait, listen=listen),
            staged(listen, f"migrating {counted(count, 'tenant')}", "tenant", count) as stage,
        ):
            table = version_table.of(History.of(where.project.only("tenants")), connection)
            for each in planned.pending:
                run.migrate(each, table, stage)
    unchanged = len(planned.tenants) - count - len(planned.unplanned)
    seconds = time.monotonic() - begun
    return TenantsReport(
        planned.environment, shared, run.migrated, run.failures, unchanged, seconds
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The tenants that were migrated so far, and those that failed."""

    where: Where
    apply: Callable[..., Report]
    at_once: int
    listen: Listener
    failures: dict[str, LimbeckError]
    migrated: dict[tuple[str, ...], list[str]] = field(default_factory=dict)

    def migrate(self, planned: GroupPlan, table: VersionTable, stage: Stage) -> None:
        """Migrate the tenants of a group: the first alone, the others by what it has sent."""
        left = deque(planned.group.tenants)
        ids = tuple(each.id for each in planned.plan.revisions)
        while left and not planned.alone:
            taken: list[Sent] = []
            tenant = left.popleft()
            known = planned.plan if tenant == planned.group.first else None
            if self._alone(tenant, ids, stage, taken, known):
                self._spread(planned, table, taken, left, stage)
                break
        for tenant in left:
            self._alone(tenant, ids, stage)

    def _spread(
        self,
        planned: GroupPlan,
        table: VersionTable,
        taken: Sequence[Sent],
        left: deque[str],
        stage: Stage,
    ) -> None:
        """Migrate tenants by what one of them has sent; those that fail are left."""
        # Alembic, which a run with nothing to do does not load.
        from limbeck.tenants.script import scripts  # noqa: PLC0415 - see above
        from limbeck.tenants.spreading import Spread, spread  # noqa: PLC0415 - see above

        history, group = planned.plan.history, planned.group
        scripts_ = scripts(history, group.current, table, taken, adopts=not group.rows)
        if not scripts_ or not left:  # none: somebody else has migrated the first one meanwhile
            return
        ids = tuple(each.revision.id for each in scripts_)

        def done(tenant: str) -> None:
            self.migrated.setdefault(ids, []).append(tenant)
            stage.advance()

        database = replace(self.where.database, tenant=None, hides=())
        share = Spread(database, scripts_, left, done, Event())
        # A foreign key to a shared table locks that: sessions then wait for each other, so those
        # that were refused are sent once more by one of them.
        for sessions in (self.at_once, 1):
            refused = spread(share, sessions, self.listen)
            left.clear()
            left.extend(refused)

    def _alone(
        self,
        tenant: str,
        ids: tuple[str, ...],
        stage: Stage,
        taken: list[Sent] | None = None,
        known: Plan | None = None,
    ) -> bool:
        """Plan and migrate one tenant; return whether that succeeded.

        Args:
            tenant: The tenant.
            ids: The revisions that its group lacks.
            stage: Counts the tenants.
            taken: Receives what the revisions send.
            known: Its plan, if it has one: under the lock, that is compared with what is there.

        """

        def take(revision: Revision, statements: Sequence[Statement] | None) -> None:
            if taken is not None:
                taken.append((revision, statements))

        try:
            plan_ = known or self.where.plan(tenant)
            self.apply(plan_, taken=take, listen=_quiet(self.listen))
        except MigrationInterruptedError:  # Ctrl-C is for all of them
            raise
        except LimbeckError as error:
            self.failures[tenant] = error
            return False
        finally:
            stage.advance()
        self.migrated.setdefault(ids, []).append(tenant)
        return True


def _quiet(listen: Listener) -> Listener:
    """Return a listener that leaves out the events of each tenant's run."""

    def tell(event: Told) -> None:
        if not isinstance(event, RunStarted | RunFinished | RevisionStarted | RevisionFinished):
            listen(event)

    return tell
