"""Contract revisions on hold: how far an environment goes, and why a contract does not run yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from limbeck.phased.gates.uses import Use

Through: TypeAlias = Literal["expand", "contract"]
Why: TypeAlias = Literal["backfill", "used", "contract"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How far an environment goes.

    Args:
        environment: its name, for what to type next.
        protected: whether its application is asked after as well.
        through: "expand" stops before each contract revision.
        allow_used: go on although something still uses what a contract takes away.

    """

    environment: str
    protected: bool
    through: Through
    allow_used: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contract revision that does not run yet; `hint` is what to type next.

    `why` is "backfill" (it is not verified), "used" (something still uses the old structure, as
    `uses` says) or "contract" (nobody asked for it). `others` are the revisions behind it.
    """

    revision: str
    message: str
    change: str
    why: Why
    reason: str
    hint: str
    uses: tuple[Use, ...] = ()
    others: tuple[str, ...] = ()
