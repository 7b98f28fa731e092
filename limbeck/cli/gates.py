"""What stands before a contract on the command line: a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.errors import CheckFailedError

if TYPE_CHECKING:
    from limbeck.run.plan import Plan

STILL_USED = "still-used"
"""What --allow says to take away what is still used."""


def refuse_waiting(plans: Sequence[Plan]) -> None:
    """Stop where contracts are asked for, and not one of them may run."""
    from limbeck.output.plans import waiting_lines
    from limbeck.phased.gates.gate import contracted
    from limbeck.run.plan import revisions

    waiting = [one for plan in plans for one in plan.waiting]
    if waiting and not any(contracted(revisions(plan)) for plan in plans):
        lines = "\n".join(waiting_lines(waiting))
        raise CheckFailedError(
            f"the contract may not run yet; nothing was done\n{lines}", hint=waiting[0].hint
        )
