"""Timeouts and retries while Neon is busy."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from limbeck.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Timeouts in seconds.

    `locked` is how long a request is repeated while the resource is locked (423) or the service
    overloaded (503, 429), `operation` how long an operation may take, `tries` how often a request
    is sent whose connection breaks.
    """

    connect: float = 10.0
    read: float = 60.0
    locked: float = 60.0
    tries: int = 5
    first_pause: float = 0.25
    longest_pause: float = 8.0
    poll: float = 0.5
    longest_poll: float = 2.0
    operation: float = 300.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def pause(self, attempt: int) -> float:
        """Return the pause after an attempt, the first being 0: exponential, with jitter."""
        longest = min(self.longest_pause, self.first_pause * 2.0**attempt)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads requests, hides nothing


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None if it is invalid."""
    text = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
