"""What stands before a contract on the command line: a refusal, and a branch that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.cli.terminal import Narrator, note
from limbeck.errors import CheckFailedError

if TYPE_CHECKING:
    from limbeck.migrate import Plan
    from limbeck.settings import Profile, Project

STILL_USED = "still-used"
"""What --allow says to take away what is still used."""


def refuse_waiting(plans: Sequence[Plan]) -> None:
    """Stop where contracts are asked for, and not one of them may run."""
    from limbeck.gates import contracted
    from limbeck.migrate.planning import revisions
    from limbeck.reports.plans import waiting_lines

    waiting = [one for plan in plans for one in plan.waiting]
    if waiting and not any(contracted(revisions(plan)) for plan in plans):
        lines = "\n".join(waiting_lines(waiting))
        raise CheckFailedError(
            f"the contract may not run yet; nothing was done\n{lines}", hint=waiting[0].hint
        )


def keep(project: Project, profile: Profile, plan: Plan) -> None:
    """Keep what the branch is before an old structure goes that there was before this plan."""
    from limbeck import phases
    from limbeck import undo as verb
    from limbeck.errors import ConfigurationError
    from limbeck.migrate.planning import revisions

    todo = revisions(plan)
    known = phases.changes(todo)
    names = tuple(one.name for one in known if one.contract and not one.expand)
    if not names:
        return
    try:
        kept = verb.keep(project, profile, plan.database, names, listen=Narrator())
    except ConfigurationError as error:
        note(f"No branch is kept from before the contract: {error.message}")
    else:
        note(f'Kept as "{kept}"; back: limbeck undo -e {profile.name}')
