"""Apply a plan once it is confirmed, under the migration lock; `limbeck migrate` and `rollback`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TypeAlias

from limbeck.engine import running, state, version_table
from limbeck.engine.ledger import Ledger
from limbeck.engine.terms import Taken, Terms
from limbeck.engine.version_table import VersionTable
from limbeck.errors import MigrationError, NotConfirmedError
from limbeck.events import (
    Event,
    Listener,
    RevisionFinished,
    RevisionStarted,
    RunFinished,
    RunStarted,
    StageStarted,
)
from limbeck.logs import log
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.lock import migration_lock
from limbeck.run import hazards, keeping, outline, own_objects, session
from limbeck.run.beginning import refuse_full
from limbeck.run.failing import accounted, reported
from limbeck.run.keeping import Keep
from limbeck.run.plan import Plan
from limbeck.run.rechecking import NEW_PLAN, refuse_changed, still_planned
from limbeck.run.report import Applied, Report

WAIT = 60.0  # seconds for another migrator

Confirm: TypeAlias = Callable[[Plan], bool]
"""Returns whether to apply a plan."""


def apply(  # noqa: PLR0913 - what, who agrees, on which terms, who is told
    plan: Plan,
    *,
    confirm: Confirm,
    allow: Sequence[str] | None = (),
    keep: Keep | None = None,
    wait: float = WAIT,
    progress: bool = False,
    taken: Taken | None = None,
    listen: Listener = log,
) -> Report:
    """Apply a plan under the migration lock, each revision in a transaction of its own.

    A revision with autocommit blocks has several steps, each committed by itself; when it is
    interrupted, the next run continues after the last step that is done. A step that does not
    acquire its locks within the database's `lock_timeout` is retried until its `lock_budget` is
    spent.

    Args:
        plan: the plan; an empty one needs no confirmation.
        confirm: receives the plan and returns whether to apply it.
        allow: codes of blocking hazards to accept on a protected environment, and "target-only" to
            take away what only this database has; None when the caller has checked both.
        keep: returns the place of the environment's branch; before the contract of a change that
            was expanded in an earlier run, a snapshot is taken there for `limbeck undo`.
        wait: seconds to wait for another migrator.
        progress: report the progress of index builds.
        taken: receives the statements of each revision, to repeat them elsewhere.
        listen: receives an event for each revision, retry and notice.

    Raises:
        NotConfirmedError: `confirm` returned False; nothing was done.
        CheckFailedError: the environment is protected and a blocking hazard is not allowed, or
            the plan takes away what only this database has; nothing was done.
        LockNotAcquiredError: another migrator did not finish in time.
        MigrationError: a revision failed, or the plan does not hold any more.
        HookError: a hook raised an error; revisions applied before it stay.
        MigrationInterruptedError: Ctrl-C; revisions applied before it stay.
        DatabaseError: the database is read-only.

    """
    if plan.is_empty:
        return _report(plan, plan.current)
    if allow is not None:
        _refuse(plan, allow, listen)
    _refuse_unconfirmed(plan, confirm)
    if keep is not None:
        keeping.keep(plan, keep, listen)
    with (
        reported(plan, listen),
        _connected(plan, listen) as connection,
        _locked(connection, plan, wait, listen),
        plan.history.held(),
    ):
        table = version_table.of(plan.history, connection)
        start = state.read(connection, table)
        if start.recorded != plan.current or _ran_late(plan, start.ledger):
            return _overtaken(plan, start.recorded)
        planned = still_planned(plan, connection, start.ledger, listen)
        applied: list[Applied] = []
        begun = time.monotonic()
        with accounted(plan, applied, start.table):
            listen(_started(plan))
            plan.hooks.call("before_run", plan)
            refuse_changed(plan, connection, start.ledger, listen)
            note = _noting(plan, applied, listen)
            halves = _take_back(plan, connection, start.ledger, note)
            if halves or _create_baseline(plan, connection, table, listen):
                start = state.read(connection, table)
            with _carrying(plan, connection, listen):
                current = running.run(
                    plan.history,
                    connection,
                    planned[halves:],
                    downgrade=plan.downgrade,
                    terms=replace(_terms(plan, progress=progress), taken=taken),
                    state=start,
                    listen=note,
                )
            report = _report(plan, current, applied)
            if taken is None:  # of one among many, nobody reads which tables it has changed
                report = replace(report, tables=outline.read(connection, start.next_transaction))
            plan.hooks.call("after_run", plan, report)
        listen(_finished(report, time.monotonic() - begun))
        return report


def _carrying(plan: Plan, connection: Connection, listen: Listener) -> AbstractContextManager[None]:
    if not any(each.effect == "carried" for each in plan.own):
        return nullcontext()
    from limbeck.run.carrying import carried_over  # noqa: PLC0415 - few plans have any

    return carried_over(connection, plan.database, plan.own, listen)


def _refuse(plan: Plan, allow: Sequence[str], listen: Listener) -> None:
    used = [own_objects.STILL_USED] if plan.gate and plan.gate.allow_used else []
    own_objects.refuse(plan.own, plan.environment, [*allow, *used])
    if plan.protected and not plan.downgrade:
        codes = [code for code in allow if code != own_objects.ALLOW]
        hazards.refuse(hazards.look(plan, listen), codes)


def _refuse_unconfirmed(plan: Plan, confirm: Confirm) -> None:
    if not confirm(plan):
        answer = f"Type {plan.environment}" if plan.protected else "Answer yes"
        raise NotConfirmedError(
            f"not confirmed: {plan.environment} is unchanged", hint=f"{answer}, or add --yes."
        )


@contextmanager
def _connected(plan: Plan, listen: Listener) -> Iterator[Connection]:
    """Yield a session; what the run needs is imported in a thread while it is being made.

    Nothing else may be imported meanwhile: where two threads meet in a circle of modules, as
    SQLAlchemy has some, Python lets one of them go on with a module that is half initialized.
    """
    thread = threading.Thread(target=_load, args=(plan,))
    thread.start()
    try:
        with connect(
            plan.database, application_name=session.name(plan.environment), listen=listen
        ) as connection:
            thread.join()
            yield connection
    finally:
        thread.join()


def _load(plan: Plan) -> None:
    from limbeck.engine import opening  # noqa: PLC0415 - a plan without revisions needs none of it

    if not plan.recording:
        plan.history.code.expect([each.path for each in plan.revisions if not each.reversal])
    opening.load(plan.history)


@contextmanager
def _locked(connection: Connection, plan: Plan, wait: float, listen: Listener) -> Iterator[None]:
    # First: on a replica the lock would be taken and mean nothing.
    session.refuse_read_only(connection, plan.environment, plan.destination)
    with migration_lock(connection, wait=wait, listen=listen):
        yield


def _take_back(plan: Plan, connection: Connection, entries: Ledger, listen: Listener) -> int:
    """Take half-done revisions back, and return how many there are.

    Raises:
        MigrationError: one was continued or marked after the plan was made.

    """
    halves = [each.reversal for each in plan.revisions if each.reversal]
    if not halves:
        return 0
    from limbeck.run import reverting  # noqa: PLC0415 - as in `planning`

    for number, half in enumerate(halves, 1):
        entry = entries.interrupted().get(half.revision.id)
        if entry is None or entry.steps not in {half.steps, half.steps - 1}:
            raise MigrationError(
                f"revision {half.revision} has moved on after the plan was made; nothing was done",
                hint=NEW_PLAN,
            )
        about = (half.revision.id, half.revision.message, number, len(plan.revisions))
        listen(RevisionStarted(*about, downgrade=True))
        began = time.monotonic()
        reverting.take_back(half, connection, plan.database, listen)
        listen(RevisionFinished(*about, time.monotonic() - began, downgrade=True))
    return len(halves)


def _create_baseline(
    plan: Plan, connection: Connection, table: VersionTable, listen: Listener
) -> bool:
    """Create the schema that the plan begins with, if any; return whether there is one.

    Raises:
        MigrationError: the database is not empty any more, or Postgres refuses a statement.

    """
    if plan.baseline is None:
        return False
    from limbeck.shadow.baselines import create  # noqa: PLC0415 - few plans begin with one

    refuse_full(connection, table, plan.environment)
    listen(StageStarted(f"creating the schema of {plan.baseline}"))
    create(plan.history, connection, plan.baseline)
    return True


def _ran_late(plan: Plan, entries: Ledger) -> bool:
    """Return whether another migrator ran the late revisions, which leaves the version rows."""
    late = {revision.id for revision in plan.revisions if revision.late}
    return bool(late) and late <= {*entries.applied()}


def _overtaken(plan: Plan, current: tuple[str, ...]) -> Report:
    if current == plan.target:
        return _report(plan, current, elsewhere=True)
    raise MigrationError(
        f"{plan.environment} moved from {', '.join(plan.current) or 'base'} to "
        f"{', '.join(current) or 'base'} after the plan was made; nothing was done",
        hint=NEW_PLAN,
    )


def _started(plan: Plan) -> RunStarted:
    ids = tuple(revision.id for revision in plan.revisions)
    where = plan.environment, plan.destination
    return RunStarted(*where, plan.current, plan.target, ids, plan.downgrade)


def _finished(report: Report, duration: float) -> RunFinished:
    ids = tuple(revision.id for revision in report.applied)
    where = report.environment, report.destination
    return RunFinished(*where, report.current, ids, duration, report.downgrade)


def _noting(plan: Plan, applied: list[Applied], listen: Listener) -> Listener:
    """Return a listener that records applied revisions and calls the hooks of each."""
    planned = {revision.id: revision for revision in plan.revisions}

    def note(event: Event) -> None:
        if isinstance(event, RevisionFinished):
            applied.append(Applied(event.revision, event.message, event.seconds))
        if plan.recording and isinstance(event, RevisionStarted | RevisionFinished):
            return  # nothing of them runs
        listen(event)
        if isinstance(event, RevisionStarted):
            plan.hooks.call("before_revision", plan, planned[event.revision])
        elif isinstance(event, RevisionFinished):
            plan.hooks.call("after_revision", plan, applied[-1])

    return note


def _terms(plan: Plan, *, progress: bool) -> Terms:
    hooks = (getattr(plan.hooks, f"{when}_revision", None) for when in ("before", "after"))
    return replace(
        session.terms(plan.database, progress=progress),
        together=not any(hooks),  # which are called between two revisions
        recording=plan.recording,
    )


def _report(
    plan: Plan,
    current: tuple[str, ...],
    applied: Sequence[Applied] = (),
    *,
    elsewhere: bool = False,
) -> Report:
    where = (plan.environment, plan.destination)
    return Report(
        *where,
        current,
        tuple(applied),
        plan.downgrade,
        elsewhere,
        waiting=plan.waiting,
        baseline=None if elsewhere else plan.baseline,
        recorded=plan.recording,
    )
