"""Retry a step that did not acquire its locks, in growing intervals within a budget.

A session that waits for a lock makes all sessions wait that ask for the table after it. So the
first attempts wait for milliseconds only, and none is made while the blockers are known and live.
"""

from __future__ import annotations

import random
import time
from typing import Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine.batch import StatementError
from limbeck.events import Blocker, Listener, LockNotObtained
from limbeck.history.revisions import Revision
from limbeck.postgres.duration import seconds
from limbeck.postgres.watching import Watcher

_SHORTEST: Final = 0.1  # seconds of the first pause; each later one lasts twice as long ...
_LONGEST: Final = 5.0  # ... up to this
# Seconds that the first attempt waits for a lock; each later one waits twice as long. A request of
# the application that lasts 20 ms is not noticed, and most locks are free at the first attempt.
_FIRST_WAIT: Final = 0.02


@dataclass(slots=True)
class Patience:
    """The attempts at one step, counted for each step from the start; `budget` is in seconds.

    `seen` are the blockers of an earlier attempt, for an attempt too short to see its own.
    """

    budget: float
    listen: Listener
    watcher: Watcher | None
    step: tuple[str, int] = ("", -1)
    attempts: int = 0
    began: float = 0.0
    seen: tuple[Blocker, ...] = ()

    def begin(self, revision: Revision, step: int) -> None:
        """Begin to count for a step, unless it is the one that was tried before."""
        if self.step != (revision.id, step):
            self.step, self.attempts, self.began = (revision.id, step), 0, time.monotonic()
            self.seen = ()

    def lock_timeout(self, revision: Revision, step: int, longest: str | None) -> str | None:
        """Return how long the next attempt at a step may wait for a lock, as Postgres spells it.

        It is `longest` at most; None if there is no limit.
        """
        self.begin(revision, step)
        limit = seconds(longest or "0")
        return f"{min(limit, _FIRST_WAIT * 2**self.attempts) * 1000:.0f}ms" if limit else None

    def again(self, error: BaseException, revision: Revision, step: int) -> bool:
        """Return whether to try a step again, after a pause: it lacked a lock, and time is left."""
        if not lacks_lock(error):
            return False
        self.begin(revision, step)
        self.attempts += 1
        waited = time.monotonic() - self.began
        left = self.budget - waited
        if left <= 0:
            return False
        blockers = self.watcher.blockers if self.watcher else ()
        self.seen = blockers or self.seen
        # With known blockers the pause ends when the last of their transactions does.
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
        """Return the sessions that were last seen holding the lock."""
        return (self.watcher.blockers if self.watcher else ()) or self.seen


def _pause(attempts: int) -> float:
    """Return seconds to pause, half of them random: two deadlocked sessions must not meet again."""
    return min(_LONGEST, _SHORTEST * 2.0**attempts) * random.uniform(0.5, 1.0)  # noqa: S311


def lacks_lock(error: BaseException) -> bool:
    """Return whether it was ended by the lock timeout, NOWAIT or a deadlock, so with no effect."""
    lacking = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
    return isinstance(cause(error), lacking)


def cause(error: BaseException) -> BaseException:
    """Return the error of psycopg inside of an error that wraps it."""
    if isinstance(error, StatementError):
        return error.cause
    original = getattr(error, "orig", None)  # SQLAlchemy's errors have it
    return original if isinstance(original, BaseException) else error
