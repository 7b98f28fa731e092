"""The answers of `revision`, `merge`, `squash`, `accept`, `baseline` and `repair`."""

from __future__ import annotations

from typing import Literal, TypedDict

from limbeck.output.answers.parts import ObjectChange, RevisionFile, RevisionName


class RevisionAnswer(TypedDict):
    """The written revision; `table` and `test` are null without `--data`."""

    path: str
    revision: str
    message: str
    table: str | None
    test: str | None


class MergeAnswer(TypedDict):
    """The written merge revision, and the heads that it joins."""

    path: str
    heads: list[RevisionName]


class LeftOutData(TypedDict):
    """A statement that a new database does not need."""

    revision: str
    statement: str


class SquashAnswer(TypedDict):
    """The revision that replaces several; `path` is null with `--dry-run`."""

    path: str | None
    revision: str
    replaced: list[RevisionFile]
    verbatim: bool
    left_out: list[LeftOutData]
    text: str
    """The text of the file."""


class AcceptedData(TypedDict):
    """An accepted difference."""

    object: str
    attribute: str
    """Empty if only one side has the object."""
    history: str | None
    models: str | None
    reason: str


class AcceptAnswer(TypedDict):
    """The accepted differences."""

    file: str
    added: list[AcceptedData]
    idle: list[AcceptedData]
    """Entries that apply to nothing any more."""


class BaselineAnswer(TypedDict):
    """The schema from which replays start."""

    path: str
    revisions: list[str]
    environment: str
    server: str
    tables: int
    covered: int
    """The number of revisions that are not replayed any more."""
    following: int
    """The number of revisions that are replayed on it."""


class HalfData(TypedDict):
    """A half-done revision."""

    id: str
    message: str
    action: str
    done: int
    """The completed steps."""
    doubt: bool
    """Whether the statement after them may have run, too."""
    path: str | None
    standing: Literal["done", "undone", "half", "unknown", "failing", "deleted"]
    missing: list[ObjectChange]
    left: list[ObjectChange]
    next: list[str]
    """The commands that end it, the first choice first."""


class RepairAnswer(TypedDict):
    """Half-done revisions, or how one was marked."""

    environment: str
    destination: str
    current: list[str]
    marked: str | None
    mark: Literal["done", "undone", "forgotten"] | None
    halves: list[HalfData]
