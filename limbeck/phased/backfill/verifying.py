"""Count the rows that are not right yet, some blocks at a time, so that no snapshot grows old."""

from __future__ import annotations

import time
from typing import Final

from limbeck.phased.backfill import batch
from limbeck.phased.backfill.pieces import pieces
from limbeck.phased.phases import Backfill
from limbeck.postgres.connect import Connection

_FIRST: Final = 1000  # blocks
_TARGET: Final = 0.5  # seconds a statement


def wrong(connection: Connection, backfill: Backfill) -> int:
    """Return how many rows are not right; rows that are written meanwhile the triggers see to.

    Raises:
        DatabaseError: there is no such table.

    """
    found, size = 0, _FIRST
    for piece in pieces(connection, backfill.table):
        statement = batch.wrong(piece, backfill).encode()
        low = 0
        while low < piece.blocks:
            began = time.monotonic()
            above = min(low + size, piece.blocks)
            row = connection.execute(statement, {"low": low, "above": above - 1}).fetchone()
            found += int(str(row[0])) if row else 0
            low = above
            took = max(time.monotonic() - began, 1e-6)
            size = max(1, round(size * min(2.0, _TARGET / took)))
    return found
