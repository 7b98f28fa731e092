"""Ask the databases of a fleet where they stand, and make one plan for all that are alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError
from limbeck.fleet import groups, remembered, spreading
from limbeck.fleet.groups import Group
from limbeck.fleet.order import Order, Reference, Task
from limbeck.fleet.outcome import Outcome
from limbeck.fleet.profile import Fleet
from limbeck.fleet.selection import Member
from limbeck.fleet.site import Site, site
from limbeck.project.project import Project

if TYPE_CHECKING:
    from limbeck.engine.starting import Start
    from limbeck.events import Listener

Only: TypeAlias = Literal["failed", "pending", "behind"]

READ = Order("read")


@dataclass(frozen=True, slots=True)
class Overview:
    """Where the databases of a fleet stand.

    Args:
        reference: The fleet.
        members: All of its databases that were asked.
        outcomes: What each of them answered, in their order.
        groups: Those that were read, by their starting point.
        failed: Why databases failed in the last run of this machine, by their names.

    """

    reference: Reference
    members: tuple[Member, ...]
    outcomes: tuple[Outcome, ...]
    groups: tuple[Group, ...]
    failed: dict[str, str]

    @property
    def unreachable(self) -> tuple[Outcome, ...]:
        """The databases that could not be read."""
        return tuple(outcome for outcome in self.outcomes if outcome.failed)

    def state(self, name: str) -> str:
        """Return where a database stands, in a word."""
        for group in self.groups:
            if name in group.members:
                return group.state
        return "unreachable"


def refer(project: Project, fleet: Fleet) -> Reference:
    """Return what other processes need to find the fleet, for one run."""
    return Reference(str(project.root), fleet.name, fleet.selection, uuid.uuid4().hex)


@contextmanager
def executing(tasks: Sequence[Task], at_once: int, executor: Executor | None) -> Iterator[Executor]:
    """Yield the executor, by default threads of this process."""
    if executor is not None:
        yield executor
        return
    pool = ThreadPoolExecutor(spreading.threads(tasks, at_once), "limbeck-fleet")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def tasks(reference: Reference, members: Sequence[Member], order: Order) -> list[Task]:
    """Return an order as a task for each of some databases."""
    return [Task(reference, order, member.name, member.server) for member in members]


def carry_out(
    reference: Reference,
    members: Sequence[Member],
    order: Order,
    at_once: int,
    executor: Executor | None = None,
) -> tuple[Outcome, ...]:
    """Carry out an order on databases; return the outcomes in their order."""
    todo = tasks(reference, members, order)
    with executing(todo, at_once, executor) as pool:
        outcomes = {each.member: each for each in spreading.spread(todo, pool, at_once)}
    return tuple(outcomes[member.name] for member in members)


def look(  # noqa: PLR0913 - which fleet, what is wanted, where it runs, who is told
    project: Project,
    fleet: Fleet,
    order: Order,
    *,
    contents: bool = False,
    executor: Executor | None = None,
    listen: Listener,
    lint: bool = False,
) -> Overview:
    """Return where the databases of a fleet stand, with one plan for all that are alike.

    Args:
        project: The project.
        fleet: The fleet.
        order: What is wanted of them; it is planned, and not carried out.
        contents: Also hash the catalog of each database.
        executor: Where the databases are asked; by default in threads.
        listen: Receives the stages of lint.
        lint: Trace each plan on the shadow.

    Raises:
        ConfigurationError: A URL is wrong, or nothing is selected.
        HistoryError: The revision files are broken.

    """
    reference = refer(project, fleet)
    here = site(reference)
    here.history.heads()
    members = tuple(here.members().values())
    read = replace(READ, contents=contents)
    outcomes = carry_out(reference, members, read, fleet.rollout.at_once, executor)
    several = tuple(
        _group(here, start, names, order, listen, lint=lint)
        for start, names in groups.starts(outcomes).items()
    )
    known = remembered.read(project, fleet)
    return Overview(reference, members, outcomes, several, known)


def _group(  # noqa: PLR0913 - as above
    here: Site,
    start: Start,
    names: tuple[str, ...],
    order: Order,
    listen: Listener,
    *,
    lint: bool,
) -> Group:
    """Return a group with its plan, or with the reason why there is none."""
    try:
        script = here.script(start, order, here.database(names[0]))
    except LimbeckError as error:
        return Group(start, names, problem=error)
    group = Group(start, names, script.plan, script.problem, script.fingerprint, script.digests)
    if not (lint and group.is_pending and script.plan is not None and not script.plan.downgrade):
        return group
    from limbeck.run import hazards  # noqa: PLC0415 - only where something is pending

    return replace(group, hazards=hazards.look(script.plan, listen))


def chosen(overview: Overview, only: Only | None) -> tuple[Member, ...]:
    """Return the databases that need something, or those of them that are asked for.

    Args:
        overview: Where they stand.
        only: "failed" are those that failed in the last run, are interrupted, or cannot be
            reached; "behind" those that lack a revision which another database has.

    """
    failing = {outcome.member for outcome in overview.unreachable}
    conditions: dict[str | None, Callable[[str, Group | None], bool]] = {
        "failed": lambda name, group: (
            name in overview.failed
            or name in failing
            or (group is not None and group.state in {"interrupted", "unknown"})
        ),
        "pending": lambda _, group: group is not None and group.is_pending,
        "behind": lambda _, group: group is not None and _is_behind(overview, group),
        None: lambda _, group: group is None or group.is_pending or group.problem is not None,
    }
    holds = conditions[only]
    home = {name: group for group in overview.groups for name in group.members}
    return tuple(member for member in overview.members if holds(member.name, home.get(member.name)))


def _is_behind(overview: Overview, group: Group) -> bool:
    if group.plan is None or group.plan.downgrade:
        return False
    lacking = {revision.id for revision in group.plan.revisions}
    history = group.plan.history
    others = (each.start.recorded for each in overview.groups if each.problem is None)
    return any(lacking & {each.id for each in history.applied(recorded)} for recorded in others)
