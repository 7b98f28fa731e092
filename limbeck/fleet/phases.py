"""Hold contracts back until every database of a fleet is ready for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.fleet import fleet as overviews
from limbeck.fleet.order import Order
from limbeck.fleet.site import site
from limbeck.phased.gates.gate import contracted

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from limbeck.fleet.fleet import Overview
    from limbeck.fleet.outcome import Outcome
    from limbeck.fleet.profile import Fleet


def unready(
    fleet: Fleet, overview: Overview, order: Order, executor: Executor | None = None
) -> tuple[Outcome, ...]:
    """Return the databases because of which no contract may run on any; none if all are ready.

    An application that uses all databases still needs the old structure while one of them does. So
    all are asked, also for a shard or for databases that were named.

    Args:
        fleet: The fleet.
        overview: Where its databases stand.
        order: The migration that would run contracts, too.
        executor: Where the databases are asked.

    """
    profile = fleet.profile
    through = order.through or ("expand" if profile.protected else "contract")
    if order.verb != "migrate" or through == "expand" or not _contracts(overview, order):
        return ()
    ready = replace(order, verb="ready", through="contract")
    selection = replace(overview.reference.selection, names=(), shard=None)
    everything = replace(overview.reference, selection=selection)
    members = tuple(site(everything).members().values())
    outcomes = overviews.carry_out(everything, members, ready, fleet.rollout.at_once, executor)
    return tuple(each for each in outcomes if each.failed or each.state == "waiting")


def _contracts(overview: Overview, order: Order) -> bool:
    """Return whether a contract is pending on any of the databases."""
    history = site(overview.reference).history
    return any(
        contracted(history.pending(group.start.recorded, order.to or "head"))
        for group in overview.groups
        if group.problem is None and group.start.recorded
    )
