"""The input of a rule: a statement, its place in the revision, and statistics of the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property

from limbeck.dataclass import dataclass
from limbeck.lint.trace.facts import Column, Constraint, Facts, Index, Named, Relation, Type
from limbeck.lint.trace.moments import Pairs
from limbeck.lint.trace.statement import BLOCKS_WRITES, Statement, strength
from limbeck.lint.trace.tracing import Trace


@dataclass(frozen=True, slots=True)
class Target:
    """Statistics of an environment about the tables that a revision touches.

    `sizes` has (rows, bytes) by table, `empty` the tables without a row, `nulls` the fraction of
    NULLs by table and column, `invalid` the indexes that an interrupted CONCURRENTLY left.
    """

    environment: str
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    nulls: Mapping[tuple[str, str], float] = field(default_factory=dict)
    invalid: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """A statement of a trace, with the questions that rules ask; new objects are left out.

    `place` is the number of statements before it. `altered` has the place of the first ALTER TABLE
    of the trace that blocks a table.
    """

    trace: Trace
    statement: Statement
    target: Target | None
    place: int
    altered: Mapping[int, int] = field(default_factory=dict)

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
        """The relations that others wait for while the statement runs, with the locks.

        The work on a table that is empty on the target takes no time.
        """
        return {oid: mode for oid, mode in self.statement.blocked() if not self.is_empty(oid)}

    @cached_property
    def rewritten(self) -> frozenset[int]:
        """The blocked relations that are rewritten."""
        return self.statement.rewritten() & self.blocked.keys()

    @cached_property
    def fresh(self) -> frozenset[tuple[int, int]]:
        """The columns, as (table, number), that the statement adds to existing tables."""
        new = (key for key, (was, _) in self._columns.items() if was is None)
        return frozenset(key for key in new if self.exists(key[0]))

    @cached_property
    def _columns(self) -> Pairs[tuple[int, int], Column]:
        # Many rules ask this about every statement, and most statements change no column.
        return self.after.columns.since(self.before.columns)

    @cached_property
    def constraints(self) -> Pairs[int, Constraint]:
        """The constraints that the statement has changed, before and after it."""
        return self.after.constraints.since(self.before.constraints)

    @cached_property
    def types(self) -> Pairs[int, Type]:
        """The enums and domains that the statement has changed, before and after it."""
        return self.after.types.since(self.before.types)

    @cached_property
    def others(self) -> Pairs[tuple[str, int, int], Named]:
        """The other named objects that the statement has changed, before and after it."""
        return self.after.others.since(self.before.others)

    def exists(self, relation: int) -> bool:
        """Return whether a relation existed before the traced revisions."""
        return relation in self.statement.existing

    def is_empty(self, relation: int) -> bool:
        """Return whether a table, or the table of an index, has no row on the target."""
        if self.target is None or not self.target.empty:
            return False
        index = self.before.indexes.get(relation)
        return self.name(index.table if index else relation) in self.target.empty

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
            if strength(mode) >= BLOCKS_WRITES and self.is_table(oid)
        }

    def is_table(self, relation: int) -> bool:
        """Return whether a relation is an existing table, partitioned or not."""
        table = self.before.relations.get(relation)
        return self.exists(relation) and table is not None and table.kind in "rp"

    def added_columns(self, table: int | None = None) -> Iterator[Column]:
        """Yield the new columns of existing tables, or of one of them."""
        for key in sorted(self.fresh):
            if table in {None, key[0]}:
                yield self.after.columns[key]

    def altered_columns(self) -> Iterator[tuple[Column, Column]]:
        """Yield the changed columns of existing tables, as (before, after)."""
        for was, now in self._columns.values():
            if was and now and self.is_table(now.table):
                yield was, now

    def dropped_columns(self) -> Iterator[Column]:
        """Yield the dropped columns of existing tables that stay."""
        for was, now in self._columns.values():
            if (
                was
                and now is None
                and was.table in self.after.relations
                and self.is_table(was.table)
            ):
                yield was

    def added_constraints(self, kinds: str) -> Iterator[Constraint]:
        """Yield the new constraints of existing tables, except those that partitions inherit."""
        for was, new in self.constraints.values():
            added = new and not was and new.kind in kinds
            if new and added and self.exists(new.table) and not new.parent:
                yield new

    def dropped_constraints(self, kinds: str) -> Iterator[Constraint]:
        """Yield the dropped constraints of existing tables that stay."""
        for old, now in self.constraints.values():
            if old is None or now is not None:
                continue
            stays = self.exists(old.table) and old.table in self.after.relations
            if old.kind in kinds and stays and not self._recreated(old):
                yield old

    def _recreated(self, constraint: Constraint) -> bool:
        # A change of type drops the constraints of the column and creates them again.
        return any(
            now and now.name == constraint.name and now.table == constraint.table
            for _, now in self.constraints.values()
        )

    def validated(self) -> Iterator[Constraint]:
        """Yield the constraints that were NOT VALID and are valid now."""
        for was, now in self.constraints.values():
            if was and now and now.valid and not was.valid:
                yield now

    def inline(self, constraint: Constraint) -> bool:
        """Return whether the statement adds a constraint together with its columns."""
        keys = {(constraint.table, number) for number in constraint.columns}
        return bool(keys) and keys <= self.fresh

    def built(self) -> Iterator[Index]:
        """Yield the new indexes of existing tables."""
        for oid in sorted(self.statement.built()):
            index = self.after.indexes[oid]
            if self.exists(index.table):
                yield index

    def constrained(self, index: Index) -> Constraint | None:
        """Return the constraint that an index belongs to which the statement has built."""
        own = (now for _, now in self.constraints.values() if now and now.index == index.oid)
        return next((each for each in own if each.kind in "pux"), None)

    def columns(self, table: int, numbers: tuple[int, ...]) -> str:
        """Return the names of columns, separated by commas."""
        facts = self.after if (table, numbers[0] if numbers else 0) in self.after.columns else None
        known = (facts or self.before).columns
        return ", ".join(
            known[table, number].name for number in numbers if (table, number) in known
        )

    def held(self) -> Iterator[tuple[int, str]]:
        """Yield the existing tables that earlier statements of the transaction locked strongly.

        They come in the order in which they were locked, with their locks.
        """
        before = self.trace.statements[self.place - 1] if self.place else None
        number = self.statement.transaction
        if before is None or number is None or before.transaction != number:
            return
        for oid, mode in before.strong.items():
            if strength(mode) >= BLOCKS_WRITES and self.is_table(oid):
                yield oid, mode

    def size(self, relation: str) -> tuple[int, int] | None:
        """Return the rows and bytes of a table on the target, if there is one."""
        return self.target.sizes.get(relation) if self.target else None

    def gone(self) -> Iterator[Relation]:
        """Yield the existing relations that are dropped."""
        for oid in sorted(self.statement.dropped()):
            if self.exists(oid):
                yield self.before.relations[oid]

    def renamed(self) -> Iterator[tuple[Relation, Relation]]:
        """Yield the existing relations with a new name or schema, as (before, after)."""
        for oid, (was, now) in self.statement.relations().items():
            if (
                was
                and now
                and self.exists(oid)
                and (was.schema, was.name) != (now.schema, now.name)
            ):
                yield was, now
