"""One statement and what it was seen to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from limbeck.lint.trace.facts import Facts

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
"""Postgres' table locks, weakest first (section Explicit Locking of its manual)."""

BLOCKS_WRITES = MODES.index("ShareLock")
BLOCKS_READS = MODES.index("AccessExclusiveLock")


def strength(mode: str | None) -> int:
    """Return a lock's place among MODES, -1 for none."""
    return MODES.index(mode) if mode in MODES else -1


SEQUENCE = "S"  # its relkind


@dataclass(frozen=True, slots=True)
class Work:
    """What a statement did to one relation: sequential scans begun, rows written."""

    scans: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a statement did not run."""

    sqlstate: str
    message: str
    column: str | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a revision, and what was observed while and after it ran.

    `locks` are the strongest modes on relations by oid, wherever this statement took or asked for
    them; `held` are those that the transaction holds at its end, earlier statements' included.
    `transaction` numbers the transactions of a revision, None is outside of any. `waits` is set
    where it waited for other transactions to end, as CONCURRENTLY does. `existing` holds the
    relations that were there before the traced revisions. Scans are counted by Postgres within a
    transaction only.
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
    work: Mapping[int, Work] = field(default_factory=dict)
    waits: bool = False
    failure: Failure | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def name(self, oid: int) -> str:
        """Return a relation's name, as it was before the statement."""
        return (self.before if oid in self.before.relations else self.after).name(oid)

    def rewritten(self) -> frozenset[int]:
        """Return the relations, indexes too, that stand in another file than before."""
        return frozenset(
            oid
            for oid, now in self.after.relations.items()
            if (was := self.before.relations.get(oid)) and was.file != now.file
        )

    def dropped(self) -> frozenset[int]:
        """Return the relations that are gone."""
        return frozenset(self.before.relations.keys() - self.after.relations.keys())

    def built(self) -> frozenset[int]:
        """Return the indexes that are new, in new files."""
        names = {str(self.before.relations[oid]) for oid in self.before.indexes}
        return frozenset(oid for oid in _made(self) if self.after.name(oid) not in names)

    def rebuilt(self) -> frozenset[int]:
        """Return the indexes that were there and stand in another file now.

        A change of type makes an index anew under its name, but keeps the file if it can.
        """
        again = _made(self) - self.built()
        return again | frozenset(oid for oid in self.rewritten() if oid in self.after.indexes)

    def scanned(self) -> frozenset[int]:
        """Return the relations that were read from beginning to end."""
        return frozenset(oid for oid, work in self.work.items() if work.scans > 0)

    def worked_on(self) -> frozenset[int]:
        """Return the relations that were scanned or rewritten."""
        return self.scanned() | self.rewritten()

    def blocked(self) -> Iterator[tuple[int, str]]:
        """Yield existing relations that nobody can write to while the statement works on them.

        An instant change under a strong lock is not among them: it takes no longer on a big table.
        Nor is a sequence, which has one row.
        """
        modes = {oid: max(_both(self, oid), key=strength) for oid in {*self.held, *self.locks}}
        for oid in sorted(self.worked_on() & self.existing & modes.keys()):
            long = self.before.relations[oid].kind != SEQUENCE
            if long and strength(modes[oid]) >= BLOCKS_WRITES:
                yield oid, modes[oid]


def _both(statement: Statement, oid: int) -> list[str]:
    return [modes[oid] for modes in (statement.held, statement.locks) if oid in modes]


def _made(statement: Statement) -> frozenset[int]:
    files = {one.file for one in statement.before.relations.values()}
    new = statement.after.indexes.keys() - statement.before.indexes.keys()
    # The index of a partitioned table has no file.
    return frozenset(oid for oid in new if statement.after.relations[oid].file not in files - {0})
