"""What a plan would take: from the statistics, and from a sample that is rolled back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.types.json import JsonbDumper

from limbeck.errors import DatabaseError
from limbeck.events import Listener
from limbeck.logs import log
from limbeck.phased.backfill.function import load, values
from limbeck.phased.backfill.pieces import Piece, pieces
from limbeck.phased.backfill.planning import Plan, Task
from limbeck.postgres.connect import Connection, connect
from limbeck.schema.sql.quoting import percent_escaped, quote

_SAMPLE: Final = 1000  # rows that are changed and rolled back
_CTID: Final = "ctid"  # no column of a user may be called so
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
        connection.adapters.register_dumper(dict, JsonbDumper)  # as the workers do
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
    """Return how many rows a second are changed, once the first few have warmed everything up."""
    sample = (
        f"SELECT {piece.alias}.*, {piece.alias}.ctid::text FROM ONLY {piece.name} AS {piece.alias}"
        f" WHERE {task.backfill.where} LIMIT {_SAMPLE} FOR NO KEY UPDATE SKIP LOCKED"
    )
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '100ms'")
        cursor.execute(sample.encode())
        rows, names = cursor.fetchall(), [one.name for one in cursor.description or ()][:-1]
        found = [dict(zip([*names, _CTID], row, strict=True)) for row in rows]
        change = _by_function if task.backfill.python else _by_sql
        warm = len(found) // 10
        change(plan, task, cursor, piece, found[:warm])
        began = time.monotonic()
        change(plan, task, cursor, piece, found[warm:])
        took = time.monotonic() - began
    return (len(found) - warm) / took if found else None


def _by_sql(
    _: Plan, task: Task, cursor: psycopg.Cursor[Any], piece: Piece, rows: list[dict[str, Any]]
) -> None:
    sets = ", ".join(f"{quote(column)} = ({sql})" for column, sql in task.backfill.assignments)
    update = percent_escaped(f"UPDATE ONLY {piece.name} AS {piece.alias} SET {sets}")
    cursor.execute(
        f"{update} WHERE ctid = ANY (%s::tid[])".encode(), [[row[_CTID] for row in rows]]
    )


def _by_function(
    plan: Plan, task: Task, cursor: psycopg.Cursor[Any], piece: Piece, rows: list[dict[str, Any]]
) -> None:
    function = load(plan.project, task)
    new = [
        [*values(function, task, {k: v for k, v in row.items() if k != _CTID}, "a row"), row[_CTID]]
        for row in rows
    ]
    columns = [percent_escaped(quote(column)) for column in task.backfill.columns]
    update = percent_escaped(f"UPDATE ONLY {piece.name} AS {piece.alias}")
    sets = ", ".join(f"{column} = %s" for column in columns)
    cursor.executemany(f"{update} SET {sets} WHERE ctid = %s::tid".encode(), new)
