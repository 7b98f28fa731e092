"""Counts wrong rows some blocks at a time: a long snapshot would hold back VACUUM."""

from __future__ import annotations

import time
from typing import Final

from limbeck.phased.backfill import batch
from limbeck.phased.backfill.pieces import pieces
from limbeck.phased.phases import Backfill
from limbeck.postgres.connect import Connection

_FIRST: Final = 1000  # blocks of the first statement
_TARGET: Final = 0.5  # seconds of a statement


def wrong(connection: Connection, backfill: Backfill) -> int:
    """Return the number of wrong rows; the triggers keep rows right that are written meanwhile.

    Raises:
        DatabaseError: there is no such table.

    """
    total, size = 0, _FIRST
    for piece in pieces(connection, backfill.table):
        statement = batch.wrong(piece, backfill).encode()
        low = 0
        while low < piece.blocks:
            began = time.monotonic()
            above = min(low + size, piece.blocks)
            row = connection.execute(statement, {"low": low, "above": above - 1}).fetchone()
            total += int(str(row[0])) if row else 0
            low = above
            took = max(time.monotonic() - began, 1e-6)
            size = max(1, round(size * min(2.0, _TARGET / took)))
    return total
