"""Values about contracts on hold: how far an environment goes, and why a contract waits."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.phased.gates.uses import Use

Through: TypeAlias = Literal["expand", "contract"]
Why: TypeAlias = Literal["backfill", "used", "contract"]


class Terms(NamedTuple):
    """How far an environment goes.

    Args:
        environment: Its name, for the commands in hints.
        protected: Whether the sessions and statements of its application are checked, too.
        through: "expand" stops before each contract revision.
        allow_used: Whether to run a contract although its old structure is still used.

    """

    environment: str
    protected: bool
    through: Through
    allow_used: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contract revision on hold; `hint` is the next command.

    `why` is "backfill" (a backfill is not verified), "used" (`uses` still use the old structure)
    or "contract" (the contract was not requested). `others` are the revisions behind it.
    """

    revision: str
    message: str
    change: str
    why: Why
    reason: str
    hint: str
    uses: tuple[Use, ...] = ()
    others: tuple[str, ...] = ()
