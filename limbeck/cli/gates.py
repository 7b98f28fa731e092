"""The refusal of a contract whose conditions are not met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.errors import CheckFailedError

if TYPE_CHECKING:
    from limbeck.run.plan import Plan

STILL_USED = "still-used"
"""The value of --allow that removes a structure although it is still used."""
BESIDE_HAZARDS = frozenset({STILL_USED, "target-only"})
"""The values of --allow that are no codes of hazards; see `run.own_objects`."""


def refuse_waiting(plans: Sequence[Plan]) -> None:
    """Refuse plans whose contracts were asked for and none of which may run.

    Raises:
        CheckFailedError: all of them wait.

    """
    from limbeck.output.plans import waiting_lines
    from limbeck.phased.gates.gate import contracted
    from limbeck.run.plan import revisions

    waiting = [contract for plan in plans for contract in plan.waiting]
    if waiting and not any(contracted(revisions(plan)) for plan in plans):
        lines = "\n".join(waiting_lines(waiting))
        raise CheckFailedError(
            f"the contract may not run yet; nothing was changed\n{lines}", hint=waiting[0].hint
        )
