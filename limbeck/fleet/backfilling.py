"""Fill in the rows of expanded changes in one database of a fleet, and verify them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.events import ignore
from limbeck.fleet.outcome import Outcome

if TYPE_CHECKING:
    from limbeck.engine.starting import Start
    from limbeck.fleet.site import Site
    from limbeck.postgres.database import Database


def fill(here: Site, database: Database, start: Start) -> Outcome:
    """Run all open backfills of a database; those that are verified already do nothing.

    Raises:
        CheckFailedError: Rows are still wrong after several passes.
        DatabaseError: Postgres refused a statement; committed batches stay.

    """
    from limbeck.phased.backfill import planning, running  # noqa: PLC0415 - few fleets backfill

    plan = planning.plan(here.project, here.fleet.profile, database, listen=ignore)
    if not plan.tasks:
        return Outcome(database.name, state="head", start=start)
    running.run(plan, confirm=lambda _: True, listen=ignore)
    return Outcome(database.name, state="done", start=start)
