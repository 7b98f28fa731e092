"""The answers of `init`, `doctor` and `local status`."""

from __future__ import annotations

from typing import Literal, TypedDict


class UnderstoodData(TypedDict):
    """What limbeck understands of a project."""

    revisions: int
    heads: list[str]
    lasting_heads: list[str]
    folders: int
    depends_on: bool
    version_table: str | None
    version_table_schema: str | None
    tables: int | None
    env_py: list[str]
    """The settings of env.py that limbeck honours."""
    problems: list[str]
    interpreter: str
    outside: str | None


class FileData(TypedDict):
    """A file that `init` writes."""

    path: str
    action: Literal["create", "append", "change"]
    lines: list[str]
    """The lines that it gets, after `+`, and loses, after `-`."""


class DifferenceData(TypedDict):
    """A difference between two schemas."""

    object: str
    attribute: str | None
    """Null if only one of them has the object."""
    before: str | None
    after: str | None


class NextData(TypedDict):
    """A command to run next."""

    command: str
    effect: str


class PartData(TypedDict):
    """An answer of a trial."""

    agrees: bool
    compared: list[Literal["history", "database", "models"]] | None
    problem: str | None
    hint: str | None
    differences: list[DifferenceData]
    next: list[NextData]


class TrialHistory(PartData):
    """Whether the history runs on an empty database."""

    revisions: int


class TrialPlace(TypedDict):
    """The database of a trial."""

    destination: str
    current: list[str] | None
    behind: int
    compared_at: list[str]


class TrialDatabase(PartData, TrialPlace):
    """Whether a database is what the history makes."""


class TrialData(TypedDict):
    """The answers of `init --try`."""

    history: TrialHistory
    database: TrialDatabase | None
    models: PartData


class InitAnswer(TypedDict):
    """What `init` understands and would write."""

    root: str
    history: str | None
    models: str | None
    understood: UnderstoodData | None
    unsupported: list[str]
    files: list[FileData]


class TriedData(TypedDict):
    """The outcome of a trial."""

    ok: bool
    """Whether everything agrees; if not, the exit code is 3."""
    trial: TrialData


class InitTryAnswer(InitAnswer, TriedData):
    """The answer of `init --try`."""


class RemarkData(TypedDict):
    """What is missing for an environment."""

    text: str
    hint: str | None
    fails: bool


class CheckupData(TypedDict):
    """The set-up of an environment."""

    environment: str
    place: str | None
    """Where its URL comes from."""
    destination: str
    reachable: bool
    declared: int | None
    """The major that its profile declares."""
    major: int | None
    shadow: str | None
    shadow_major: int | None
    remarks: list[RemarkData]


class ProfileData(TypedDict):
    """A profile that `--write` has completed."""

    path: str
    POSTGRES: int


class DoctorAnswer(TypedDict):
    """The set-up of each environment."""

    ok: bool
    facts: dict[str, str]
    environments: list[CheckupData]
    written: list[ProfileData]


class ServerData(TypedDict):
    """An embedded server."""

    running: bool
    major: int | None
    port: int | None
    pid: int | None
    home: str


class LocalStatusAnswer(ServerData):
    """The embedded server of the default environment, and others."""

    others: list[ServerData]
