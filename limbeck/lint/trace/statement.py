"""A statement of a revision, and what was observed while it ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.lint.trace.facts import Facts, Relation
from limbeck.lint.trace.moments import Pairs
from limbeck.lint.trace.stored import Stored

MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
"""The table-level locks of Postgres, weakest first (manual, section 13.3, Explicit Locking)."""

OF_WRITERS = MODES.index("RowExclusiveLock")
BLOCKS_WRITES = MODES.index("ShareLock")
BLOCKS_READS = MODES.index("AccessExclusiveLock")


def strength(mode: str | None) -> int:
    """Return the index of a lock in MODES, -1 without a lock."""
    return MODES.index(mode) if mode in MODES else -1


SEQUENCE = "S"  # its relkind


@dataclass(frozen=True, slots=True)
class Activity:
    """Activity of a statement on one relation: sequential scans started, rows written."""

    scans: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a statement."""

    sqlstate: str
    message: str
    column: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a revision, and what was observed while it ran and afterwards.

    Args:
        text: The SQL.
        tag: The command tag, such as ALTER TABLE.
        line: The line of the revision file, 0 if unknown.
        seconds: The duration.
        transaction: The number of its transaction in the revision; None outside of transactions.
        before: The catalog before the statement.
        after: The catalog after the statement.
        existing: The relations that existed before the traced revisions.
        locks: The strongest lock on each relation that the statement itself acquired or requested.
        held: The locks that the transaction holds at its end, with those of earlier statements.
        strong: Those of them that writers do not hold, in the order in which they were acquired.
        activity: What it did to each relation; Postgres counts this only inside of transactions.
        waits: Whether it waited for other transactions to end, as CONCURRENTLY does.
        failure: The error, if Postgres refused the statement.
        settings: The timeouts and session_replication_role at that time.
        stored: What the functions have computed or checked that the statement changes.
        new: Whether it has touched nothing but what the traced revisions have created.

    """

    text: str
    tag: str
    line: int
    seconds: float
    transaction: int | None
    before: Facts
    after: Facts
    existing: frozenset[int]
    locks: Mapping[int, str] = field(default_factory=dict)
    held: Mapping[int, str] = field(default_factory=dict)
    strong: Mapping[int, str] = field(default_factory=dict)
    activity: Mapping[int, Activity] = field(default_factory=dict)
    waits: bool = False
    failure: Failure | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    stored: tuple[Stored, ...] = ()
    new: bool = False

    def name(self, oid: int) -> str:
        """Return the name that a relation had before the statement."""
        return (self.before if oid in self.before.relations else self.after).name(oid)

    def relations(self) -> Pairs[int, Relation]:
        """Return the relations that the statement has changed, before and after it."""
        return self.after.relations.since(self.before.relations)

    def rewritten(self) -> frozenset[int]:
        """Return the relations (indexes, too) whose file (relfilenode) has changed."""
        return frozenset(
            oid
            for oid, (was, now) in self.relations().items()
            if was and now and was.file != now.file
        )

    def dropped(self) -> frozenset[int]:
        """Return the relations that were dropped."""
        return frozenset(oid for oid, (_, now) in self.relations().items() if now is None)

    def built(self) -> frozenset[int]:
        """Return the new indexes with new files."""
        names = {str(was) for was, _ in self.relations().values() if was and was.kind in "iI"}
        return frozenset(oid for oid in _created(self) if self.after.name(oid) not in names)

    def rebuilt(self) -> frozenset[int]:
        """Return the existing indexes that have another file now.

        A change of type creates the index again under its name, with the old file if possible.
        """
        again = _created(self) - self.built()
        return again | frozenset(oid for oid in self.rewritten() if oid in self.after.indexes)

    def scanned(self) -> frozenset[int]:
        """Return the relations that were scanned sequentially."""
        return frozenset(oid for oid, activity in self.activity.items() if activity.scans > 0)

    def worked_on(self) -> frozenset[int]:
        """Return the relations that were scanned or rewritten."""
        return self.scanned() | self.rewritten()

    def blocked(self) -> Iterator[tuple[int, str]]:
        """Yield existing relations that block writes while they are scanned, with the locks.

        A change that only edits the catalog is not among them: it takes no longer on a big table.
        Nor is a sequence, which has one row.
        """
        # A transaction may hold a thousand locks, and a statement works on one relation.
        for oid in sorted(self.worked_on() & self.existing):
            mode = max(_both(self, oid), key=strength, default=None)
            long = self.before.relations[oid].kind != SEQUENCE
            if mode and long and strength(mode) >= BLOCKS_WRITES:
                yield oid, mode


def _both(statement: Statement, oid: int) -> list[str]:
    return [modes[oid] for modes in (statement.held, statement.locks) if oid in modes]


def _created(statement: Statement) -> frozenset[int]:
    relations = statement.relations()
    # The index of a partitioned table has no file: relfilenode is 0.
    files = {was.file for was, _ in relations.values() if was} - {0}
    return frozenset(
        oid
        for oid, (was, now) in relations.items()
        if was is None and now and now.kind in "iI" and now.file not in files
    )
