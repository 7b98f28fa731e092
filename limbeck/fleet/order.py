"""What is to be done with the databases of a fleet, in a form that another machine can be sent.

Nothing here has a password: each process reads files, profiles and keys of its own machine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.fleet.selection import Selection

if TYPE_CHECKING:
    from limbeck.phased.gates.waiting import Through

Verb: TypeAlias = Literal["read", "migrate", "rollback", "ready", "backfill", "undo"]


@dataclass(frozen=True, slots=True)
class Reference:
    """Which fleet it is: a folder, a profile of a fleet or a selection, and the run."""

    root: str
    name: str | None
    selection: Selection
    run: str


class Shown(NamedTuple):
    """A plan that was confirmed: its starting point, its hash, and those of its files in turn."""

    start: str
    fingerprint: str
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with a database.

    Args:
        verb: "read" asks where it stands, "ready" whether its contract may run.
        to: The revision to reach; None for the head, or for `steps` of a rollback. Of "undo" it is
            the change whose contract is taken back.
        through: The last phase of expanded changes.
        steps: How many revisions to downgrade.
        allow: Hazards that are accepted.
        from_baseline: Create the schema of the baseline in an empty database.
        wait: Seconds to wait for the migration lock.
        contents: Also hash its catalog.
        plans: The plans that were confirmed; None where nothing has to be confirmed.

    """

    verb: Verb
    to: str | None = None
    through: Through | None = None
    steps: int = 1
    allow: tuple[str, ...] = ()
    from_baseline: bool = False
    wait: float = 60.0
    contents: bool = False
    plans: tuple[Shown, ...] | None = None

    def without_plans(self) -> Order:
        """Return the order as it was planned."""
        return replace(self, plans=None)


@dataclass(frozen=True, slots=True)
class Task:
    """An order for one database of a fleet."""

    reference: Reference
    order: Order
    member: str
    server: str
