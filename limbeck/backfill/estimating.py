"""What a plan would take: from the statistics, and from a sample that is rolled back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import psycopg

from limbeck.backfill.batch import escaped
from limbeck.backfill.function import load, values
from limbeck.backfill.pieces import Piece, pieces
from limbeck.backfill.plan import Plan, Task
from limbeck.catalog.names import quote
from limbeck.database import Connection, connect
from limbeck.errors import DatabaseError
from limbeck.events import Listener
from limbeck.logs import log

_SAMPLE: Final = 1000  # rows that are changed and rolled back
_SEEN: Final = 200  # blocks that are read to see how many rows are wrong


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one backfill would take: `rows` of the table, those of them that are `wrong`.

    `seconds` is for one worker on a server that does nothing else; None where no row is wrong.
    """

    task: Task
    rows: int
    wrong: int
    seconds: float | None


def estimate(plan: Plan, *, listen: Listener = log) -> tuple[Estimate, ...]:
    """Estimate each backfill of a plan; what is tried on some rows is rolled back.

    Raises:
        DatabaseError: Postgres refused the sample.

    """
    found = []
    with connect(plan.database, listen=listen) as connection:
        for task in plan.tasks:
            try:
                found.append(_estimate(plan, task, connection))
            except psycopg.Error as error:
                raise DatabaseError(f"{task}: {error.diag.message_primary or error}") from error
    return tuple(found)


def _estimate(plan: Plan, task: Task, connection: Connection) -> Estimate:
    there = [one for one in pieces(connection, task.backfill.table) if one.blocks]
    counted = [_counted(connection, one, task) for one in there]
    rows, wrong = (sum(each) for each in zip(*counted, strict=True)) if counted else (0, 0)
    rate = None
    for (_, some), piece in zip(counted, there, strict=True):
        if some and rate is None:
            rate = _rate(plan, task, connection, piece)
    return Estimate(task, rows, wrong, wrong / rate if rate else None)


def _counted(connection: Connection, piece: Piece, task: Task) -> tuple[int, int]:
    """Return how many rows a piece has, and how many are wrong, from some of its blocks."""
    percent = min(100.0, 100.0 * _SEEN / piece.blocks)
    row = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {task.backfill.where}) FROM ONLY {piece.name}"
        f" AS {piece.alias} TABLESAMPLE SYSTEM ({percent:.6f})".encode()
    ).fetchone()
    seen, wrong = (int(str(each)) for each in row) if row else (0, 0)
    rows = round(seen * 100 / percent)
    return rows, round(rows * wrong / seen) if seen else 0


def _rate(plan: Plan, task: Task, connection: Connection, piece: Piece) -> float | None:
    """Return how many rows a second are changed."""
    table, where = f"{piece.name} AS {piece.alias}", escaped(task.backfill.where)
    sample = f"FROM ONLY {table} WHERE {where} LIMIT {_SAMPLE} FOR NO KEY UPDATE SKIP LOCKED"
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '100ms'")
        cursor.execute(f"SELECT {piece.alias}.*, {piece.alias}.ctid::text {sample}".encode(), [])
        rows, names = cursor.fetchall(), [one.name for one in cursor.description or ()][:-1]
        ids = [row[-1] for row in rows]
        began = time.monotonic()
        if task.backfill.python:
            function = load(plan.project, task)
            new = [
                [*values(function, task, dict(zip(names, row, strict=False)), "a row"), row[-1]]
                for row in rows
            ]
            sets = ", ".join(f"{quote(column)} = %s" for column in task.backfill.columns)
            cursor.executemany(f"UPDATE ONLY {table} SET {sets} WHERE ctid = %s::tid".encode(), new)
        else:
            sets = ", ".join(
                f"{quote(column)} = ({escaped(sql)})" for column, sql in task.backfill.assignments
            )
            cursor.execute(
                f"UPDATE ONLY {table} SET {sets} WHERE ctid = ANY (%s::tid[])".encode(), [ids]
            )
        took = time.monotonic() - began
    return len(rows) / took if rows else None
