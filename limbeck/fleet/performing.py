"""Carry out an order on one database: called in a thread, or on another machine."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from limbeck.engine import recording
from limbeck.errors import LimbeckError, MigrationError
from limbeck.events import Event, RevisionFinished
from limbeck.fleet import backfilling, undoing
from limbeck.fleet.order import Order, Task
from limbeck.fleet.outcome import Outcome, State, failure
from limbeck.fleet.script import Script
from limbeck.fleet.site import Site, site
from limbeck.postgres.connect import Connection, connect, refuse_pooler
from limbeck.postgres.lock import migration_lock
from limbeck.run import own_objects, session

if TYPE_CHECKING:
    from limbeck.engine.recording import Recorded
    from limbeck.engine.starting import Start
    from limbeck.postgres.database import Database


def perform(task: Task) -> Outcome:
    """Carry out a task; whatever goes wrong is a part of the outcome."""
    destination = secret = ""
    began = time.monotonic()
    try:
        here = site(task.reference)
        database = here.database(task.member)
        destination, secret = database.destination, database.parameters.get("password", "")
        outcome = carry_out(here, database, task.order)
    except (LimbeckError, psycopg.Error, OSError) as error:
        outcome = failure(task.member, destination, error, secret)
    return replace(outcome, destination=destination, seconds=time.monotonic() - began)


def carry_out(here: Site, database: Database, order: Order) -> Outcome:
    """Carry out an order on a database; return what became of it.

    Raises:
        LimbeckError: As migrating one database raises it.

    """
    name = session.name(database.name)
    reading = order.verb in {"read", "ready"}
    with connect(database, application_name=name, read_only=reading) as connection:
        start = here.start(connection)
        if order.verb == "read":
            refuse_pooler(database, start.session)
            contents = here.fingerprint(connection) if order.contents else None
            return Outcome(database.name, start=start, contents=contents)
        if order.verb in {"backfill", "undo"}:
            return _beside(here, database, order, start)
        script = here.script(start, order, database)
        if script.by_contents:
            start = here.contents(start, order, connection)
            script = here.script(start, order, database)
        if script.problem is not None:
            raise script.problem
        if order.verb == "ready":
            return _on_hold(script, start, database) or Outcome(database.name, start=start)
        if script.plan is None or script.plan.is_empty:
            outcome = Outcome(database.name, state="head", start=start)
            return _on_hold(script, start, database) or outcome
        _refuse_unplanned(script, start, order)
        session.refuse_read_only(connection, database.name, database.destination)
        own_objects.refuse(script.plan.own, database.name, order.allow)
        undoing.keep(here, database, script.plan)
        if here.is_shared(script, start):
            # Once more where another migrator came first: the worker that was killed with this
            # task, say, whose session still ran. Only the rest of a confirmed plan is accepted.
            run = _together(here, database, order, (start, script), connection)
            return carry_out(here, database, order) if run is None else run
    return _alone(here, database, order, start)


def _beside(here: Site, database: Database, order: Order, start: Start) -> Outcome:
    """Carry out an order that runs no revisions."""
    if order.verb == "undo":
        return undoing.restore(here, database, start, order)
    return backfilling.fill(here, database, start)


def _on_hold(script: Script, start: Start, database: Database) -> Outcome | None:
    """Return the outcome of a database with a contract that may not run yet."""
    if script.plan is None or not script.plan.waiting:
        return None
    first = script.plan.waiting[0]
    reason = f"{first.change}: {first.reason}"
    return Outcome(database.name, state="waiting", start=start, reason=reason, hint=first.hint)


def _refuse_unplanned(script: Script, start: Start, order: Order) -> None:
    """Raise a MigrationError unless the plan is one of those that were shown, or the rest of one.

    A worker that was killed may have committed the first revisions: the others are still to run.
    """
    if order.plans is None:
        return
    key = replace(start, contents="").key
    shown = next((each.fingerprint for each in order.plans if each.start == key), None)
    count = len(script.digests)
    if shown is None and any(each.digests[-count:] == script.digests for each in order.plans):
        return
    if shown is None:
        raise MigrationError(
            "it moved after the plan was made; nothing was done",
            hint="Look at the new plan: run the same command again.",
        )
    if shown not in {script.fingerprint, ""}:
        raise MigrationError(
            "the revision files here are not those of the plan; nothing was done",
            hint="Bring all machines to the same commit, and run the same command again.",
        )


def _together(
    here: Site,
    database: Database,
    order: Order,
    planned: tuple[Start, Script],
    connection: Connection,
) -> Outcome | None:
    """Run the statements that were recorded for the starting point; None if it stands elsewhere."""
    start, script = planned
    done: list[Recorded] = []
    with migration_lock(connection, wait=order.wait):
        # Another migrator may have come first, while this one waited for the lock.
        if replace(here.start(connection), contents=start.contents) != start:
            return None
        recorded = here.recorded(start, order, database, connection)
        if recorded is not None:
            terms = session.terms(database, progress=False)
            recording.run(connection, recorded, terms, here.history.top, done.append)
            after = script.plan.target if script.plan else None
            applied = tuple(each.revision.id for each in recorded)
            return Outcome(database.name, state="done", start=start, after=after, applied=applied)
    return _alone(here, database, order, start)


def _alone(here: Site, database: Database, order: Order, start: Start) -> Outcome:
    """Plan and run the revisions of one database as `limbeck migrate` does."""
    from limbeck.run import applying  # noqa: PLC0415 - most fleets run recorded statements

    applied: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, RevisionFinished):
            applied.append(event.revision)

    with here.lock:
        plan = here.plan(order, database)
        report = applying.apply(
            plan, confirm=lambda _: True, allow=None, wait=order.wait, listen=note
        )
    state: State = "done" if applied or not report.elsewhere else "head"
    return Outcome(
        database.name, state=state, start=start, after=report.current, applied=tuple(applied)
    )
