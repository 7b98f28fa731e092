"""Runs a backfill plan: workers update each table in batches, then every row is verified."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import psycopg

from limbeck.dataclass import dataclass
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
from limbeck.phased.backfill.worker import Shared, run_worker
from limbeck.plurals import counted
from limbeck.postgres.connect import Connection, connect

BATCH_TIME: Final = 0.05
"""Seconds of a batch, and so the longest time that a write of the application waits for one."""
MAX_LAG: Final = 10.0
"""Seconds that a replica may lag behind before the backfill pauses."""
# The triggers keep written rows right, so a second pass is rare. If the assignments do not make
# `where` false, no number of passes helps.
_PASSES: Final = 3
_EVERY: Final = 0.25  # seconds between two progress events

Confirm: TypeAlias = Callable[[Plan], bool]
"""Takes the plan; returns whether to run it."""


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of a run: number of workers, limits in seconds, and the listener."""

    workers: int
    batch_time: float
    max_lag: float
    listen: Listener


@dataclass(frozen=True, slots=True)
class Filled:
    """One verified backfill: rows changed by this run, passes over the table, seconds."""

    change: str
    table: str
    changed: int
    passes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The backfills that a run has verified."""

    environment: str
    destination: str
    filled: tuple[Filled, ...]


def run(  # noqa: PLR0913 - a plan, its confirmation, three limits, a listener
    plan: Plan,
    *,
    confirm: Confirm,
    workers: int = 1,
    batch_time: float = BATCH_TIME,
    max_lag: float = MAX_LAG,
    listen: Listener = log,
) -> Report:
    """Run a backfill plan in batches, each committed with its position, and verify every row.

    After any interruption the next run continues where this one stopped. Several processes may
    run the same plan at once.

    Args:
        plan: The plan; without tasks, `confirm` is not called.
        confirm: Returns whether to run the plan.
        workers: Number of parallel connections.
        batch_time: Seconds that a batch should take.
        max_lag: Seconds that a replica may lag behind before the backfill pauses.
        listen: Receives progress events; from several threads, but one at a time.

    Raises:
        NotConfirmedError: `confirm` returned False; nothing was changed.
        CheckFailedError: rows are still wrong after several passes.
        DatabaseError: Postgres refused a statement; committed batches stay.
        MigrationInterruptedError: Ctrl-C; committed batches stay.

    """
    if plan.tasks and not confirm(plan):
        answer = f"Type {plan.environment}" if plan.protected else "Answer yes"
        raise NotConfirmedError(
            f"not confirmed: {plan.environment} is unchanged", hint=f"{answer}, or add --yes."
        )
    options = _Options(workers, batch_time, max_lag, listen)
    filled = [_fill(plan, task, options) for task in plan.tasks]
    return Report(plan.environment, plan.destination, tuple(filled))


def _fill(plan: Plan, task: Task, options: _Options) -> Filled:
    began, changed, listen = time.monotonic(), 0, options.listen
    with _explained(task), connect(plan.database, listen=listen) as connection:
        state.prepare(connection)
        for number in range(1, _PASSES + 1):
            backfill = _started(connection, task, again=number > 1)
            changed += _pass(connection, plan, task, backfill, options)
            listen(StageStarted(f"verifying {task.backfill.table}"))
            left = wrong(connection, task.backfill)
            if not left:
                state.verify(connection, backfill)
                took = time.monotonic() - began
                return Filled(task.change, task.backfill.table, changed, number, took)
    raise CheckFailedError(
        f"{task}: {counted(left, 'row')} still wrong after {_PASSES} passes",
        hint=f"List them: SELECT * FROM {task.backfill.table} WHERE {task.backfill.where}",
    )


def _started(connection: Connection, task: Task, *, again: bool) -> int:
    """Return the id of the task's state; cut the table into ranges if a new pass begins."""
    with connection.transaction():
        id_, fresh = state.claim(connection, task.change, task.number, task.definition)
        if fresh or again:
            tables = pieces(connection, task.backfill.table)
            cut = [part for piece in tables for part in ranges(connection, piece)]
            state.lay_out(connection, id_, cut)
    return id_


def _pass(connection: Connection, plan: Plan, task: Task, backfill: int, options: _Options) -> int:
    """Run the remaining ranges once; return how many rows were changed."""
    known = state.read(connection)[task.change, task.number]
    meter = Meter(task.backfill.table, known.estimate, known.scanned, options.listen)
    shared = Shared(
        task=task,
        backfill=backfill,
        database=plan.database,
        pieces=[(each, batch(each, task.backfill)) for each in _open(connection, task, backfill)],
        target=options.batch_time,
        max_lag=options.max_lag,
        meter=meter,
        function=load(plan.project, task) if task.backfill.python else None,
    )
    threads = [
        threading.Thread(
            target=run_worker, args=(shared,), name=f"limbeck-backfill-{n}", daemon=True
        )
        for n in range(options.workers)
    ]
    for thread in threads:
        thread.start()
    _await(threads, shared)
    if shared.error:
        meter.progress()
        raise shared.error
    meter.end()
    return meter.changed


def _await(threads: list[threading.Thread], shared: Shared) -> None:
    try:
        while alive := [thread for thread in threads if thread.is_alive()]:
            alive[0].join(_EVERY)
            shared.meter.progress()
    except KeyboardInterrupt as error:
        shared.stop.set()
        for thread in threads:
            thread.join()
        rows = counted(shared.meter.changed, "row")
        raise MigrationInterruptedError(
            f"interrupted; the changes to {rows} of {shared.task} stay",
            hint="Run the same command again to continue.",
        ) from error


def _open(connection: Connection, task: Task, backfill: int) -> Iterator[Piece]:
    """Yield the pieces with unfinished ranges, each with the key by which it was cut."""
    there = {piece.name: piece for piece in pieces(connection, task.backfill.table)}
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
            hint="Connect as a role that owns the tables and may create the schema limbeck_state.",
        ) from error
    except psycopg.Error as error:
        raise DatabaseError(
            f"{task}: {_words(error)}",
            hint="Run the same command again: it continues after the last committed batch.",
        ) from error


def _words(error: psycopg.Error) -> str:
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return f"{error.diag.message_primary or error}{detail}"
