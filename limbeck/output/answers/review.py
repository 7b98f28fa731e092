"""The answers of `lint`, `diff`, `rehearse`, `erd` and `preview up`."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from limbeck.output.answers.parts import HazardData, PassageData, RevisionFile, StepData

State = Literal["same", "new", "gone", "changed"]


class AllowedData(HazardData):
    """A hazard that a comment in the revision allows."""

    reason: str


class LintAnswer(TypedDict):
    """What revisions would do to others."""

    environment: str | None
    revisions: list[RevisionFile]
    hazards: list[HazardData]
    allowed: list[AllowedData]
    blocking: int
    """The number of blocking hazards; with one, the exit code is 3."""
    passages: dict[str, PassageData]
    """What applications live through, by the id of the revision."""


# `from` is a keyword of Python.
_From = TypedDict("_From", {"from": Annotated[str, "The first schema, without a password."]})


class DiffAnswer(_From):
    """The statements that turn one schema into another."""

    to: str
    steps: list[StepData]


class HoldData(TypedDict):
    """A lock on a table that was held."""

    table: str
    mode: str
    rewritten: bool
    rows: int
    seconds: float
    line: int


class RehearsedData(TypedDict):
    """A revision that ran on the throw-away branch."""

    id: str
    message: str
    seconds: float
    holds: list[HoldData]
    passage: PassageData | None


class OffendingData(TypedDict):
    """Rows that violate a new constraint."""

    table: str
    reason: str
    count: int
    columns: list[str]
    keys: list[list[str]]
    """The keys of the first rows."""


class FailedData(TypedDict):
    """A revision that failed."""

    id: str
    message: str
    words: str
    """The server's message."""
    offending: OffendingData | None


class RehearseAnswer(TypedDict):
    """A rehearsal of pending revisions on a throw-away branch."""

    environment: str
    branch: str
    revisions: list[RehearsedData]
    failed: FailedData | None
    difference: str
    """The SQL that turns the old schema into the new one."""
    test: int | None
    """The exit code of the test."""
    good: bool


class ColumnData(TypedDict):
    """A column of a table."""

    name: str
    type: str
    primary_key: bool
    foreign_key: bool
    nullable: bool
    state: State
    was: str | None
    """The earlier type, if it has changed."""


class TableData(TypedDict):
    """A table."""

    schema: str
    name: str
    state: State
    comment: str | None
    columns: list[ColumnData]


class RelationData(TypedDict):
    """A foreign key."""

    name: str
    table: str
    columns: list[str]
    references: str
    many: bool
    """Whether several rows may refer to the same row."""
    optional: bool
    """Whether a row may refer to none."""
    state: State


class ErdAnswer(TypedDict):
    """Tables and relations; of two schemas, all of both with their state."""

    tables: list[TableData]
    relations: list[RelationData]


class PreviewAnswer(TypedDict):
    """The branch of a pull request. The URLs contain their passwords."""

    branch: str
    branch_id: str | None
    created: bool
    """False: the branch existed."""
    applied: list[str]
    db_url: str
    db_url_pooled: str
