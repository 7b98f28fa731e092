"""What a branch is just before a contract is kept, so that it can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from limbeck.errors import ConfigurationError
from limbeck.events import Listener, Notice
from limbeck.phased import phases
from limbeck.project.places import Place
from limbeck.run.plan import Plan, revisions

Keep: TypeAlias = Callable[[], Place]
"""Says where the environment's branch is, as `limbeck.settings.place` does."""


def keep(plan: Plan, where: Keep, listen: Listener) -> None:
    """Keep the branch where an old structure goes that there was before this plan.

    Raises:
        BranchError: the place of the branches refuses.

    """
    known = () if plan.downgrade else phases.changes(revisions(plan))
    names = tuple(one.name for one in known if one.contract and not one.expand)
    if not names:
        return
    from limbeck.phased import undo  # noqa: PLC0415 - only before a contract

    try:
        kept = undo.keep(where(), plan.database, names, listen=listen)
    except ConfigurationError as error:
        listen(Notice(f"No branch is kept from before the contract: {error.message}"))
    else:
        listen(Notice(f'Kept as "{kept}"; back: limbeck undo -e {plan.environment}'))
