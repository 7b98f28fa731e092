"""What a database remembers of its backfills: how far each range is, and what is verified."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg
from psycopg.rows import class_row

from limbeck.engine.ledger import Ledger
from limbeck.phased.backfill.pieces import Range
from limbeck.phased.phases import Change
from limbeck.postgres.connect import Connection

_LOCK: Final = 0x6C696D6266696C6C  # "limbfill": one at a time makes the tables

CREATE: Final = (
    "CREATE SCHEMA IF NOT EXISTS limbeck_state",
    """CREATE TABLE IF NOT EXISTS limbeck_state.backfill (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    change text NOT NULL,
    number integer NOT NULL,
    definition text NOT NULL,
    started timestamptz NOT NULL DEFAULT now(),
    passes integer NOT NULL DEFAULT 0,
    verified timestamptz,
    UNIQUE (change, number)
)""",
    """CREATE TABLE IF NOT EXISTS limbeck_state.backfill_range (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    backfill bigint NOT NULL REFERENCES limbeck_state.backfill ON DELETE CASCADE,
    piece text NOT NULL,
    key text[] NOT NULL,
    low text[] NOT NULL,
    high text[] NOT NULL,
    estimate bigint NOT NULL,
    scanned bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    done boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50)""",
)

_READ: Final = """
SELECT b.id, b.change, b.number, b.definition, b.passes, b.verified,
       coalesce(sum(r.estimate), 0)::bigint AS estimate,
       coalesce(sum(CASE WHEN r.done THEN r.estimate ELSE least(r.scanned, r.estimate) END), 0)
           ::bigint AS scanned,
       coalesce(sum(r.changed), 0)::bigint AS changed
FROM limbeck_state.backfill b LEFT JOIN limbeck_state.backfill_range r ON r.backfill = b.id
GROUP BY b.id"""


@dataclass(frozen=True, slots=True)
class State:
    """How far one backfill is: rows passed over, rows that were changed, whether it is verified.

    `definition` is a hash of what was filled in, see `definition()`; `passes` counts how often the
    table was gone through; `estimate` is of the rows to pass over.
    """

    id: int
    change: str
    number: int
    definition: str
    passes: int
    verified: datetime | None
    estimate: int
    scanned: int
    changed: int


def read(connection: Connection) -> dict[tuple[str, int], State]:
    """Return what is known of each backfill by its change and number; nothing where none ran."""
    try:
        with connection.cursor(row_factory=class_row(State)) as cursor:
            found = cursor.execute(_READ).fetchall()
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.InsufficientPrivilege,
    ):
        return {}
    return {(one.change, one.number): one for one in found}


def definition(change: Change, number: int, found: Ledger) -> str:
    """Return a hash of what a backfill does and of the expansion that it follows.

    So what was verified before the expansion was taken back, or before the file was edited, does
    not count.
    """
    one = change.backfills[number]
    applied = found.applied().get(change.expand.id) if change.expand else None
    since = applied.finished.isoformat() if applied and applied.finished else ""
    seen = [one.table, list(one.assignments), one.where, one.python, since]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def verified(
    change: Change, found: Ledger, states: dict[tuple[str, int], State]
) -> tuple[bool, ...]:
    """Tell of each backfill of a change whether it is verified as it is defined now."""
    return tuple(
        (state := states.get((change.name, number))) is not None
        and state.verified is not None
        and state.definition == definition(change, number, found)
        for number in range(len(change.backfills))
    )


def prepare(connection: Connection) -> None:
    """Create the tables where they are missing; several may do so at once."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for statement in CREATE:
            connection.execute(statement.encode())


def claim(connection: Connection, change: str, number: int, wanted: str) -> tuple[int, bool]:
    """Return the id of a backfill, and whether it is new; to be used in a transaction.

    Until that ends, others who want the same wait. One of another definition begins anew.
    """
    values = [change, number, wanted]
    connection.execute(
        "INSERT INTO limbeck_state.backfill (change, number, definition) VALUES (%s, %s, %s)"
        " ON CONFLICT (change, number) DO NOTHING",
        values,
    )
    row = connection.execute(
        "SELECT id, definition, passes FROM limbeck_state.backfill"
        " WHERE change = %s AND number = %s FOR UPDATE",
        values[:2],
    ).fetchone()
    if row is None:
        raise AssertionError
    id_, former, passes = int(str(row[0])), row[1], row[2]
    if former != wanted:
        connection.execute(
            "UPDATE limbeck_state.backfill SET definition = %s, verified = NULL, passes = 0,"
            " started = now() WHERE id = %s",
            [wanted, id_],
        )
    return id_, former != wanted or passes == 0


def lay_out(connection: Connection, backfill: int, ranges: Sequence[Range]) -> None:
    """Write down the ranges of a new pass, in place of those of the former one."""
    connection.execute("DELETE FROM limbeck_state.backfill_range WHERE backfill = %s", [backfill])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO limbeck_state.backfill_range (backfill, piece, key, low, high, estimate)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (backfill, one.piece.name, list(one.piece.columns), one.low, one.high, one.rows)
                for one in ranges
            ],
        )
    connection.execute(
        "UPDATE limbeck_state.backfill SET passes = passes + 1, verified = NULL WHERE id = %s",
        [backfill],
    )


def pieces(connection: Connection, backfill: int) -> list[tuple[str, list[str]]]:
    """Return the tables with ranges that are not done, and the key that each is cut by."""
    rows = connection.execute(
        "SELECT piece, key FROM limbeck_state.backfill_range WHERE backfill = %s AND NOT done"
        " GROUP BY piece, key ORDER BY min(id)",
        [backfill],
    ).fetchall()
    return [(str(piece), list(key)) for piece, key in rows]  # type: ignore[call-overload]  # text[]


def forget(connection: Connection, backfill: int, piece: str) -> None:
    """Take the ranges of a table away that is not there any more, such as a dropped partition."""
    connection.execute(
        "DELETE FROM limbeck_state.backfill_range WHERE backfill = %s AND piece = %s",
        [backfill, piece],
    )


def verify(connection: Connection, backfill: int) -> None:
    """Write down that no row is wrong."""
    connection.execute(
        "UPDATE limbeck_state.backfill SET verified = clock_timestamp() WHERE id = %s", [backfill]
    )
