"""A plan checked again with the migration lock held, before `applying` runs it."""

from __future__ import annotations

from typing import Final

from limbeck.engine import pushes
from limbeck.engine.ledger import Ledger
from limbeck.errors import MigrationError
from limbeck.events import Listener
from limbeck.history import baseline as baselines
from limbeck.history.revisions import Revision
from limbeck.phased.gates import gate
from limbeck.postgres.connect import Connection
from limbeck.run import unseen
from limbeck.run.plan import Plan, fingerprint, revisions

NEW_PLAN: Final = "Look at the new plan: run the same command again."


def still_planned(
    plan: Plan, connection: Connection, entries: Ledger, listen: Listener
) -> tuple[Revision, ...]:
    """Return the revisions of the plan, checked again with the lock held.

    Raises:
        DatabaseError: row security would stop one of them half-way.
        MigrationError: a file was edited since, or a contract revision may not run any more.

    """
    planned = revisions(plan)
    baseline = baselines.of(plan.history) if plan.baseline else None
    if fingerprint(plan.destination, plan.current, planned, baseline) != plan.fingerprint:
        raise MigrationError(
            "a revision file was changed after the plan was made; nothing was done", hint=NEW_PLAN
        )
    if plan.gate is not None and not plan.downgrade:
        waiting = gate.passed(plan.history, connection, planned, plan.gate, listen).waiting
        if waiting:
            raise MigrationError(
                f"{plan.environment}: {waiting[0].change}: {waiting[0].reason}; nothing was done",
                hint=waiting[0].hint,
            )
    if plan.recording:
        return planned
    # A half-done one is already where this could bring it.
    whole = [each for each in planned if each.id not in entries.interrupted()]
    unseen.refuse(connection, whole, downgrade=plan.downgrade)
    return planned


def refuse_changed(plan: Plan, connection: Connection, entries: Ledger, listen: Listener) -> None:
    """Raise a MigrationError if a database has lost the schema that is about to be recorded."""
    if plan.recording and (pushed := pushes.outstanding(entries)):
        from limbeck.run.pushed import Standing, verify  # noqa: PLC0415 - few plans record

        about = (plan.project, plan.profile, plan.history, connection, plan.current, pushed)
        verify(Standing.of(*about, listen), plan.target)
