"""What applications live through while a revision runs: the result of its probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass

# Most revisions are one transaction and are not probed: they load nothing else of the probes.
if TYPE_CHECKING:
    from limbeck.lint.probes.gaps import Gap, Point, Role
    from limbeck.lint.probes.probe import Probe
    from limbeck.schema.catalog.objects.address import Address


@dataclass(frozen=True, slots=True)
class Passage:
    """The result: the statements, the moments with their outcomes, and the gaps.

    `empty` are tables for which no row could be made, `roles` those that the statements were sent
    as besides the owner. `problem` says why nothing could be probed. `unprobed` are relations
    beyond the first 50. `role` is what the revision is to applications.
    """

    probes: tuple[Probe, ...] = ()
    points: tuple[Point, ...] = ()
    gaps: tuple[Gap, ...] = ()
    empty: tuple[Address, ...] = ()
    roles: tuple[str, ...] = ()
    problem: str | None = None
    unprobed: tuple[Address, ...] = ()
    role: Role = "plain"

    @property
    def commits(self) -> int:
        """The number of commit points, the end of the revision among them."""
        return len(self.points) - 1 if self.points else 1
