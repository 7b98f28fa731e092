"""Migrate a fleet or take revisions back: canaries, waves with gates, a budget of failures."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.fleet import fleet as overviews
from limbeck.fleet import remembered, spreading
from limbeck.fleet import template as templates
from limbeck.fleet.fleet import Overview
from limbeck.fleet.order import Order, Shown
from limbeck.fleet.outcome import Outcome
from limbeck.fleet.profile import Fleet
from limbeck.fleet.selection import Member
from limbeck.fleet.site import site
from limbeck.fleet.waves import waves

if TYPE_CHECKING:
    from limbeck.project.project import Project

Ask: TypeAlias = Callable[[str], bool]
"""Asks whether to go on with the next wave."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout is: the wave of so many, databases done and failed of all."""

    wave: int
    waves: int
    done: int
    failed: int
    total: int
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Rollup:
    """What became of the databases of a rollout; `stopped` is why it ended before the last one.

    `template` is what became of the fleet's template, which follows a rollout without failures.
    """

    outcomes: tuple[Outcome, ...]
    stopped: str | None = None
    template: Outcome | None = None

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The databases that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.failed)


def run(  # noqa: PLR0913 - what, of which fleet, where it runs, who is asked and told
    project: Project,
    fleet: Fleet,
    overview: Overview,
    members: Sequence[Member],
    order: Order,
    *,
    ask: Ask,
    tell: Callable[[Progress], None],
    executor: Executor | None = None,
) -> Rollup:
    """Carry out the plans of an overview, wave after wave.

    What is done is recorded in each database, so a run that ends early, or is killed, is continued
    by the next one.

    Args:
        project: The project.
        fleet: The fleet, with its rollout.
        overview: Where its databases stand, with the plans that were confirmed.
        members: The databases to change.
        order: What is to be done.
        ask: Asks whether to go on, if the rollout wants that.
        tell: Receives the progress after each database.
        executor: Where the databases are migrated; by default in threads.

    """
    plans = tuple(
        Shown(group.start.key, group.fingerprint, group.digests) for group in overview.groups
    )
    order = replace(order, plans=plans)
    parts = waves(members, fleet.rollout.canaries, fleet.rollout.waves)
    count = _Count(project, fleet, (len(parts), len(members)), tell)
    stopped: str | None = None
    for number, part in enumerate(parts, 1):
        if number > 1 and (stopped := _gate(fleet, count.outcomes, number, len(parts), ask)):
            break
        todo = overviews.tasks(overview.reference, part, order)
        at_once = fleet.rollout.at_once
        with overviews.executing(todo, at_once, executor) as pool:
            for outcome in spreading.spread(todo, pool, at_once, count.is_spent):
                count.add(number, outcome)
        if count.is_spent():
            stopped = f"more than {fleet.rollout.max_failures} failed (--max-failures)"
            break
    remembered.tidy(project, fleet)
    outcomes = tuple(
        count.outcomes.get(each.name) or Outcome(each.name, state="left") for each in members
    )
    ended = stopped if any(each.state == "left" for each in outcomes) else None
    whole = not (ended or count.failed) and _is_whole(fleet)
    after = templates.follow(site(overview.reference), order) if whole else None
    return Rollup(outcomes, ended, after)


def _is_whole(fleet: Fleet) -> bool:
    """Return whether a run is for the whole fleet, or the first of its shards."""
    shard = fleet.selection.shard
    return not fleet.selection.names and (shard is None or shard[0] == 1)


class _Count:
    """The outcomes so far, and how many of them are failures."""

    def __init__(
        self,
        project: Project,
        fleet: Fleet,
        sizes: tuple[int, int],
        tell: Callable[[Progress], None],
    ) -> None:
        self.project, self.fleet, self.tell = project, fleet, tell
        self.waves, self.total = sizes
        self.outcomes: dict[str, Outcome] = {}
        self.done = self.failed = 0

    def is_spent(self) -> bool:
        """Return whether more have failed than may fail."""
        return self.failed > self.fleet.rollout.max_failures

    def add(self, wave: int, outcome: Outcome) -> None:
        """Add an outcome, note it on this machine if it is a failure, and tell of it."""
        self.outcomes[outcome.member] = outcome
        if outcome.state == "left":
            return
        self.done += 1
        self.failed += outcome.failed
        remembered.note(self.project, self.fleet, outcome)
        self.tell(Progress(wave, self.waves, self.done, self.failed, self.total, outcome))


def _gate(
    fleet: Fleet, outcomes: dict[str, Outcome], number: int, count: int, ask: Ask
) -> str | None:
    """Wait before a wave; return why it does not begin."""
    rollout = fleet.rollout
    if rollout.pause:
        time.sleep(rollout.pause)
    if rollout.gate:
        failed = [each.member for each in outcomes.values() if each.failed]
        variables = {
            "LIMBECK_WAVE": str(number - 1),
            "LIMBECK_DONE": " ".join(outcomes),
            "LIMBECK_FAILED": " ".join(failed),
        }
        ended = subprocess.run(  # noqa: S602 - the user's own command line
            rollout.gate, shell=True, env={**os.environ, **variables}, stdout=2, check=False
        )
        if ended.returncode:
            return f"the gate before wave {number} exited with {ended.returncode}"
    if rollout.ask and not ask(f"Go on with wave {number} of {count}?"):
        return f"the answer before wave {number} was no"
    return None
