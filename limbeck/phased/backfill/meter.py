"""The progress and the rate of the workers of one backfill."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from limbeck.events import BackfillProgress, Event, Listener

_WINDOW: Final = 10.0  # seconds over which the rate is averaged


class Meter:
    """Counts the rows of all workers, and passes their events on one at a time."""

    def __init__(self, table: str, total: int, done: int, listen: Listener) -> None:
        self.table = table
        self.total = total
        self.done = done
        self.changed = 0
        self._listen = listen
        self._lock = threading.RLock()
        self._seen = deque([(time.monotonic(), done)])

    def add(self, seen: int, changed: int) -> None:
        """Count a committed batch."""
        with self._lock:
            self.done += seen
            self.changed += changed

    def tell(self, event: Event) -> None:
        """Pass an event on to the listener."""
        with self._lock:
            self._listen(event)

    def end(self) -> None:
        """Emit the last progress event: all rows are scanned, whatever was estimated."""
        with self._lock:
            self.done = max(self.done, self.total)
            self.progress()

    def progress(self) -> None:
        """Emit a progress event."""
        with self._lock:
            now = time.monotonic()
            self._seen.append((now, self.done))
            while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:  # noqa: PLR2004 - two points make a rate
                self._seen.popleft()
            began, former = self._seen[0]
            rate = (self.done - former) / (now - began) if now > began else None
            # The total is an estimate: once it is reached, nobody knows how much is left.
            total = max(self.total, self.done)
            left = (total - self.done) / rate if rate and self.done < total else None
            progress = BackfillProgress(self.table, self.done, total, self.changed, rate, left)
            self._listen(progress)
