"""Put the databases of a fleet into groups: by where they stand, by why they failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass

if TYPE_CHECKING:
    from limbeck.engine.starting import Start
    from limbeck.errors import LimbeckError
    from limbeck.fleet.outcome import Outcome
    from limbeck.lint.linting import Report
    from limbeck.run.plan import Plan


@dataclass(frozen=True, slots=True)
class Group:
    """The databases with one starting point.

    Args:
        start: Where they stand.
        members: Their names, in the order of the fleet.
        plan: The plan that all of them share; of a contract, that of the first of them.
        problem: Why there is no plan.
        fingerprint: A hash of the revisions that the plan runs.
        digests: The hashes of their files, in the order in which they run.
        hazards: What lint has found in the plan.

    """

    start: Start
    members: tuple[str, ...]
    plan: Plan | None = None
    problem: LimbeckError | None = None
    fingerprint: str = ""
    digests: tuple[str, ...] = ()
    hazards: Report | None = None

    @property
    def is_pending(self) -> bool:
        """Whether there is something to do."""
        return self.plan is not None and not self.plan.is_empty

    @property
    def state(self) -> str:
        """Where they stand, in a word."""
        if self.problem is not None:
            return "unknown"
        if self.start.interrupted:
            return "interrupted"
        if self.is_pending:
            return "pending"
        return "waiting" if self.plan is not None and self.plan.waiting else "head"


@dataclass(frozen=True, slots=True)
class Failures:
    """The databases that failed for one reason; `example` is the first of them."""

    reason: str
    example: Outcome
    members: tuple[str, ...]


def starts(outcomes: Sequence[Outcome]) -> dict[Start, tuple[str, ...]]:
    """Return the names of the databases with each starting point, most databases first."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.start is not None:
            groups.setdefault(outcome.start.key, []).append(outcome)
    ordered = sorted(groups.values(), key=len, reverse=True)
    return {
        each[0].start: tuple(outcome.member for outcome in each)
        for each in ordered
        if each[0].start is not None
    }


def failures(outcomes: Sequence[Outcome]) -> tuple[Failures, ...]:
    """Return the failed databases by their reason, most databases first."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.failed:
            groups.setdefault(outcome.reason or "no message", []).append(outcome)
    return tuple(
        Failures(reason, each[0], tuple(outcome.member for outcome in each))
        for reason, each in sorted(groups.items(), key=lambda item: -len(item[1]))
    )
