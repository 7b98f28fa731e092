"""Try a step again that did not get its locks, for a while and in growing intervals."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Final

import psycopg
import sqlalchemy as sa

from limbeck.database.watching import Watcher
from limbeck.events import Blocker, Listener, LockNotObtained
from limbeck.history.batch import StatementError
from limbeck.history.revisions import Revision

_SHORTEST: Final = 0.1
_LONGEST: Final = 5.0


@dataclass(slots=True)
class Patience:
    """How often one step was tried; it begins anew with each step."""

    seconds: float
    listen: Listener
    watcher: Watcher | None
    step: tuple[str, int] = ("", -1)
    attempts: int = 0
    began: float = 0.0

    def begin(self, revision: Revision, step: int) -> None:
        """Note that a step begins, unless it is the one that was tried before."""
        if self.step != (revision.id, step):
            self.step, self.attempts, self.began = (revision.id, step), 0, time.monotonic()

    def again(self, error: BaseException, revision: Revision, step: int) -> bool:
        """Wait and say yes when the step only lacked a lock and there is time left."""
        if not lacks_lock(error):
            return False
        self.begin(revision, step)
        self.attempts += 1
        waited = time.monotonic() - self.began
        left = self.seconds - waited
        if left <= 0:
            return False
        # Half of it by chance, so that two who are in each other's way do not meet again.
        pause = min(_LONGEST, _SHORTEST * 2**self.attempts) * random.uniform(0.5, 1.0)  # noqa: S311
        pause = min(pause, left)
        self.listen(
            LockNotObtained(revision.id, step + 1, self.attempts, waited, pause, self.blockers())
        )
        time.sleep(pause)
        return True

    def blockers(self) -> tuple[Blocker, ...]:
        """Return who was last seen in the way."""
        return self.watcher.blockers if self.watcher else ()


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
