"""What a rule looks at: a statement, where it stands in its revision, and what is at the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from limbeck.lint.trace.facts import Column, Constraint, Facts, Index, Relation
from limbeck.lint.trace.statement import Statement, strength
from limbeck.lint.trace.tracing import Trace


@dataclass(frozen=True, slots=True)
class Target:
    """What the statistics of an environment say about the tables that a revision touches.

    `nulls` holds the fraction of NULLs by table and column, `invalid` the indexes that an
    interrupted CONCURRENTLY left, by table.
    """

    environment: str
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    nulls: Mapping[tuple[str, str], float] = field(default_factory=dict)
    invalid: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One statement of a trace, as rules ask about it; only what existed before is spoken of."""

    trace: Trace
    statement: Statement
    target: Target | None = None

    @property
    def before(self) -> Facts:
        """The catalog before the statement."""
        return self.statement.before

    @property
    def after(self) -> Facts:
        """The catalog after the statement."""
        return self.statement.after

    @property
    def start(self) -> Facts:
        """The catalog before the revision."""
        return self.trace.statements[0].before

    @property
    def end(self) -> Facts:
        """The catalog after the revision."""
        return self.trace.statements[-1].after

    @cached_property
    def blocked(self) -> dict[int, str]:
        """The relations that others wait for while the statement works, with the lock."""
        return dict(self.statement.blocked())

    @cached_property
    def rewritten(self) -> frozenset[int]:
        """The blocked relations that are written anew."""
        return self.statement.rewritten() & self.blocked.keys()

    @cached_property
    def fresh(self) -> frozenset[tuple[int, int]]:
        """The columns, as (table, number), that the statement adds to existing tables."""
        new = self.after.columns.keys() - self.before.columns.keys()
        return frozenset(key for key in new if self.exists(key[0]))

    def exists(self, relation: int) -> bool:
        """Whether a relation was there before the traced revisions."""
        return relation in self.statement.existing

    def name(self, relation: int) -> str:
        """Return a relation's name."""
        return self.statement.name(relation)

    def mode(self, relation: int) -> str | None:
        """Return the strongest lock on a relation while the statement runs."""
        statement = self.statement
        return max((statement.held.get(relation), statement.locks.get(relation)), key=strength)

    def strong(self) -> dict[int, str]:
        """Return the existing tables that the statement itself locks against writes or reads."""
        return {
            oid: mode
            for oid, mode in self.statement.locks.items()
            if strength(mode) >= strength("ShareLock") and self.is_table(oid)
        }

    def is_table(self, relation: int) -> bool:
        """Whether it is an existing table, with or without partitions."""
        found = self.before.relations.get(relation)
        return self.exists(relation) and found is not None and found.kind in "rp"

    def added_columns(self, table: int | None = None) -> Iterator[Column]:
        """Yield the columns that existing tables, or one table, get."""
        for key in sorted(self.fresh):
            if table in {None, key[0]}:
                yield self.after.columns[key]

    def altered_columns(self) -> Iterator[tuple[Column, Column]]:
        """Yield the columns of existing tables that are different now: before, after."""
        yield from self._altered

    @cached_property
    def _altered(self) -> tuple[tuple[Column, Column], ...]:
        # Many rules ask, of every statement, and most statements change no column.
        before, after = self.before.columns, self.after.columns
        found = before.items() if before is not after else ()
        return tuple(
            (was, now)
            for key, was in found
            if (now := after.get(key)) and now != was and self.is_table(key[0])
        )

    def dropped_columns(self) -> Iterator[Column]:
        """Yield the columns that existing tables lose, which stay themselves."""
        for key, was in self.before.columns.items() if self.before is not self.after else ():
            gone = key not in self.after.columns and key[0] in self.after.relations
            if gone and self.is_table(key[0]):
                yield was

    def added_constraints(self, kinds: str) -> Iterator[Constraint]:
        """Yield the new constraints of existing tables, without those that partitions inherit."""
        for oid in sorted(self.after.constraints.keys() - self.before.constraints.keys()):
            found = self.after.constraints[oid]
            if found.kind in kinds and self.exists(found.table) and not found.parent:
                yield found

    def dropped_constraints(self, kinds: str) -> Iterator[Constraint]:
        """Yield the constraints that existing tables lose, which stay themselves."""
        for oid in sorted(self.before.constraints.keys() - self.after.constraints.keys()):
            found = self.before.constraints[oid]
            kept = self.exists(found.table) and found.table in self.after.relations
            if found.kind in kinds and kept and not self._again(found):
                yield found

    def _again(self, constraint: Constraint) -> bool:
        # A change of type makes the constraints of the column anew.
        return any(
            now.name == constraint.name and now.table == constraint.table
            for now in self.after.constraints.values()
        )

    def validated(self) -> Iterator[Constraint]:
        """Yield the constraints that were NOT VALID and are valid now."""
        for oid, now in self.after.constraints.items():
            was = self.before.constraints.get(oid)
            if was and now.valid and not was.valid:
                yield now

    def inline(self, constraint: Constraint) -> bool:
        """Whether a constraint came with the columns it is on."""
        keys = {(constraint.table, number) for number in constraint.columns}
        return bool(keys) and keys <= self.fresh

    def built(self) -> Iterator[Index]:
        """Yield the new indexes of existing tables."""
        for oid in sorted(self.statement.built()):
            found = self.after.indexes[oid]
            if self.exists(found.table):
                yield found

    def constrained(self, index: Index) -> Constraint | None:
        """Return the constraint that an index stands for."""
        found = self.after.constraints.values()
        return next((one for one in found if one.index == index.oid and one.kind in "pux"), None)

    def columns(self, table: int, numbers: tuple[int, ...]) -> str:
        """Return the names of columns, with commas."""
        facts = self.after if (table, numbers[0] if numbers else 0) in self.after.columns else None
        known = (facts or self.before).columns
        return ", ".join(known[table, one].name for one in numbers if (table, one) in known)

    def earlier(self) -> tuple[Statement, ...]:
        """Return the statements of the same transaction before this one."""
        number = self.statement.transaction
        found = self.trace.statements
        at = next(place for place, one in enumerate(found) if one is self.statement)
        same = (one for one in found[:at] if one.transaction == number)
        return tuple(same) if number is not None else ()

    def size(self, relation: str) -> tuple[int, int] | None:
        """Return a table's rows and bytes on the target, where they were asked for."""
        return self.target.sizes.get(relation) if self.target else None

    def gone(self) -> Iterator[Relation]:
        """Yield the existing relations that are dropped."""
        for oid in sorted(self.statement.dropped()):
            if self.exists(oid):
                yield self.before.relations[oid]

    def renamed(self) -> Iterator[tuple[Relation, Relation]]:
        """Yield the existing relations with another name or schema: before, after."""
        for oid, was in self.before.relations.items():
            now = self.after.relations.get(oid)
            if now and self.exists(oid) and (was.schema, was.name) != (now.schema, now.name):
                yield was, now
