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
class StageStarted:
    """A step of a longer work, such as replaying the history or proving a revision."""

    text: str


Event: TypeAlias = (
    Notice
    | ServerStarted
    | BranchCreated
    | LockWaiting
    | RevisionStarted
    | RevisionFinished
    | StageStarted
)
Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing: the default of every verb."""
