"""The events of a command or library call: frozen values that are passed to a listener.

Every command imports them, and Python makes a named tuple in a fifth of the time of a dataclass.
Two have a field `index`, which a tuple cannot have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from limbeck.dataclass import dataclass


class Notice(NamedTuple):
    """A remark for the user, such as a pooled URL that was replaced with the direct one."""

    text: str


class ServerStarted(NamedTuple):
    """The embedded server was started for this command; `created` if its data folder is new."""

    port: int
    created: bool


class BranchCreated(NamedTuple):
    """A missing local branch that a profile names was created."""

    name: str
    parent: str | None


class LockWaiting(NamedTuple):
    """Another migrator holds the migration lock; limbeck waits up to `wait` seconds."""

    holder: str
    wait: float


class RunStarted(NamedTuple):
    """A confirmed plan starts: the migration lock is held, the plan was checked again."""

    environment: str
    destination: str
    current: tuple[str, ...]
    target: tuple[str, ...]
    revisions: tuple[str, ...]
    downgrade: bool = False


class RunFinished(NamedTuple):
    """A plan is complete; `applied` holds the revisions that were applied or downgraded."""

    environment: str
    destination: str
    current: tuple[str, ...]
    applied: tuple[str, ...]
    seconds: float
    downgrade: bool = False


class RunFailed(NamedTuple):
    """A plan failed; `error` is the name of a class in limbeck.errors."""

    environment: str
    destination: str
    error: str
    message: str
    hint: str | None


class RevisionStarted(NamedTuple):
    """A revision starts; `number` counts from 1 to `total`."""

    revision: str
    message: str
    number: int
    total: int
    downgrade: bool = False


class RevisionFinished(NamedTuple):
    """A revision and its version row are committed."""

    revision: str
    message: str
    number: int
    total: int
    seconds: float
    downgrade: bool = False


class RevisionResumed(NamedTuple):
    """An interrupted revision continues after the steps that are committed."""

    revision: str
    message: str
    done: int


class Blocker(NamedTuple):
    """A session that blocks another one; `seconds` is the age of its transaction.

    Postgres shows the query of another role's session only to superusers and pg_monitor.
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


class LockNotObtained(NamedTuple):
    """A step could not acquire a lock and was rolled back; it is retried after `pause` seconds.

    `step` and `attempt` count from 1, `waited` is in seconds since the first attempt. `blockers`
    are the sessions that held the lock: when they end, limbeck retries earlier. It is empty when
    they ended before limbeck could identify them.
    """

    revision: str
    step: int
    attempt: int
    waited: float
    pause: float
    blockers: tuple[Blocker, ...] = ()


class Blocked(NamedTuple):
    """A statement that may wait for long, because it blocks nobody, waits for these sessions."""

    blockers: tuple[Blocker, ...]
    waited: float


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """The progress of CREATE INDEX, from pg_stat_progress_create_index: `done` of `total`."""

    index: str
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class IndexRepaired:
    """An INVALID index, left by an interrupted build, was dropped."""

    index: str
    table: str


class BackfillProgress(NamedTuple):
    """The progress of a backfill: `done` rows of about `total` scanned, `changed` of them updated.

    `rate` is in rows per second, `left` in seconds; None while unknown.
    """

    table: str
    done: int
    total: int
    changed: int
    rate: float | None = None
    left: float | None = None


class BatchNotObtained(NamedTuple):
    """A batch could not acquire its locks and was rolled back; a smaller one follows.

    `attempt` counts from 1, `pause` is in seconds. `blockers` are the sessions that held the locks.
    """

    table: str
    attempt: int
    pause: float
    blockers: tuple[Blocker, ...] = ()


class BackfillThrottled(NamedTuple):
    """A backfill waits for the slowest replica, which lags `lag` seconds behind."""

    table: str
    lag: float


class StageStarted(NamedTuple):
    """A stage of a longer command starts, such as replaying the history."""

    text: str


class StageProgress(NamedTuple):
    """How far a stage is that takes longer than two seconds: `done` of `total` units.

    `unit` is such as "revision", `total` is 0 where nobody knows it. The last event has `ended`. A
    stage that counts nothing, such as the start of a server, has no unit.
    """

    text: str
    done: int
    total: int
    unit: str
    ended: bool = False


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
    | StageProgress
)
Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Ignore an event."""
