"""Run a planned push under the migration lock, with the engine that runs revisions."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from limbeck.engine import running, state, version_table
from limbeck.errors import MigrationError
from limbeck.events import Event, Listener, RevisionFinished, RevisionResumed, RevisionStarted
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.lock import migration_lock
from limbeck.push.draft import drafted
from limbeck.push.plan import Plan, Report
from limbeck.run import session, unseen
from limbeck.run.applying import WAIT
from limbeck.schema.catalog import difference
from limbeck.shadow.filters import filters


def push(
    plan: Plan, *, wait: float = WAIT, progress: bool = False, listen: Listener = log
) -> Report:
    """Run the statements of a push, and record it in the ledger of the database.

    All run in one transaction, but for those that Postgres or the locks of others need apart. Where
    a push is interrupted between them, the next one compares again and goes on.

    Args:
        plan: What to run; nothing happens where it is empty.
        wait: Seconds to wait for another migrator.
        progress: Report the progress of index builds.
        listen: Receives an event for each retry and notice.

    Raises:
        DatabaseError: The database is read-only, or row security hides rows that are needed.
        LockNotAcquiredError: Another migrator did not finish in time.
        MigrationError: A statement failed, or the database has changed after the plan.

    """
    if plan.is_empty:
        return Report(plan)
    history = History.of(plan.project, plan.profile)
    name = session.name(plan.environment)
    with connect(plan.database, application_name=name, listen=listen) as connection:
        session.refuse_read_only(connection, plan.environment, plan.destination)
        with (
            migration_lock(connection, wait=wait, listen=listen),
            drafted(plan.project, plan.text) as (draft, revision),
        ):
            start = state.read(connection, version_table.of(history, connection))
            _refuse_changed(plan, connection, start.recorded)
            unseen.refuse(connection, [revision], downgrade=False)
            terms = session.terms(plan.database, progress=progress)
            began = time.monotonic()
            running.run(
                draft,
                connection,
                [revision],
                terms=replace(terms, push=plan.push),
                state=start,
                listen=partial(_without_revisions, listen),
            )
            return Report(plan, time.monotonic() - began)


def _refuse_changed(plan: Plan, connection: Connection, recorded: tuple[str, ...]) -> None:
    own = filters(plan.project)
    live = difference.read_changed(connection, plan.live, plan.since, filters=own)
    if recorded != plan.current or plan.live.changes_to(live):
        raise MigrationError(
            f"{plan.environment} was changed after the push was planned; nothing was done",
            hint="Run the same command again.",
        )


def _without_revisions(listen: Listener, event: Event) -> None:
    """Hand on an event, unless it is about the draft, which is no revision to anybody."""
    if not isinstance(event, RevisionStarted | RevisionFinished | RevisionResumed):
        listen(event)
