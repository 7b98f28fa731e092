"""The answers of `pull`, `branches` and `url`."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from limbeck.output.answers.everyday import GeneratedAnswer
from limbeck.output.answers.parts import ObjectChange


class RenameData(TypedDict):
    """A table or column whose class or attribute keeps its name."""

    before: str
    after: str


class PullAnswer(TypedDict):
    """Models of a live database."""

    source: str
    files: list[str]
    written: list[str] | None
    """Null when no file was to be written."""
    new: list[str]
    changed: list[str]
    renamed: list[RenameData]
    gone: list[str]
    """Objects that only the models have."""
    left: list[str]
    """What has to be changed by hand."""
    notes: list[str]
    proved: bool
    exact: bool
    counts: dict[str, int]
    """The number of objects of each kind."""
    lost: list[ObjectChange]
    reordered: list[str]
    """Tables whose columns have another order."""
    unreadable: list[str]
    baseline: NotRequired[GeneratedAnswer]
    """The revision of `--baseline`."""


class BranchData(TypedDict):
    """A branch."""

    name: str
    parent: str | None
    default: bool
    protected: bool
    created_at: str
    expires_at: str | None
    id: NotRequired[str]
    """Neon's id."""


class BranchesAnswer(TypedDict):
    """The branches."""

    branches: list[BranchData]


class BranchDiffAnswer(TypedDict):
    """The SQL that turns the schema of one branch into that of another."""

    base_branch: str
    compare_branch: str
    has_changes: bool
    diff: str


class UrlAnswer(TypedDict):
    """Both URLs of an environment, with their passwords."""

    DATABASE_URL: str
    """The pooled URL."""
    DATABASE_URL_UNPOOLED: str
    """The direct URL."""
    NEON_BRANCH: NotRequired[str]
