"""The report of a run: what it applied or downgraded, and where the database is now."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.history.baseline import Baseline
from limbeck.phased.gates.waiting import Waiting
from limbeck.run.outline import Outline


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision that ran, and its duration in seconds."""

    id: str
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run.

    `elsewhere` says that another migrator had finished the same run when the lock was acquired.
    `tables` are the tables that the run changed, if it ran anything. `waiting` are contract
    revisions on hold. `baseline` is the schema that was created first.
    """

    environment: str
    destination: str
    current: tuple[str, ...]
    applied: tuple[Applied, ...]
    downgrade: bool = False
    elsewhere: bool = False
    tables: Outline | None = None
    waiting: tuple[Waiting, ...] = ()
    baseline: Baseline | None = None
    recorded: bool = False
