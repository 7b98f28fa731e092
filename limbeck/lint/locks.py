"""Which locks a revision holds on existing tables, from which statement to which commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.dataclass import dataclass
from limbeck.history.revisions import Revision
from limbeck.lint.trace.statement import MODES, Statement, strength

# The weakest lock that anybody but a writer holds: it blocks other changes of the schema.
WEAKEST = MODES.index("ShareUpdateExclusiveLock")


@dataclass(frozen=True, slots=True)
class Moment:
    """A statement of a revision; `transaction` is None outside of transactions."""

    line: int
    text: str
    seconds: float
    transaction: int | None


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a table, from the number of the statement that acquires it to that of the last.

    The last statement is that before the commit: Postgres releases no lock earlier.
    """

    table: str
    mode: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The statements of a revision in their order, and the locks that they hold."""

    revision: Revision
    moments: tuple[Moment, ...]
    locks: tuple[Lock, ...]

    def seconds(self, lock: Lock) -> float:
        """Return how long a lock was held in the run that was observed."""
        return sum(moment.seconds for moment in self.moments[lock.first : lock.last + 1])


def timeline(revision: Revision, statements: Sequence[Statement]) -> Timeline:
    """Return the timeline of statements that ran, without the questions of SQLAlchemy."""
    statements = [each for each in statements if each.tag != "SHOW"]
    moments = tuple(
        Moment(each.line, " ".join(each.text.split()), each.seconds, each.transaction)
        for each in statements
    )
    return Timeline(revision, moments, tuple(_locks(statements)))


def _locks(statements: Sequence[Statement]) -> Iterator[Lock]:
    """Yield the strongest lock on each table in each transaction, in their order."""
    ends = {each.transaction: number for number, each in enumerate(statements)}
    last: dict[tuple[int, int | None], int] = {}
    for number, statement in enumerate(statements):
        alone = statement.transaction is None
        for oid, mode in sorted(_acquired(statement)):
            # A weaker lock on the same table adds nothing until the commit.
            if alone or strength(mode) > last.get((oid, statement.transaction), -1):
                last[oid, statement.transaction] = strength(mode)
                end = number if alone else ends[statement.transaction]
                yield Lock(str(statement.name(oid)), mode, number, end)


def _acquired(statement: Statement) -> Iterator[tuple[int, str]]:
    for oid, mode in statement.locks.items():
        relation = statement.before.relations.get(oid)
        table = relation is not None and relation.kind in "rpm" and oid in statement.existing
        if table and strength(mode) >= WEAKEST:
            yield oid, mode
