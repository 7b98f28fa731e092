"""Carry out a plan, once it is confirmed, under the migration lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from limbeck.database import Connection, connect, migration_lock
from limbeck.errors import (
    DatabaseError,
    MigrationError,
    MigrationInterruptedError,
    NotConfirmedError,
)
from limbeck.events import Event, Listener, RevisionFinished, ignore
from limbeck.migrate.planning import Plan, fingerprint, revisions

WAIT = 60.0

Confirm: TypeAlias = Callable[[Plan], bool]
"""Told the plan, says whether to go on."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision that ran, and how long it took."""

    id: str
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, and where the database is now.

    `elsewhere` says that another migrator had done the work when the lock was ours.
    """

    environment: str
    destination: str
    current: tuple[str, ...]
    applied: tuple[Applied, ...]
    downgrade: bool = False
    elsewhere: bool = False


def apply(
    plan: Plan,
    *,
    confirm: Confirm,
    wait: float = WAIT,
    listen: Listener = ignore,
) -> Report:
    """Carry out a plan under the migration lock, each revision in a transaction of its own.

    Args:
        plan: What was planned; with nothing to do, nobody is asked.
        confirm: Told the plan, says whether to go on.
        wait: Seconds to wait for another migrator.
        listen: Told of each revision.

    Raises:
        NotConfirmedError: confirm said no; nothing was done.
        LockNotAcquiredError: another migrator did not finish in time.
        MigrationError: a revision failed, or what was planned is not so any more.
        MigrationInterruptedError: Ctrl-C; what was finished before it stays.
        DatabaseError: the database is read-only.

    """
    if not plan.revisions:
        return _report(plan, plan.current, ())
    if not confirm(plan):
        raise NotConfirmedError(
            f"not confirmed: {plan.environment} is as it was", hint="Answer yes, or give --yes."
        )
    with connect(plan.database, listen=listen) as connection:
        _refuse_read_only(connection, plan)
        with migration_lock(connection, wait=wait, listen=listen):
            return _apply(connection, plan, listen)


def _apply(connection: Connection, plan: Plan, listen: Listener) -> Report:
    current = plan.history.recorded(connection)
    if current != plan.current:
        return _overtaken(plan, current)
    todo = revisions(plan)
    if fingerprint(plan.destination, current, todo) != plan.fingerprint:
        raise MigrationError(
            "a revision file was changed after the plan was made; nothing was done",
            hint="Look at the new plan: run the same command again.",
        )
    done: list[Applied] = []
    with _accounted(plan, done):
        plan.history.run(connection, todo, downgrade=plan.downgrade, listen=_noting(done, listen))
    return _report(plan, plan.history.recorded(connection), tuple(done))


def _overtaken(plan: Plan, current: tuple[str, ...]) -> Report:
    if current == plan.target:
        return _report(plan, current, (), elsewhere=True)
    raise MigrationError(
        f"{plan.environment} moved from {', '.join(plan.current) or 'base'} to "
        f"{', '.join(current) or 'base'} after the plan was made; nothing was done",
        hint="Look at the new plan: run the same command again.",
    )


@contextmanager
def _accounted(plan: Plan, done: Sequence[Applied]) -> Iterator[None]:
    """Say after a failure what is in the database, what is not, and how to go on."""
    try:
        yield
    except MigrationError as error:
        raise MigrationError(
            f"{error.message}\n{_standing(plan, done)}", hint=error.hint
        ) from error
    except KeyboardInterrupt as error:
        raise MigrationInterruptedError(
            f"interrupted; {_rolled_back(plan, done)}\n{_standing(plan, done)}",
            hint="To go on, run the same command again.",
        ) from error


def _rolled_back(plan: Plan, done: Sequence[Applied]) -> str:
    running = plan.revisions[len(done) : len(done) + 1]
    if any("autocommit_block" in one.path.read_text(encoding="utf-8") for one in running):
        return "the revision that ran was rolled back, but for what its autocommit block had done"
    return "the revision that ran was rolled back"


def _standing(plan: Plan, done: Sequence[Applied]) -> str:
    verb = "taken back" if plan.downgrade else "applied"
    left = plan.revisions[len(done) :]
    have = ", ".join(f"{one.id} ({one.message})" for one in done) or "nothing"
    rest = ", ".join(f"{one.id} ({one.message})" for one in left)
    return f"{plan.environment}: {verb}: {have}; not {verb}: {rest}"


def _noting(done: list[Applied], listen: Listener) -> Listener:
    def note(event: Event) -> None:
        if isinstance(event, RevisionFinished):
            done.append(Applied(event.revision, event.message, event.seconds))
        listen(event)

    return note


def _refuse_read_only(connection: Connection, plan: Plan) -> None:
    row = connection.execute(
        "SELECT current_setting('transaction_read_only'), pg_is_in_recovery()"
    ).fetchone()
    if row and row[0] == "on":
        raise DatabaseError(
            f"{plan.environment} ({plan.destination}) is read-only; nothing was done",
            hint="It is a replica: use the URL of the primary."
            if row[1]
            else "Is default_transaction_read_only set for the database or the role?",
        )


def _report(
    plan: Plan,
    current: tuple[str, ...],
    applied: tuple[Applied, ...],
    *,
    elsewhere: bool = False,
) -> Report:
    return Report(plan.environment, plan.destination, current, applied, plan.downgrade, elsewhere)
