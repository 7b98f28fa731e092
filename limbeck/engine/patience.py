"""Try a step again that did not get its locks, for a while and in growing intervals.

Whoever waits for a lock makes all wait who come after. So the first attempts wait very shortly,
and while those are seen who are in the way, none is made.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Final

import psycopg
import sqlalchemy as sa

from limbeck.engine.batch import StatementError
from limbeck.events import Blocker, Listener, LockNotObtained
from limbeck.history.revisions import Revision
from limbeck.postgres.duration import seconds
from limbeck.postgres.watching import Watcher

_SHORTEST: Final = 0.1
_LONGEST: Final = 5.0
_FIRST_WAIT: Final = 0.02  # seconds that the first attempt waits for a lock; each later one twice


@dataclass(slots=True)
class Patience:
    """How often one step was tried; it begins anew with each step. `budget` is in seconds."""

    budget: float
    listen: Listener
    watcher: Watcher | None
    step: tuple[str, int] = ("", -1)
    attempts: int = 0
    began: float = 0.0

    def begin(self, revision: Revision, step: int) -> None:
        """Note that a step begins, unless it is the one that was tried before."""
        if self.step != (revision.id, step):
            self.step, self.attempts, self.began = (revision.id, step), 0, time.monotonic()

    def lock_timeout(self, revision: Revision, step: int, longest: str | None) -> str | None:
        """Return how long the next attempt at a step may wait for a lock, at most `longest`.

        A revision or a database without a limit has none here, too.
        """
        self.begin(revision, step)
        limit = seconds(longest or "0")
        return f"{min(limit, _FIRST_WAIT * 2**self.attempts) * 1000:.0f}ms" if limit else None

    def again(self, error: BaseException, revision: Revision, step: int) -> bool:
        """Wait and say yes when the step only lacked a lock and there is time left."""
        if not lacks_lock(error):
            return False
        self.begin(revision, step)
        self.attempts += 1
        waited = time.monotonic() - self.began
        left = self.budget - waited
        if left <= 0:
            return False
        blockers = self.blockers()
        pause = left if blockers else min(left, _pause(self.attempts))
        self.listen(LockNotObtained(revision.id, step + 1, self.attempts, waited, pause, blockers))
        if self.watcher:
            self.watcher.alert()
        if self.watcher and blockers:
            self.watcher.wait_for(blockers, pause)
            pause = _pause(0)
        time.sleep(pause)
        return True

    def blockers(self) -> tuple[Blocker, ...]:
        """Return who was last seen in the way."""
        return self.watcher.blockers if self.watcher else ()


def _pause(attempts: int) -> float:
    """Half of it by chance, so that two who are in each other's way do not meet again."""
    return min(_LONGEST, _SHORTEST * 2.0**attempts) * random.uniform(0.5, 1.0)  # noqa: S311


def lacks_lock(error: BaseException) -> bool:
    """Tell whether the lock timeout, NOWAIT or a deadlock ended it: nothing was done then."""
    wanted = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
    return isinstance(cause(error), wanted)


def cause(error: BaseException) -> BaseException:
    """Return what Postgres said, wherever it was wrapped."""
    if isinstance(error, StatementError):
        return error.cause
    if isinstance(error, sa.exc.StatementError) and error.orig is not None:
        return error.orig
    return error
