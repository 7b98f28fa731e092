"""Carry out a plan, once it is confirmed, under the migration lock."""

from __future__ import annotations

import getpass
import importlib
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TypeAlias

from limbeck.engine import running, state
from limbeck.engine.ledger import Ledger
from limbeck.engine.terms import Terms
from limbeck.errors import DatabaseError, MigrationError, NotConfirmedError
from limbeck.events import (
    Event,
    Listener,
    RevisionFinished,
    RevisionStarted,
    RunFinished,
    RunStarted,
)
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.phased.gates import gate
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.duration import seconds
from limbeck.postgres.lock import migration_lock
from limbeck.run import hazards, outline
from limbeck.run.failing import accounted, failure_told
from limbeck.run.keeping import Keep
from limbeck.run.keeping import keep as kept
from limbeck.run.plan import Plan, fingerprint, revisions
from limbeck.run.report import Applied, Report

WAIT = 60.0
_LONGEST_NAME = 63

Confirm: TypeAlias = Callable[[Plan], bool]
"""Told the plan, says whether to go on."""


def apply(  # noqa: PLR0913 - what, who agrees, on which terms, who is told
    plan: Plan,
    *,
    confirm: Confirm,
    allow: Sequence[str] | None = (),
    keep: Keep | None = None,
    wait: float = WAIT,
    progress: bool = False,
    listen: Listener = log,
) -> Report:
    """Carry out a plan under the migration lock, each revision in a transaction of its own.

    A revision with autocommit blocks has several steps, each committed by itself; when it is
    interrupted, the next run goes on after the last one that is done. A step that does not get
    its locks within the database's `lock_timeout` is tried again until its `lock_budget` is spent.

    Args:
        plan: What was planned; with nothing to do, nobody is asked.
        confirm: Told the plan, says whether to go on.
        allow: Codes of the blocking hazards that a protected environment is to suffer; None when
            the caller has looked at its hazards already.
        keep: Says where the environment's branch is; before a contract of a change that was
            expanded earlier, what the branch is then is kept there, for `limbeck.undo`.
        wait: Seconds to wait for another migrator.
        progress: Tell how far the building of an index is.
        listen: Told of each revision.

    Raises:
        NotConfirmedError: confirm said no; nothing was done.
        CheckFailedError: it is protected, and a blocking hazard is not allowed; nothing was done.
        LockNotAcquiredError: another migrator did not finish in time.
        MigrationError: a revision failed, or what was planned is not so any more.
        HookError: a hook raised something; what was finished before it stays.
        MigrationInterruptedError: Ctrl-C; what was finished before it stays.
        DatabaseError: the database is read-only.

    """
    if not plan.revisions:
        return _report(plan, plan.current, ())
    if plan.protected and not plan.downgrade and allow is not None:
        hazards.refuse(hazards.look(plan, listen), allow)
    if not confirm(plan):
        raise NotConfirmedError(
            f"not confirmed: {plan.environment} is as it was", hint="Answer yes, or give --yes."
        )
    if keep is not None:
        kept(plan, keep, listen)
    with (
        failure_told(plan, listen),
        _getting_ready(),
        connect(plan.database, application_name=_name(plan), listen=listen) as connection,
    ):
        _refuse_read_only(connection, plan)
        with migration_lock(connection, wait=wait, listen=listen):
            return _apply(connection, plan, _terms(plan, progress=progress), listen)


def _apply(connection: Connection, plan: Plan, terms: Terms, listen: Listener) -> Report:
    found = state.read(connection)
    current = found.recorded
    if current != plan.current or _ran_late(plan, found.ledger):
        return _overtaken(plan, current)
    todo = revisions(plan)
    if fingerprint(plan.destination, current, todo) != plan.fingerprint:
        raise MigrationError(
            "a revision file was changed after the plan was made; nothing was done",
            hint="Look at the new plan: run the same command again.",
        )
    _refuse_closed(connection, plan, todo, listen)
    done: list[Applied] = []
    begun = time.monotonic()
    with accounted(plan, done):
        ids = tuple(one.id for one in todo)
        listen(RunStarted(*_where(plan), current, plan.target, ids, plan.downgrade))
        plan.hooks.call("before_run", plan)
        note = _noting(plan, done, listen)
        at = running.run(
            plan.history,
            connection,
            todo,
            downgrade=plan.downgrade,
            terms=terms,
            state=found,
            listen=note,
        )
        report = replace(_report(plan, at, tuple(done)), tables=outline.read(connection))
        plan.hooks.call("after_run", plan, report)
    ids = tuple(one.id for one in done)
    passed = time.monotonic() - begun
    listen(RunFinished(*_where(plan), report.current, ids, passed, plan.downgrade))
    return report


