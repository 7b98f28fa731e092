"""The template of a fleet: what a new tenant is copied from, and where it stands.

It follows the fleet: each rollout ends with it, so that a new tenant costs no more than the copy.
It gets the contract of a phased change only when the fleet's databases have it. Until then an
application still needs the old structure, in a new tenant, too.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from limbeck.branches import copying
from limbeck.errors import LimbeckError
from limbeck.events import BranchCreated, Listener
from limbeck.fleet import performing
from limbeck.fleet.order import Order
from limbeck.fleet.outcome import Outcome, failure
from limbeck.fleet.selection import members
from limbeck.history import baseline as baselines
from limbeck.phased.gates.gate import contracted
from limbeck.postgres.connect import Connection, connect
from limbeck.project import urls
from limbeck.run import applying
from limbeck.run.plan import revisions

if TYPE_CHECKING:
    from limbeck.branches.neon.provider import NeonBranches
    from limbeck.fleet.site import Site
    from limbeck.postgres.database import Database
    from limbeck.run.plan import Plan


def of(here: Site, name: str) -> Database:
    """Return the template: a database of the fleet's server, or a branch at Neon.

    Raises:
        BranchError: There is no branch of this name.

    """
    if here.fleet.selection.kind.startswith("neon"):
        return replace(urls.timed(here.fleet.profile, provider(here).url(name)), name=name)
    return replace(server(here).on(name), name=name)


def server(here: Site) -> Database:
    """Return a database of the server on which tenants are created."""
    selection = here.fleet.selection
    environment = selection.query[0] if selection.query else selection.environment
    if environment is not None:
        return urls.database(here.project, here.project.profile(environment))
    return here.database(members(here.project, selection)[0].name)


def provider(here: Site) -> NeonBranches:
    """Return the branches of the Neon project, of which the template is one."""
    from limbeck.project import neon  # noqa: PLC0415 - httpx only for Neon

    environment = here.fleet.selection.environment
    return neon.branches(here.project, here.project.profile(environment) if environment else None)


def ensured(connection: Connection, name: str, listen: Listener) -> bool:
    """Create an empty template if there is none; return whether it is new."""
    if is_there(connection, name):
        return False
    copying.create_empty(connection, name)
    listen(BranchCreated(name, None))
    return True


def at_head(
    here: Site, template: Database, listen: Listener, *, is_new: bool = False
) -> tuple[str, ...]:
    """Migrate the template if revisions are pending there; return the revisions that it is at."""
    from_baseline = is_new and baselines.of(here.history) is not None
    order = Order("migrate", through="contract", from_baseline=from_baseline)
    plan = here.plan(order, template)
    if (end := _before_contract(here, plan)) is not None:
        plan = here.plan(replace(order, to=end), template)
    return applying.apply(plan, confirm=lambda _: True, allow=None, listen=listen).current


def _before_contract(here: Site, plan: Plan) -> str | None:
    """Return the revision before the first contract that the fleet's first database lacks."""
    contracts = contracted(revisions(plan))
    first = next(iter(here.members()), None) if contracts else None
    if first is None:
        return None
    with connect(here.database(first), read_only=True) as connection:
        recorded = here.start(connection).recorded
    applied = {revision.id for revision in here.history.applied(recorded)}
    lacking = [each for each in contracts if applied and each.id not in applied]
    return lacking[0].parents[0] if lacking else None


def follow(here: Site, order: Order) -> Outcome | None:
    """Carry out the order of a rollout on the template, too; None where there is none.

    It is not one of the fleet's databases, so a failure here is none of theirs: `create` tries
    again.
    """
    name, began = here.fleet.template, time.monotonic()
    # An undo restores branches; the template of branches is none of them.
    if name is None or order.verb == "undo":
        return None
    try:
        if not _exists(here, name):
            return None
        template = of(here, name)
        outcome = performing.carry_out(here, template, replace(order, plans=None))
    except (LimbeckError, psycopg.Error, OSError) as error:
        return failure(name, "", error)
    return replace(outcome, destination=template.destination, seconds=time.monotonic() - began)


def _exists(here: Site, name: str) -> bool:
    if here.fleet.selection.kind.startswith("neon"):
        return any(branch.name == name for branch in provider(here).all())
    with connect(server(here), read_only=True) as connection:
        return is_there(connection, name)


def is_there(connection: Connection, name: str) -> bool:
    """Return whether a server has a database."""
    there = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
    return there is not None
