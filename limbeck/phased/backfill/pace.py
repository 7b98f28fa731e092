"""How big the next batch is, and how long to rest before it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from limbeck.postgres.connect import Connection

FIRST: Final = 200  # rows
MOST: Final = 100_000
_EVERY: Final = 0.5  # seconds between two looks at the server
_BUSY: Final = 4  # active sessions from which half of the time is rest
_LONGEST_REST: Final = 4.0  # times as long as the batch took

# Without the right to see other roles' sessions the columns are NULL, and count as idle. What a
# replica said last of its lag stays until it says something else, also when it has all there is.
_LOOK: Final = """
SELECT (SELECT coalesce(max(extract(epoch FROM replay_lag)), 0)::float8 FROM pg_stat_replication
        WHERE replay_lsn < pg_current_wal_flush_lsn()),
       (SELECT count(*) FROM pg_stat_activity
        WHERE state = 'active' AND backend_type = 'client backend'
        AND application_name NOT LIKE 'limbeck backfill%%')"""


@dataclass(slots=True)
class Pace:
    """Batches that take about `target` seconds each.

    `size` is in rows, or in blocks; it doubles at most from one batch to the next.
    """

    target: float
    size: int = FIRST

    def took(self, seconds: float) -> None:
        """Learn from a batch that was carried out."""
        factor = min(2.0, max(0.5, self.target / max(seconds, 1e-6)))
        self.size = max(1, min(MOST, round(self.size * factor)))

    def failed(self) -> None:
        """Learn from a batch that did not get its locks."""
        self.size = max(1, self.size // 2)


@dataclass(slots=True)
class Load:
    """What else the server does: `lag` of its slowest replica in seconds, other active sessions."""

    lag: float = 0.0
    active: float = 0.0
    seen: float = 0.0

    def look(self, connection: Connection) -> None:
        """Ask the server, unless it was asked a moment ago; active sessions are smoothed."""
        if time.monotonic() - self.seen < _EVERY:
            return
        row = connection.execute(_LOOK.encode()).fetchone()
        if row:
            self.lag = float(str(row[0]))
            self.active = (self.active + float(str(row[1]))) / 2
        self.seen = time.monotonic()

    def rest(self, seconds: float) -> float:
        """Return how long to rest after a batch of so many seconds: the busier, the longer."""
        return seconds * min(_LONGEST_REST, self.active / _BUSY)
