"""What happens while a verb runs: frozen values, given to a listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth saying aloud, such as a URL that was changed to its direct host."""

    text: str


@dataclass(frozen=True, slots=True)
class ServerStarted:
    """The embedded server was started for this command."""

    port: int
    created: bool


@dataclass(frozen=True, slots=True)
class BranchCreated:
    """A local branch was made because a profile named it and it was not there."""

    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class LockWaiting:
    """Another migrator holds the lock; who it is, and how long we shall wait (seconds)."""

    holder: str
    wait: float


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A confirmed plan begins to be carried out: the lock is held, the plan still holds."""

    environment: str
    destination: str
    current: tuple[str, ...]
    target: tuple[str, ...]
    revisions: tuple[str, ...]
    downgrade: bool = False


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A plan is carried out; `applied` ran, or was taken back."""

    environment: str
    destination: str
    current: tuple[str, ...]
    applied: tuple[str, ...]
    seconds: float
    downgrade: bool = False


@dataclass(frozen=True, slots=True)
class RunFailed:
    """A plan was not carried out to its end; `error` is the kind of error, as in limbeck.errors."""

    environment: str
    destination: str
    error: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class RevisionStarted:
    """A revision begins; number counts from 1 to total."""

    revision: str
    message: str
    number: int
    total: int
    downgrade: bool = False


@dataclass(frozen=True, slots=True)
class RevisionFinished:
    """A revision is in the database, its version row with it."""

    revision: str
    message: str
    number: int
    total: int
    seconds: float
    downgrade: bool = False


@dataclass(frozen=True, slots=True)
class RevisionResumed:
    """A revision that was interrupted goes on after the steps that are done already."""

    revision: str
    message: str
    done: int


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that is in the way of another: `seconds` is how old its transaction is.

    Of sessions of other roles Postgres tells only a superuser, or pg_monitor, the query.
    """

    pid: int
    user: str
    application: str
    state: str
    seconds: float | None
    query: str

    def __str__(self) -> str:
        who = ", ".join(part for part in (self.user, self.application, self.state) if part)
        age = f", for {self.seconds:.1f} s" if self.seconds is not None else ""
        return f"pid {self.pid} ({who}{age}): {self.query}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class LockNotObtained:
    """A step did not get a lock in time and was rolled back; it is tried again after `pause` s.

    `step` and `attempt` count from 1, `waited` are the seconds since the first attempt began.
    `blockers` are those who were seen in the way: once they are done it is tried earlier. They may
    have been gone too soon to be seen.
    """

    revision: str
    step: int
    attempt: int
    waited: float
    pause: float
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """A statement that may wait for long, for it stops nobody, waits for these sessions."""

    blockers: tuple[Blocker, ...]
    waited: float


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far CREATE INDEX is, as pg_stat_progress_create_index says: `done` of `total`."""

    index: str
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class IndexRepaired:
    """An INVALID index, left behind by a build that broke off, was dropped."""

    index: str
    table: str


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far a backfill is: rows passed over of about `total`, and of them `changed`.

    `rate` is in rows a second, `left` in seconds; None where neither is known yet.
    """

    table: str
    done: int
    total: int
    changed: int
    rate: float | None = None
    left: float | None = None


@dataclass(frozen=True, slots=True)
class BatchNotObtained:
    """A batch did not get its locks and was rolled back; a smaller one follows after `pause` s.

    `attempt` counts from 1. `blockers` are those who were seen in the way.
    """

    table: str
    attempt: int
    pause: float
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class BackfillThrottled:
    """A backfill waits for the slowest replica, which is `lag` seconds behind."""

    table: str
    lag: float


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A step of a longer work, such as replaying the history or proving a revision."""

    text: str


Event: TypeAlias = (
    Notice
    | ServerStarted
    | BranchCreated
    | LockWaiting
    | RunStarted
    | RunFinished
    | RunFailed
    | RevisionStarted
    | RevisionFinished
    | RevisionResumed
    | LockNotObtained
    | Blocked
    | IndexProgress
    | IndexRepaired
    | BackfillProgress
    | BatchNotObtained
    | BackfillThrottled
    | StageStarted
)
Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
