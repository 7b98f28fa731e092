"""What a run did to a database."""

from __future__ import annotations

from dataclasses import dataclass

from limbeck.phased.gates.waiting import Waiting
from limbeck.run.outline import Outline


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision that ran, and how long it took."""

    id: str
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, and where the database is now.

    `elsewhere` says that another migrator had done the work when the lock was ours; `tables` is
    what there is then, where something was done. `waiting` are contract revisions that may
    not run yet.
    """

    environment: str
    destination: str
    current: tuple[str, ...]
    applied: tuple[Applied, ...]
    downgrade: bool = False
    elsewhere: bool = False
    tables: Outline | None = None
    waiting: tuple[Waiting, ...] = ()
