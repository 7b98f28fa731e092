"""The snapshot of a branch before a contract, which `limbeck undo` restores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from limbeck.errors import ConfigurationError
from limbeck.events import Listener, Notice
from limbeck.phased import phases
from limbeck.project.places import Place
from limbeck.run.plan import Plan, revisions
from limbeck.shell import command

Keep: TypeAlias = Callable[[], Place]
"""Returns the place of the environment's branch, as `limbeck.settings.place` does."""


def keep(plan: Plan, place: Keep, listen: Listener) -> None:
    """Snapshot the branch if the plan removes an old structure that an earlier run has left.

    Raises:
        BranchError: the provider of the branches refuses.

    """
    known = () if plan.downgrade else phases.changes(revisions(plan))
    names = tuple(change.name for change in known if change.contract and not change.expand)
    if not names:
        return
    from limbeck.phased import undo  # noqa: PLC0415 - only before a contract

    try:
        snapshot = undo.keep(place(), plan.database, names, listen=listen)
    except ConfigurationError as error:
        listen(Notice(f"No snapshot is taken before the contract: {error.message}"))
    else:
        restore = command("limbeck", "undo", "-e", plan.environment)
        listen(Notice(f"Snapshot: {snapshot}. To restore it: {restore}"))