def _refuse_closed(
    connection: Connection, plan: Plan, todo: Sequence[Revision], listen: Listener
) -> None:
    """Ask again, with the lock held, whether the contract revisions may run."""
    if plan.gate is None or plan.downgrade:
        return
    if waiting := gate.passed(plan.history, connection, todo, plan.gate, listen).waiting:
        raise MigrationError(
            f"{plan.environment}: {waiting[0].change}: {waiting[0].reason}; nothing was done",
            hint=waiting[0].hint,
        )


@contextmanager
def _getting_ready() -> Iterator[None]:
    """Import what runs revisions while the server is being connected to."""
    work = threading.Thread(target=importlib.import_module, args=("limbeck.engine.runner",))
    work.start()
    try:
        yield
    finally:
        work.join()


def _ran_late(plan: Plan, found: Ledger) -> bool:
    """Tell whether others ran what came late; that does not move the current revision."""
    if not any(one.late for one in plan.revisions):
        return False
    applied = found.applied()
    return all(one.id in applied for one in plan.revisions if one.late)


def _terms(plan: Plan, *, progress: bool) -> Terms:
    database = plan.database
    return Terms(
        patience=seconds(database.lock_budget),
        lock_timeout=database.lock_timeout,
        transaction_timeout=database.transaction_timeout,
        watch=database,
        progress=progress,
        sql=plan.revisions[0].words.known,
    )


def _name(plan: Plan) -> str:
    """What others read who wait for us, at most as long as Postgres keeps it."""
    with suppress(KeyError, OSError):
        return f"limbeck {plan.environment} {getpass.getuser()}@{platform.node()}"[:_LONGEST_NAME]
    return "limbeck"


def _overtaken(plan: Plan, current: tuple[str, ...]) -> Report:
    if current == plan.target:
        return _report(plan, current, (), elsewhere=True)
    raise MigrationError(
        f"{plan.environment} moved from {', '.join(plan.current) or 'base'} to "
        f"{', '.join(current) or 'base'} after the plan was made; nothing was done",
        hint="Look at the new plan: run the same command again.",
    )


def _where(plan: Plan) -> tuple[str, str]:
    return plan.environment, plan.destination


def _noting(plan: Plan, done: list[Applied], listen: Listener) -> Listener:
    """Keep what was applied, and call the hooks of each revision."""
    planned = {one.id: one for one in plan.revisions}

    def note(event: Event) -> None:
        if isinstance(event, RevisionFinished):
            done.append(Applied(event.revision, event.message, event.seconds))
        listen(event)
        if isinstance(event, RevisionStarted):
            plan.hooks.call("before_revision", plan, planned[event.revision])
        elif isinstance(event, RevisionFinished):
            plan.hooks.call("after_revision", plan, done[-1])

    return note


def _refuse_read_only(connection: Connection, plan: Plan) -> None:
    read_only, replica = _standing_of(connection)
    if read_only:
        raise DatabaseError(
            f"{plan.environment} ({plan.destination}) is read-only; nothing was done",
            hint="It is a replica: use the URL of the primary."
            if replica
            else "Is default_transaction_read_only set for the database or the role?",
        )


def _standing_of(connection: Connection) -> tuple[bool, bool]:
    """Tell whether it can only be read, and whether it is a replica; from 14 on servers say so."""
    said = [
        connection.info.parameter_status(name)
        for name in ("default_transaction_read_only", "in_hot_standby")
    ]
    if None not in said:
        return "on" in said, said[1] == "on"
    row = connection.execute(
        "SELECT current_setting('transaction_read_only') = 'on', pg_is_in_recovery()"
    ).fetchone()
    return (bool(row[0]), bool(row[1])) if row else (False, False)


def _report(
    plan: Plan,
    current: tuple[str, ...],
    applied: tuple[Applied, ...],
    *,
    elsewhere: bool = False,
) -> Report:
    where = (plan.environment, plan.destination)
    return Report(*where, current, applied, plan.downgrade, elsewhere, waiting=plan.waiting)
