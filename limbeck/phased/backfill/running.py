"""Carry out a plan: workers go through each table, then no row may be wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import psycopg

from limbeck.errors import (
    CheckFailedError,
    DatabaseError,
    MigrationInterruptedError,
    NotConfirmedError,
)
from limbeck.events import Listener, StageStarted
from limbeck.logs import log
from limbeck.phased.backfill import state
from limbeck.phased.backfill.batch import batch
from limbeck.phased.backfill.function import load
from limbeck.phased.backfill.meter import Meter
from limbeck.phased.backfill.pieces import Piece, by_blocks, pieces, ranges
from limbeck.phased.backfill.planning import Plan, Task
from limbeck.phased.backfill.verifying import wrong
from limbeck.phased.backfill.worker import Work, work
from limbeck.postgres.connect import Connection, connect

BATCH_TIME: Final = 0.05
"""Seconds: for so long a write of the application may have to wait for a batch."""
MAX_LAG: Final = 10.0
"""Seconds: a replica that is further behind is waited for."""
_PASSES: Final = 3
_TOLD: Final = 0.25  # seconds between two events about the progress

Confirm: TypeAlias = Callable[[Plan], bool]
"""Told the plan, says whether to go on."""


@dataclass(frozen=True, slots=True)
class _Manner:
    """How the work is done: by how many, seconds a batch, of a replica's lag, and who is told."""

    workers: int
    batch_time: float
    max_lag: float
    listen: Listener


@dataclass(frozen=True, slots=True)
class Filled:
    """One backfill that is verified: rows changed by this run, passes over the table, seconds."""

    change: str
    table: str
    changed: int
    passes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was filled in."""

    environment: str
    destination: str
    filled: tuple[Filled, ...]


def run(  # noqa: PLR0913 - what, who agrees, by how many and how gently, who is told
    plan: Plan,
    *,
    confirm: Confirm,
    workers: int = 1,
    batch_time: float = BATCH_TIME,
    max_lag: float = MAX_LAG,
    listen: Listener = log,
) -> Report:
    """Fill in what a plan says, in batches, each committed with its position.

    Whatever ends it, the next run goes on where it stopped. Several may run at once.

    Args:
        plan: What was planned; with nothing to do, nobody is asked.
        confirm: Told the plan, says whether to go on.
        workers: Connections that work at the same time.
        batch_time: Seconds that a batch should take.
        max_lag: Seconds that a replica may be behind before it is waited for.
        listen: Told how far it is; from several threads, but never at the same time.

    Raises:
        NotConfirmedError: confirm said no; nothing was done.
        CheckFailedError: rows are not right after several passes.
        DatabaseError: Postgres refused something; what was done stays.
        MigrationInterruptedError: Ctrl-C; what was done stays.

    """
    if plan.tasks and not confirm(plan):
        raise NotConfirmedError(
            f"not confirmed: {plan.environment} is as it was", hint="Answer yes, or give --yes."
        )
    manner = _Manner(workers, batch_time, max_lag, listen)
    filled = [_fill(plan, task, manner) for task in plan.tasks]
    return Report(plan.environment, plan.destination, tuple(filled))


def _fill(plan: Plan, task: Task, manner: _Manner) -> Filled:
    began, changed, listen = time.monotonic(), 0, manner.listen
    with _explained(task), connect(plan.database, listen=listen) as connection:
        state.prepare(connection)
        for number in range(1, _PASSES + 1):
            backfill = _begun(connection, task, again=number > 1)
            changed += _pass(connection, plan, task, backfill, manner)
            listen(StageStarted(f"verifying {task.backfill.table}"))
            left = wrong(connection, task.backfill)
            if not left:
                state.verify(connection, backfill)
                took = time.monotonic() - began
                return Filled(task.change, task.backfill.table, changed, number, took)
    raise CheckFailedError(
        f"{task}: {left} rows are not right after {_PASSES} passes",
        hint=f"See which: SELECT * FROM {task.backfill.table} WHERE {task.backfill.where}",
    )


def _begun(connection: Connection, task: Task, *, again: bool) -> int:
    """Return the id of the task's state; cut the table into ranges where a pass begins."""
    with connection.transaction():
        id_, fresh = state.claim(connection, task.change, task.number, task.definition)
        if fresh or again:
            found = pieces(connection, task.backfill.table)
            cut = [one for piece in found for one in ranges(connection, piece)]
            state.lay_out(connection, id_, cut)
    return id_


def _pass(connection: Connection, plan: Plan, task: Task, backfill: int, manner: _Manner) -> int:
    """Go once through what is left; return how many rows were changed."""
    known = state.read(connection)[task.change, task.number]
    meter = Meter(task.backfill.table, known.estimate, known.scanned, manner.listen)
    shared = Work(
        task=task,
        backfill=backfill,
        database=plan.database,
        pieces=[(one, batch(one, task.backfill)) for one in _open(connection, task, backfill)],
        target=manner.batch_time,
        max_lag=manner.max_lag,
        meter=meter,
        function=load(plan.project, task) if task.backfill.python else None,
    )
    threads = [
        threading.Thread(target=work, args=(shared,), name=f"limbeck-backfill-{n}", daemon=True)
        for n in range(manner.workers)
    ]
    for thread in threads:
        thread.start()
    _await(threads, shared)
    meter.progress()
    if shared.error:
        raise shared.error
    return meter.changed


def _await(threads: list[threading.Thread], shared: Work) -> None:
    try:
        while alive := [one for one in threads if one.is_alive()]:
            alive[0].join(_TOLD)
            shared.meter.progress()
    except KeyboardInterrupt as error:
        shared.stop.set()
        for thread in threads:
            thread.join()
        raise MigrationInterruptedError(
            f"interrupted; {shared.meter.changed} rows of {shared.task} were changed and stay",
            hint="To go on, run the same command again.",
        ) from error


def _open(connection: Connection, task: Task, backfill: int) -> Iterator[Piece]:
    """Yield the pieces with ranges that are not done, each with the key that it was cut by."""
    there = {one.name: one for one in pieces(connection, task.backfill.table)}
    for name, key in state.pieces(connection, backfill):
        if name in there:
            yield there[name] if key else by_blocks(there[name])
        else:
            state.forget(connection, backfill, name)


@contextmanager
def _explained(task: Task) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"{task}: {_words(error)}",
            hint="The role has to own the tables, and may create the schema limbeck_state.",
        ) from error
    except psycopg.Error as error:
        raise DatabaseError(
            f"{task}: {_words(error)}",
            hint="What was done stays; the same command goes on where it stopped.",
        ) from error


def _words(error: psycopg.Error) -> str:
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return f"{error.diag.message_primary or error}{detail}"
