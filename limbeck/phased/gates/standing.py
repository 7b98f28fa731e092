"""Where each change without downtime is on one database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

from limbeck.engine.ledger import Ledger
from limbeck.history.history import History
from limbeck.phased.backfill import state
from limbeck.phased.backfill.pieces import exists
from limbeck.phased.phases import Change, changes
from limbeck.postgres.connect import Connection

PhaseName: TypeAlias = Literal["pending", "expanded", "backfilled", "contracted"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The phase that a change is in: what was done last.

    It is "backfilled" once each backfill is verified; `filled` of `total` rows were passed over,
    as far as a backfill was begun.
    """

    change: str
    phase: PhaseName
    filled: int | None = None
    total: int | None = None


def standings(
    history: History, connection: Connection, applied: Collection[str], found: Ledger
) -> tuple[Standing, ...]:
    """Return where each change is that the history has, in its order.

    Raises:
        HistoryError: a phase cannot be read.

    """
    known = changes(history.revisions())
    states = state.read(connection) if known else {}
    return tuple(_standing(one, applied, found, states) for one in known)


def open_backfills(connection: Connection, change: Change, found: Ledger) -> tuple[str, ...]:
    """Return the tables whose backfill is neither verified nor needless, for they are empty."""
    done = state.verified(change, found, state.read(connection))
    tables = [one.table for one, good in zip(change.backfills, done, strict=True) if not good]
    return tuple(one for one in dict.fromkeys(tables) if not is_empty(connection, one))


def is_empty(connection: Connection, table: str) -> bool:
    """Tell whether a table has no row, or is not there yet."""
    if not exists(connection, table):
        return True
    row = connection.execute(f"SELECT NOT EXISTS (SELECT FROM {table})".encode()).fetchone()
    return bool(row and row[0])


def _standing(
    change: Change,
    applied: Collection[str],
    found: Ledger,
    states: dict[tuple[str, int], state.State],
) -> Standing:
    if change.contract and change.contract.id in applied:
        return Standing(change.name, "contracted")
    if change.expand and change.expand.id not in applied:
        return Standing(change.name, "pending")
    if all(state.verified(change, found, states)):
        return Standing(change.name, "backfilled")
    begun = [one for (name, _), one in states.items() if name == change.name]
    if not begun:
        return Standing(change.name, "expanded")
    total, filled = sum(one.estimate for one in begun), sum(one.scanned for one in begun)
    return Standing(change.name, "expanded", filled, total)
