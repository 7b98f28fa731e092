"""The answers of `generate`, `migrate`, `status`, `check`, `rollback`, `push`, `log`, `show`."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from limbeck.output.answers.parts import (
    EntryData,
    HazardData,
    ObjectChange,
    PassageData,
    RevisionName,
    StepData,
    WaitingData,
)


class Majors(TypedDict):
    """The majors of Postgres that profiles declare."""

    proved: list[int]
    missing: list[int]
    """Those without a server here, so that nothing was proved on them."""


class GeneratedAnswer(TypedDict):
    """The revision that was written; `path` and `revision` are null if nothing has changed."""

    path: str | None
    revision: str | None
    message: str | None
    readable: bool
    """Whether the file uses `op.*` calls; false: plain SQL."""
    expand: str | None
    """The file of the expand revision, if the change was split; `path` is the contract then."""
    majors: Majors
    steps: list[StepData]
    passages: list[PassageData]


class PlannedData(TypedDict):
    """A revision that will run."""

    id: str
    message: str
    path: str
    sql: str
    done: int | None
    """The steps that an interrupted run has completed."""
    steps: int | None
    late: bool
    """Whether it was inserted into the history below the current revision."""
    half: bool
    """Whether a half-done run in the other direction is taken back."""


class OwnData(TypedDict):
    """An object that only this database has, and that the plan concerns."""

    object: str
    effect: Literal["lost", "in the way", "broken", "carried"]
    of: str | None
    """The object that holds it."""


class PlanAnswer(TypedDict):
    """A plan: the answer with `--dry-run`."""

    environment: str
    destination: str
    protected: bool
    downgrade: bool
    current: list[str]
    target: list[str]
    revisions: list[PlannedData]
    baseline: str | None
    """The file of the schema that is created first."""
    waiting: list[WaitingData]
    own: list[OwnData]
    recording: bool
    """Whether the revisions are recorded without running, because their schema was pushed."""
    fingerprint: str
    hazards: NotRequired[list[HazardData]]
    """The hazards of the pending revisions, where they were traced."""


class AppliedData(RevisionName):
    """A revision that ran."""

    seconds: float


class RunAnswer(TypedDict):
    """What ran: the answer without `--dry-run`."""

    environment: str
    destination: str
    downgrade: bool
    elsewhere: bool
    """Whether another migrator has applied the plan meanwhile."""
    applied: list[AppliedData]
    recorded: bool
    current: list[str]
    waiting: list[WaitingData]


class InterruptedData(TypedDict):
    """A revision that was interrupted."""

    id: str
    done: int
    """The completed steps."""


class PhaseData(TypedDict):
    """A change without downtime."""

    change: str
    phase: Literal["pending", "expanded", "backfilled", "contracted"]
    filled: int | None
    total: int | None


class PushedData(TypedDict):
    """What was pushed since the current revision."""

    statements: int
    interrupted: bool


class EnvironmentData(TypedDict):
    """The state of an environment; null is unknown where the database could not be read."""

    environment: str
    branch: str
    protected: bool
    destination: str
    current: list[str] | None
    applied: list[RevisionName]
    pending: list[RevisionName]
    unknown: list[str]
    """Current revisions without a file."""
    edited: list[str]
    """Applied revisions whose files were edited since."""
    deleted: list[str]
    """Applied revisions whose files are missing."""
    interrupted: list[InterruptedData]
    drift: list[ObjectChange] | None
    """The differences from the schema of its revisions."""
    changes: list[PhaseData]
    waiting: list[WaitingData]
    heads: list[str]
    """The heads of the history, if there are several."""
    baseline: str | None
    pushed: PushedData | None
    problem: str | None
    """Why the database could not be read."""
    clean: bool
    """Whether nothing is pending, drifted, missing or on hold."""


class StatusAnswer(TypedDict):
    """Every environment."""

    environments: list[EnvironmentData]


class FindingData(TypedDict):
    """What fails a check."""

    kind: str
    environment: str | None
    """Null for a finding of the project."""
    text: str
    hint: str | None
    changes: list[ObjectChange]


class WaitingThere(WaitingData):
    """A contract revision on hold, and its environment."""

    environment: str | None


class CheckAnswer(TypedDict):
    """The findings of a check; `ok` is false if there is one, and the exit code is 3."""

    ok: bool
    findings: list[FindingData]
    waiting: list[WaitingThere]


class PushPlanAnswer(TypedDict):
    """The statements of a push: the answer with `--dry-run`."""

    environment: str
    destination: str
    current: list[str]
    base: list[str]
    """The revisions that it is pushed upon."""
    pushed: int
    """The number of statements pushed since."""
    message: str
    steps: list[StepData]
    tables: int
    fingerprint: str


class PushAnswer(PushPlanAnswer):
    """What was pushed: the answer without `--dry-run`."""

    seconds: float


class EntryThere(EntryData):
    """An entry of the ledger of an environment."""

    environment: str


class ProblemData(TypedDict):
    """An environment whose ledger could not be read."""

    environment: str
    problem: str


class LogAnswer(TypedDict):
    """The entries of the ledgers, newest first."""

    entries: list[EntryThere]
    earlier: int
    """The number of entries that `-n` has left out."""
    problems: list[ProblemData]


class PlaceData(TypedDict):
    """A revision on an environment."""

    environment: str
    protected: bool
    applied: bool | None
    """Null where that is unknown."""
    entry: EntryData | None
    """The last entry of the ledger about the revision."""
    problem: str | None


class ShowAnswer(TypedDict):
    """A revision with its SQL, its hazards and its environments."""

    revision: str
    message: str
    path: str
    follows: list[str]
    replaces: list[str]
    steps: int | None
    """The number of transactions; null if its Python decides."""
    environments: list[PlaceData]
    upgrade: str
    downgrade: str
    hazards: list[HazardData] | None
    """Null where they were not traced."""
    unchecked: str | None
    """Why they could not be traced."""
