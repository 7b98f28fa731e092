"""The phase of each change without downtime on one database, as `limbeck status` shows it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.engine.ledger import Ledger
from limbeck.history.history import History
from limbeck.phased.backfill import state
from limbeck.phased.backfill.pieces import exists
from limbeck.phased.phases import Change, changes
from limbeck.postgres.connect import Connection

PhaseName: TypeAlias = Literal["pending", "expanded", "backfilled", "contracted"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The last phase of a change that is complete.

    It is "backfilled" once each backfill is verified. If a backfill is in progress, it has scanned
    `filled` of about `total` rows.
    """

    change: str
    phase: PhaseName
    filled: int | None = None
    total: int | None = None


def standings(
    history: History, connection: Connection, applied: Collection[str], ledger: Ledger
) -> tuple[Standing, ...]:
    """Return the phase of each change in the history, in its order.

    Args:
        history: The revision files.
        connection: The database.
        applied: The ids of its applied revisions.
        ledger: Its ledger.

    Raises:
        HistoryError: a phase cannot be read.

    """
    known = changes(history.revisions())
    states = state.read(connection) if known else {}
    return tuple(_standing(change, applied, ledger, states) for change in known)


def open_backfills(connection: Connection, change: Change, ledger: Ledger) -> tuple[str, ...]:
    """Return the tables that have rows and a backfill that is not verified."""
    done = state.verified(change, ledger, state.read(connection))
    pairs = zip(change.backfills, done, strict=True)
    tables = [backfill.table for backfill, verified in pairs if not verified]
    return tuple(table for table in dict.fromkeys(tables) if not is_empty(connection, table))


def is_empty(connection: Connection, table: str) -> bool:
    """Return whether a table has no rows or does not exist."""
    if not exists(connection, table):
        return True
    row = connection.execute(f"SELECT NOT EXISTS (SELECT FROM {table})".encode()).fetchone()
    return bool(row and row[0])


def _standing(
    change: Change,
    applied: Collection[str],
    ledger: Ledger,
    states: dict[tuple[str, int], state.State],
) -> Standing:
    if change.contract and change.contract.id in applied:
        return Standing(change.name, "contracted")
    if change.expand and change.expand.id not in applied:
        return Standing(change.name, "pending")
    if all(state.verified(change, ledger, states)):
        return Standing(change.name, "backfilled")
    begun = [each for (name, _), each in states.items() if name == change.name]
    if not begun:
        return Standing(change.name, "expanded")
    total, filled = sum(each.estimate for each in begun), sum(each.scanned for each in begun)
    return Standing(change.name, "expanded", filled, total)
