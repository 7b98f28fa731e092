"""The size of the next batch, and the rest before it."""

from __future__ import annotations

import time
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.postgres.connect import Connection

FIRST: Final = 200  # rows or blocks of the first batch
MOST: Final = 100_000
_EVERY: Final = 0.5  # seconds between two queries of the server's load
_BUSY: Final = 4  # active sessions at which a worker rests as long as it works
_LONGEST_REST: Final = 4.0  # multiple of the time of the batch

# For a role that may not see other sessions the columns are NULL, and count as idle. replay_lag
# keeps its last value while a replica is idle, so only replicas that lack WAL count.
_LOOK: Final = """
SELECT (SELECT coalesce(max(extract(epoch FROM replay_lag)), 0)::float8 FROM pg_stat_replication
        WHERE replay_lsn < pg_current_wal_flush_lsn()),
       (SELECT count(*) FROM pg_stat_activity
        WHERE state = 'active' AND backend_type = 'client backend'
        AND application_name NOT LIKE 'limbeck backfill%%')"""


@dataclass(slots=True)
class Pace:
    """Batches that take about `target` seconds each.

    `size` is in rows or blocks; from one batch to the next it at most doubles or halves.
    """

    target: float
    size: int = FIRST

    def took(self, seconds: float) -> None:
        """Adjust the size after a batch that took so many seconds."""
        factor = min(2.0, max(0.5, self.target / max(seconds, 1e-6)))
        self.size = max(1, min(MOST, round(self.size * factor)))

    def failed(self) -> None:
        """Halve the size after a batch that could not acquire its locks."""
        self.size = max(1, self.size // 2)


@dataclass(slots=True)
class Load:
    """The load of the server: `lag` of its slowest replica in seconds, other active sessions."""

    lag: float = 0.0
    active: float = 0.0
    seen: float = 0.0

    def look(self, connection: Connection) -> None:
        """Query the server, at most twice a second; the number of active sessions is smoothed."""
        if time.monotonic() - self.seen < _EVERY:
            return
        row = connection.execute(_LOOK.encode()).fetchone()
        if row:
            self.lag = float(str(row[0]))
            self.active = (self.active + float(str(row[1]))) / 2
        self.seen = time.monotonic()

    def rest(self, seconds: float) -> float:
        """Return the seconds to rest after a batch of so many; the busier the server, the more."""
        return seconds * min(_LONGEST_REST, self.active / _BUSY)
