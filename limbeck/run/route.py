"""The route from a database's state to a plan: `planning` finds it, and draws the plan of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from limbeck.engine import offline
from limbeck.engine.ledger import Ledger
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.phased.gates.waiting import Terms, Waiting
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.hooks import Hooks
from limbeck.run.own_objects import OwnObject
from limbeck.run.plan import Plan, PlannedRevision, Words, fingerprint

if TYPE_CHECKING:
    from limbeck.history.baseline import Baseline
    from limbeck.run.reverting import Reversal


class Route(NamedTuple):
    """The revisions of a plan, and the state that it starts from.

    `waiting` are contract revisions on hold, `own` is what only this database has and the plan
    concerns. `end` is its target, if that is known. `baseline` is created first. `recording` says
    that the revisions are only recorded, see `Plan`.
    """

    history: History
    current: tuple[str, ...]
    todo: tuple[Revision, ...]
    ledger: Ledger
    late: tuple[Revision, ...] = ()
    halves: tuple[Reversal, ...] = ()
    downgrade: bool = False
    waiting: tuple[Waiting, ...] = ()
    own: tuple[OwnObject, ...] = ()
    end: tuple[str, ...] | None = None
    baseline: Baseline | None = None
    recording: bool = False

    def moved(self) -> tuple[Revision, ...]:
        """Return the revisions to run, half-done ones first."""
        return (*(half.revision for half in self.halves), *self.todo)

    def target(self) -> tuple[str, ...]:
        """Return the rows of the version table after the run."""
        if self.end is not None:
            return self.end
        start = self.baseline.revisions if self.baseline else self.current
        applied = {revision.id for revision in self.history.applied(start)}
        moved = {revision.id for revision in self.moved()}
        return self.history.tops(applied - moved if self.downgrade else applied | moved)

    def planned(self) -> Iterator[PlannedRevision]:
        """Yield the revisions, with the progress of an interrupted one."""
        words = Words(self.history, self.downgrade)
        action = "downgrade" if self.downgrade else "upgrade"
        begun = self.ledger.interrupted()
        for half in self.halves:
            about = (half.revision.id, half.revision.message, half.revision.path)
            yield PlannedRevision(*about, half.steps, reversal=half, words=words)
        late = {each.id for each in self.late}
        for each in self.todo:
            planned = PlannedRevision(
                each.id, each.message, each.path, late=each.id in late, words=words
            )
            if (entry := begun.get(each.id)) and entry.action == action:
                from limbeck.history import plainness  # noqa: PLC0415 - most plans have no half

                # Only its run can tell how many steps a revision has whose Python decides.
                known = plainness.is_plain(each.path, action)
                steps = (
                    offline.steps(self.history, each, downgrade=self.downgrade) if known else None
                )
                planned = replace(planned, done=entry.steps, steps=steps)
            yield planned


def drawn(  # noqa: PLR0913, PLR0917 - what, where, who is told, and how far
    project: Project,
    profile: Profile,
    database: Database,
    route: Route,
    hooks: Hooks,
    gate: Terms | None = None,
) -> Plan:
    """Return the plan that takes a route, once the hooks of planning have seen it.

    Args:
        project: The project, with its history.
        profile: The environment.
        database: The database to migrate.
        route: The revisions, and where they start.
        hooks: `after_plan` is called.
        gate: How far the environment goes.

    """
    plan = Plan(
        environment=profile.name,
        destination=database.destination,
        protected=profile.protected,
        current=route.current,
        target=route.target(),
        revisions=tuple(route.planned()),
        downgrade=route.downgrade,
        fingerprint=fingerprint(database.destination, route.current, route.moved(), route.baseline),
        project=project,
        profile=profile,
        history=route.history,
        database=database,
        hooks=hooks,
        waiting=route.waiting,
        gate=None if route.recording else gate,
        own=route.own,
        baseline=route.baseline,
        recording=route.recording,
    )
    hooks.call("after_plan", plan)
    return plan
