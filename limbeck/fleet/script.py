"""The plan of all databases of a fleet with one starting point, with its recorded statements."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.run.plan import revisions

if TYPE_CHECKING:
    from limbeck.engine.recording import Recorded
    from limbeck.errors import LimbeckError
    from limbeck.run.plan import Plan


@dataclass(frozen=True, slots=True)
class Script:
    """The plan of all databases with one starting point.

    `recorded` are the statements of its revisions, or None where each database is planned and
    migrated by itself. `problem` is why there is no plan. `by_contents` says that the plan depends
    on what a database holds, too, `is_alone` that the statements could not be recorded.
    """

    plan: Plan | None = None
    recorded: tuple[Recorded, ...] | None = None
    problem: LimbeckError | None = None
    by_contents: bool = False
    is_alone: bool = False

    @property
    def fingerprint(self) -> str:
        """A hash of the revisions and the bytes of their files; "" without a plan."""
        if self.plan is None:
            return ""
        parts = [*self.plan.target, *self.digests]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    @property
    def digests(self) -> tuple[str, ...]:
        """The hashes of the revision files, in the order in which they run."""
        return () if self.plan is None else tuple(each.digest for each in revisions(self.plan))
