"""The state of backfills in the schema limbeck_state: position of each range, verification."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from limbeck.dataclass import dataclass
from limbeck.engine.ledger import Ledger
from limbeck.phased.backfill.pieces import Range
from limbeck.phased.phases import Change
from limbeck.postgres.connect import Connection, tenant_of

# "limbfill". CREATE ... IF NOT EXISTS of two sessions at once can still fail with a unique
# violation in the catalogs, so the tables are created under an advisory lock.
_LOCK: Final = 0x6C696D6266696C6C

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

# The name of a change has no slash; that of a tenant may have some.
_ALIKE: Final = """
SELECT array_agg(tenant) FROM (
    SELECT left(change, -strpos(reverse(change), '/')) AS tenant,
        array_agg((right(change, strpos(reverse(change), '/') - 1), number)
            ORDER BY change, number) AS marks
    FROM limbeck_state.backfill WHERE verified IS NOT NULL AND strpos(change, '/') > 0 GROUP BY 1
) AS tenants GROUP BY marks"""


@dataclass(frozen=True, slots=True)
class State:
    """The progress of one backfill: rows scanned of the `estimate`, rows changed, verification.

    `definition` is a hash of what the backfill does, see `definition()`; `passes` is the number of
    passes over the table.
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
    """Return the state of each backfill by change and number; empty if none has run."""
    try:
        with connection.cursor(row_factory=class_row(State), binary=True) as cursor:
            states = cursor.execute(_READ).fetchall()
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.InsufficientPrivilege,
    ):
        return {}
    prefix = _named("", tenant_of(connection))
    return {
        (state.change.removeprefix(prefix), state.number): state
        for state in states
        if state.change.startswith(prefix)
    }


def alike(connection: Connection) -> tuple[tuple[str, ...], ...]:
    """Return the tenants with verified backfills, those together that have the same ones."""
    try:
        rows: list[Any] = connection.execute(_ALIKE.encode()).fetchall()
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.InsufficientPrivilege,
    ):
        return ()
    return tuple(tuple(map(str, names)) for (names,) in rows)


def _named(change: str, tenant: str | None) -> str:
    """Return the name under which a change is kept: each tenant fills its own rows."""
    return change if tenant is None else f"{tenant}/{change}"


def definition(change: Change, number: int, ledger: Ledger) -> str:
    """Return a hash of what a backfill does and of when its expand revision was applied.

    A verification from before the expand was rolled back, or before its file was edited, so does
    not count.
    """
    backfill = change.backfills[number]
    applied = ledger.applied().get(change.expand.id) if change.expand else None
    since = applied.finished.isoformat() if applied and applied.finished else ""
    assignments = list(backfill.assignments)
    parts = [backfill.table, assignments, backfill.where, backfill.python, since]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def verified(
    change: Change, ledger: Ledger, states: dict[tuple[str, int], State]
) -> tuple[bool, ...]:
    """Return for each backfill of a change whether it is verified in its current definition."""
    return tuple(
        (state := states.get((change.name, number))) is not None
        and state.verified is not None
        and state.definition == definition(change, number, ledger)
        for number in range(len(change.backfills))
    )


def prepare(connection: Connection) -> None:
    """Create the tables if they are missing; safe for several sessions at once."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for statement in CREATE:
            connection.execute(statement.encode())


def claim(connection: Connection, change: str, number: int, wanted: str) -> tuple[int, bool]:
    """Return the id of a backfill and whether it restarts; call it in a transaction.

    Its row stays locked until the transaction ends, so of several processes only one cuts the
    table into ranges. A changed definition starts from the beginning.
    """
    values = [_named(change, tenant_of(connection)), number, wanted]
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
    """Record the ranges of a new pass, which replace those of the former one."""
    connection.execute("DELETE FROM limbeck_state.backfill_range WHERE backfill = %s", [backfill])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO limbeck_state.backfill_range (backfill, piece, key, low, high, estimate)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (
                    backfill,
                    part.piece.name,
                    list(part.piece.columns),
                    part.low,
                    part.high,
                    part.rows,
                )
                for part in ranges
            ],
        )
    connection.execute(
        "UPDATE limbeck_state.backfill SET passes = passes + 1, verified = NULL WHERE id = %s",
        [backfill],
    )


def pieces(connection: Connection, backfill: int) -> list[tuple[str, list[str]]]:
    """Return the tables with unfinished ranges, and the key by which each is cut."""
    rows = connection.execute(
        "SELECT piece, key FROM limbeck_state.backfill_range WHERE backfill = %s AND NOT done"
        " GROUP BY piece, key ORDER BY min(id)",
        [backfill],
    ).fetchall()
    return [(str(piece), list(key)) for piece, key in rows]  # type: ignore[call-overload]  # text[]


def forget(connection: Connection, backfill: int, piece: str) -> None:
    """Delete the ranges of a table that no longer exists, such as a dropped partition."""
    connection.execute(
        "DELETE FROM limbeck_state.backfill_range WHERE backfill = %s AND piece = %s",
        [backfill, piece],
    )


def verify(connection: Connection, backfill: int) -> None:
    """Record that no row is wrong."""
    connection.execute(
        "UPDATE limbeck_state.backfill SET verified = clock_timestamp() WHERE id = %s", [backfill]
    )
