"""Parts that the answers of several commands share."""

from __future__ import annotations

from typing import Literal, TypedDict


class RevisionName(TypedDict):
    """A revision."""

    id: str
    message: str


class RevisionFile(RevisionName):
    """A revision and its file."""

    path: str
    """Relative to the working directory if the file is below it."""


class ObjectChange(TypedDict):
    """An object that differs between two schemas."""

    change: Literal["new", "gone", "changed"]
    kind: str
    """The kind of object: `table`, `column`, `index` and so on."""
    object: str
    """The kind and the qualified name, such as `column public.books.title`."""


class StepData(TypedDict):
    """A statement of the difference between two schemas."""

    verb: str
    """What happens to the object: `create`, `alter`, `rename`, `drop` and so on."""
    kind: str
    object: str
    sql: str
    loses: str | None
    """The data that the statement loses."""
    note: str | None


class UseData(TypedDict):
    """A use of the old structure of a change."""

    kind: Literal["object", "statement", "session", "writes"]
    text: str


class WaitingData(TypedDict):
    """A contract revision on hold."""

    revision: str
    message: str
    change: str
    """The change whose old structure the revision removes."""
    why: Literal["backfill", "used", "contract"]
    """Its rows are not filled in; the old structure is in use; or only `contract` applies it."""
    reason: str
    hint: str
    uses: list[UseData]
    others: list[str]
    """Revisions that wait behind it."""


class SizeData(TypedDict):
    """The size of a table, as Postgres estimates it."""

    rows: int
    bytes: int


class HazardData(TypedDict):
    """What a statement of a revision does to others."""

    code: str
    """The rule: `docs/rules/CODE.md` describes it."""
    level: Literal["blocking", "warning", "note"]
    message: str
    recipe: str
    """What to write instead."""
    revision: str
    path: str
    line: int
    statement: str
    relation: str | None
    lock: str | None
    """The lock that the statement acquires, such as `ACCESS EXCLUSIVE`."""
    blocks: str | None
    """Whom the lock blocks."""
    size: SizeData | None
    """The size of the relation on the environment; null without one."""


class ProbeData(TypedDict):
    """A statement that limbeck tries at every commit point, as applications would run it."""

    relation: str
    action: str
    sql: str
    role: str
    outcomes: list[str]
    """The outcome before the revision, and after each of its commits."""


class GapStart(TypedDict):
    """The commit after which a gap begins."""

    commit: int
    statement: str
    where: str | None
    """File and line of the statement."""


class GapEnd(TypedDict):
    """The last commit after which a gap is open."""

    commit: int
    ended_by: str | None
    """The statement that ends the gap; null if it stays open."""


class GapData(TypedDict):
    """Statements of applications that fail, or see other rows, between two commits."""

    kind: Literal["fails", "hidden", "shown", "allowed", "apart", "privileges"]
    relation: str
    actions: list[str]
    roles: list[str]
    message: str
    first: GapStart
    last: GapEnd


class PassageData(TypedDict):
    """What applications live through while a revision runs."""

    commits: int
    points: list[list[str]]
    """The statements before each commit point; the first point is before the revision."""
    roles: list[str]
    probes: list[ProbeData]
    gaps: list[GapData]
    empty: list[str]
    """Relations that were probed without rows."""
    unprobed: list[str]
    problem: str | None
    """Why the revision could not be probed."""


class EntryData(TypedDict):
    """An entry of the ledger."""

    revision: str
    message: str
    action: str
    """`upgrade`, `downgrade`, `stamp`, `adopt`, `leave`, `push` or `unpush`."""
    started: str
    """A time as in RFC 3339."""
    finished: str | None
    """Null for a run that did not end."""
    seconds: float | None
    steps: int
    """The completed steps."""
    role: str
    author: str | None
    host: str | None
    application: str | None
