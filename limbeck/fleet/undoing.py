"""Take back a contract in one database of a fleet: its branch at Neon is restored.

Each branch gets a snapshot right before the contract, and notes it in the database. So a rollout
that has stopped half-way is taken back as well: databases without the contract have no note of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.errors import ConfigurationError
from limbeck.events import ignore
from limbeck.fleet.outcome import Outcome
from limbeck.phased import undo
from limbeck.run import keeping

if TYPE_CHECKING:
    from limbeck.engine.starting import Start
    from limbeck.fleet.order import Order
    from limbeck.fleet.profile import Fleet
    from limbeck.fleet.site import Site
    from limbeck.postgres.database import Database
    from limbeck.run.plan import Plan


def refuse_others(fleet: Fleet) -> None:
    """Raise a ConfigurationError unless the databases are branches at Neon."""
    if not fleet.selection.kind.startswith("neon"):
        raise ConfigurationError(
            "only branches at Neon have snapshots from before a contract",
            hint="Downgrade the contract, which loses no rows: limbeck fleet rollback --to REV",
        )


def keep(here: Site, database: Database, plan: Plan) -> None:
    """Take a snapshot of a branch if the plan removes an old structure from it.

    Raises:
        BranchError: Neon refuses; nothing was changed.

    """
    place = here.members()[database.name].place if database.name in here.members() else None
    if place is not None:
        keeping.keep(replace(plan, database=database), place, ignore)


def restore(here: Site, database: Database, start: Start, order: Order) -> Outcome:
    """Restore a branch to its state before the contract of a change, if that was its last one.

    Raises:
        BranchError: Neon refuses.

    """
    place = here.members()[database.name].place
    if place is None:
        refuse_others(here.fleet)
        return Outcome(database.name, state="head", start=start)
    wanted = undo.last(here.project, here.fleet.profile, database, place)
    if wanted is None or order.to not in wanted.changes:
        return Outcome(database.name, state="head", start=start)
    undo.undo(wanted, confirm=lambda _: True, listen=ignore)
    return Outcome(database.name, state="done", start=start, after=wanted.current)
