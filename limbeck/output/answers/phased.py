"""The answers of `backfill` and `undo`."""

from __future__ import annotations

from typing import Annotated, TypedDict


class TaskData(TypedDict):
    """A backfill to do."""

    change: str
    table: str
    set: dict[str, str | None]
    """The SQL of each column; null where Python computes it."""
    where: str
    python: str | None
    """The function that computes the values."""
    done: int | None
    """The rows that an interrupted backfill has read."""
    rows: int | None
    wrong: int | None
    """The estimated number of rows to fill in."""
    seconds: float | None


class VerifiedData(TypedDict):
    """A backfill that was verified."""

    change: str
    table: str


class BackfillPlanAnswer(TypedDict):
    """Pending backfills with estimates: the answer with `--dry-run`."""

    environment: str
    destination: str
    protected: bool
    backfills: list[TaskData]
    verified: list[VerifiedData]


class FilledData(TypedDict):
    """A backfill that ran."""

    change: str
    table: str
    changed: int
    """The number of changed rows."""
    passes: int
    seconds: float


class BackfillAnswer(TypedDict):
    """What was filled in: the answer without `--dry-run`."""

    environment: str
    destination: str
    filled: list[FilledData]


# The key is older than the rule that no name of limbeck's own is `kept`.
_Kept = TypedDict(  # noqa: UP013
    "_Kept",
    {"kept": Annotated[str, "The branch from before the contract, whose state is restored."]},
)


class UndoAnswer(_Kept):
    """An undone contract."""

    environment: str
    destination: str
    branch: str
    since: str
    """The time of that state, as in RFC 3339."""
    changes: list[str]
    revisions: list[str]
    """Revisions that are no longer applied."""
    preserved: str
    """The branch that keeps the state until now."""
