"""Estimates the rows and the time of a plan, from samples whose changes are rolled back."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
from psycopg.types.json import JsonbDumper

from limbeck.dataclass import dataclass
from limbeck.errors import DatabaseError
from limbeck.events import Listener
from limbeck.logs import log
from limbeck.phased.backfill.batch import assignments, batch
from limbeck.phased.backfill.function import load, values
from limbeck.phased.backfill.pieces import Piece, pieces
from limbeck.phased.backfill.planning import Plan, Task
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.row_security import is_hidden
from limbeck.schema.sql.quoting import percent_escaped

_SAMPLE: Final = 1000  # rows that are updated and rolled back
_CTID: Final = "ctid"  # a system column: no user column can have this name
_SEEN: Final = 200  # blocks that are sampled to count wrong rows


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated `rows` of one backfill's table, and how many of them are `wrong`.

    `seconds` is the time of one worker on an idle server; None if no row is wrong.
    """

    task: Task
    rows: int
    wrong: int
    seconds: float | None


def estimate(plan: Plan, *, listen: Listener = log) -> tuple[Estimate, ...]:
    """Return an estimate for each backfill of a plan; sample updates are rolled back.

    Raises:
        DatabaseError: Postgres refused the sample.

    """
    estimates = []
    with connect(plan.database, listen=listen) as connection:
        connection.adapters.register_dumper(dict, JsonbDumper)  # as the workers do
        for task in plan.tasks:
            try:
                estimates.append(_estimate(plan, task, connection))
            except psycopg.Error as error:
                if is_hidden(error):
                    raise  # `connect` gives it a hint
                raise DatabaseError(f"{task}: {error.diag.message_primary or error}") from error
    return tuple(estimates)


def _estimate(plan: Plan, task: Task, connection: Connection) -> Estimate:
    filled = [piece for piece in pieces(connection, task.backfill.table) if piece.blocks]
    counted = [_counted(connection, piece, task) for piece in filled]
    rows, wrong = (sum(each) for each in zip(*counted, strict=True)) if counted else (0, 0)
    rate = None
    for (_, some), piece in zip(counted, filled, strict=True):
        if some and rate is None:
            rate = _rate(plan, task, connection, piece)
    return Estimate(task, rows, wrong, wrong / rate if rate else None)


def _counted(connection: Connection, piece: Piece, task: Task) -> tuple[int, int]:
    """Return the rows of a piece and the wrong ones among them, from a sample of its blocks."""
    percent = min(100.0, 100.0 * _SEEN / piece.blocks)
    row = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {task.backfill.where}) FROM ONLY {piece.name}"
        f" AS {piece.alias} TABLESAMPLE SYSTEM ({percent:.6f})".encode()
    ).fetchone()
    seen, wrong = (int(str(each)) for each in row) if row else (0, 0)
    rows = round(seen * 100 / percent)
    return rows, round(rows * wrong / seen) if seen else 0


def _rate(plan: Plan, task: Task, connection: Connection, piece: Piece) -> float | None:
    """Return the rows updated per second, without the first tenth, which warms the caches."""
    wrong = f"FROM ONLY {piece.name} AS {piece.alias} WHERE {task.backfill.where} LIMIT {_SAMPLE}"
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '100ms'")
        cursor.execute(
            f"SELECT {piece.alias}.*, {piece.alias}.ctid::text {wrong}"
            " FOR NO KEY UPDATE SKIP LOCKED".encode()
        )
        rows, names = cursor.fetchall(), [column.name for column in cursor.description or ()][:-1]
        sample = [dict(zip([*names, _CTID], row, strict=True)) for row in rows]
        change = _by_function if task.backfill.python else _by_sql
        warm = len(sample) // 10
        change(plan, task, cursor, piece, sample[:warm])
        began = time.monotonic()
        change(plan, task, cursor, piece, sample[warm:])
        took = time.monotonic() - began
    return (len(sample) - warm) / took if sample else None


def _by_sql(
    _: Plan, task: Task, cursor: psycopg.Cursor[Any], piece: Piece, rows: list[dict[str, Any]]
) -> None:
    table = f"{piece.name} AS {piece.alias}"
    statement = (
        f"UPDATE ONLY {percent_escaped(table)} SET {assignments(task.backfill)}"
        " WHERE ctid = ANY (%s::tid[])"
    )
    cursor.execute(statement.encode(), [[row[_CTID] for row in rows]])


def _by_function(
    plan: Plan, task: Task, cursor: psycopg.Cursor[Any], piece: Piece, rows: list[dict[str, Any]]
) -> None:
    function = load(plan.project, task)
    new = [
        [*values(function, task, {k: v for k, v in row.items() if k != _CTID}, "a row"), row[_CTID]]
        for row in rows
    ]
    cursor.executemany(batch(piece, task.backfill).write.encode(), new)
