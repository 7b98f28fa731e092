"""A worker of a backfill: claims ranges that no other worker has, and runs them in batches."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import field, replace
from typing import Any, Final

import psycopg
from psycopg.types.json import JsonbDumper

from limbeck.dataclass import dataclass
from limbeck.errors import DatabaseError
from limbeck.events import BackfillThrottled, BatchNotObtained, ignore
from limbeck.phased.backfill.batch import Batch
from limbeck.phased.backfill.function import Function, values
from limbeck.phased.backfill.meter import Meter
from limbeck.phased.backfill.pace import Load, Pace
from limbeck.phased.backfill.pieces import Piece
from limbeck.phased.backfill.planning import Task
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.duration import seconds
from limbeck.postgres.watching import Watcher

_WAIT: Final = 0.05  # seconds between two checks whether other workers have finished
_WATCHED: Final = 2  # failed attempts after which the blocking sessions are looked up
_LONGEST_PAUSE: Final = 2.0  # seconds

# enable_seqscan: the planner cannot estimate the rows between two keys that it reads from a CTE,
# and might scan the table for each batch. synchronous_commit: a commit that is lost in a crash
# loses the position, too, so no batch needs to wait for the disk. The rest makes keys that are
# read as text valid as literals of their types.
_SETTINGS: Final = {
    "enable_seqscan": "off",
    "jit": "off",
    "synchronous_commit": "off",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}


@dataclass(slots=True)
class Shared:
    """The state that all workers of one task share.

    `target` is the time of a batch and `max_lag` the permitted lag of a replica, both in seconds.
    """

    task: Task
    backfill: int
    database: Database
    pieces: Sequence[tuple[Piece, Batch]]
    target: float
    max_lag: float
    meter: Meter
    function: Function | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        """Record an error, unless there is one already, and stop all workers."""
        self.error = self.error or error
        self.stop.set()


def run_worker(shared: Shared) -> None:
    """Run batches until none is left or the run is stopped; the target of a thread."""
    worker = _Worker(shared)
    try:
        worker.run()
    except BaseException as error:  # noqa: BLE001 - raised again where the workers are joined
        shared.fail(error)
    finally:
        if worker.watcher:
            worker.watcher.close()


class _Worker:
    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.pace = Pace(shared.target)
        self.load = Load()
        self.mine: int | None = None
        self.avoid: int | None = None
        self.attempts = 0
        self.progressed = time.monotonic()
        self.watcher: Watcher | None = None

    def run(self) -> None:
        while not self.shared.stop.is_set():
            try:
                name = _name(self.shared)
                with connect(self.shared.database, application_name=name) as connection:
                    _configure(connection, self.shared)
                    if self._all(connection):
                        return
            except psycopg.OperationalError as error:
                # The connection broke. Each committed batch has its position with it.
                if not _is_gone(error) or self._is_too_late():
                    raise

    def _all(self, connection: Connection) -> bool:
        """Run the batches of all pieces; return whether all are done, by any worker."""
        while not self.shared.stop.is_set():
            for piece, batch in self.shared.pieces:
                while not self.shared.stop.is_set() and self._next(connection, piece, batch):
                    pass
            if not _left(connection, self.shared.backfill):
                return True
            self.shared.stop.wait(_WAIT)
        return True

    def _next(self, connection: Connection, piece: Piece, batch: Batch) -> bool:
        """Run a batch; return whether a range was left to take it from."""
        parameters = {
            "backfill": self.shared.backfill,
            "piece": piece.name,
            "mine": self.mine or -1,
            "avoid": self.avoid or -1,
            "size": self.pace.size,
        }
        began = time.monotonic()
        try:
            with self._watched(connection):
                outcome = self._carry_out(connection, piece, batch, parameters)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            self._again(connection, batch, parameters, error)
            return True
        if outcome is None:
            return False
        self.mine, changed, seen = outcome
        self.shared.meter.add(seen, changed)
        self._rest(connection, time.monotonic() - began)
        return True

    def _carry_out(
        self, connection: Connection, piece: Piece, batch: Batch, parameters: dict[str, Any]
    ) -> tuple[int, int, int] | None:
        if self.shared.function is not None:
            return self._by_function(connection, piece, batch, parameters)
        row: Any = connection.execute(batch.update.encode(), parameters).fetchone()
        return tuple(row) if row else None

    def _by_function(
        self, connection: Connection, piece: Piece, batch: Batch, parameters: dict[str, Any]
    ) -> tuple[int, int, int] | None:
        task, function = self.shared.task, self.shared.function
        with connection.transaction(), connection.cursor() as cursor:
            claimed: Any = cursor.execute(batch.claim.encode(), parameters).fetchone()
            if claimed is None or function is None:
                return None
            mine, low, above, following, seen = claimed
            cursor.execute(batch.rows.encode(), {"low": low, "above": above})
            names = [column.name for column in cursor.description or ()][:-1]
            new = []
            for *fields, ctid in cursor.fetchall():
                row = dict(zip(names, fields, strict=True))
                new.append([*values(function, task, row, _place(piece, row)), ctid])
            cursor.executemany(batch.write.encode(), new)
            moved = {"mine": mine, "next": following, "changed": len(new), "seen": seen}
            cursor.execute(batch.move.encode(), moved)
        return mine, len(new), seen

    def _rest(self, connection: Connection, took: float) -> None:
        self.attempts, self.avoid, self.progressed = 0, None, time.monotonic()
        self.pace.took(took)
        self.load.look(connection)
        self.shared.stop.wait(self.load.rest(took))
        reported = False
        while self.load.lag > self.shared.max_lag and not self.shared.stop.is_set():
            if not reported:
                self.shared.meter.tell(
                    BackfillThrottled(self.shared.task.backfill.table, self.load.lag)
                )
                reported = True
            self.shared.stop.wait(1.0)
            self.load.look(connection)
            self.progressed = time.monotonic()

    def _again(
        self, connection: Connection, batch: Batch, parameters: dict[str, Any], error: Exception
    ) -> None:
        """Pause after a batch that could not acquire its locks; then try another range first."""
        blockers = self.watcher.blockers if self.watcher else ()
        if self._is_too_late():
            names = "; ".join(map(str, blockers)) or "an unknown session"
            raise DatabaseError(
                f"{self.shared.task}: rows stayed locked for {self.shared.database.lock_budget}, "
                f"by {names}",
                hint="Run the same command again when that session has ended: it continues.",
            ) from error
        claimed: Any = connection.execute(batch.claim.encode(), parameters).fetchone()
        self.avoid = claimed[0] if claimed else None
        self.attempts += 1
        self.pace.failed()
        # Random, so that workers that met at one row do not meet again.
        pause = min(_LONGEST_PAUSE, self.shared.target * 2**self.attempts) * random.uniform(0.5, 1)  # noqa: S311
        table = self.shared.task.backfill.table
        self.shared.meter.tell(BatchNotObtained(table, self.attempts, pause, blockers))
        self.shared.stop.wait(pause)

    def _is_too_late(self) -> bool:
        budget = seconds(self.shared.database.lock_budget)
        return time.monotonic() - self.progressed > budget

    def _watched(self, connection: Connection) -> Any:
        if self.attempts < _WATCHED:
            return nullcontext()
        if self.watcher is None:
            pid = connection.info.backend_pid
            brief = replace(self.shared.database, lock_timeout=_milliseconds(self.shared))
            self.watcher = Watcher(brief, pid, ignore)
        return self.watcher.waiting()


def _configure(connection: Connection, shared: Shared) -> None:
    settings = {**_SETTINGS, "lock_timeout": _milliseconds(shared)}
    connection.execute(
        "SELECT set_config(key, value, false) FROM jsonb_each_text(%s::jsonb)",
        [psycopg.types.json.Json(settings)],
    )
    connection.adapters.register_dumper(dict, JsonbDumper)


def _milliseconds(shared: Shared) -> str:
    return f"{max(1, round(shared.target * 1000))}ms"


def _name(shared: Shared) -> str:
    return f"limbeck backfill {shared.task.change}"[:63]


def _left(connection: Connection, backfill: int) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM limbeck_state.backfill_range WHERE backfill = %s AND NOT done)",
        [backfill],
    ).fetchone()
    return bool(row and row[0])


def _is_gone(error: psycopg.Error) -> bool:
    """Return whether the connection broke: SQLSTATE class 08 or 57, or none, from libpq itself."""
    return error.sqlstate is None or error.sqlstate[:2] in {"08", "57"}


def _place(piece: Piece, row: dict[str, Any]) -> str:
    return ", ".join(f"{column} = {row[column]!r}" for column in piece.columns) or piece.name
