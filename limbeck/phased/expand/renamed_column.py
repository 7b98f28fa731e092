"""Recipe: rename a column; until the contract a copy has the new name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand import copies, twins
from limbeck.phased.expand.families import family, is_key_of_partitions, unseen
from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.switching import unit_of
from limbeck.phased.expand.sync import Follower, Sync
from limbeck.phased.expand.values import is_exact, is_steady
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import RenameColumn
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote


@dataclass(frozen=True, slots=True)
class RenamedColumn(Recipe):
    """A column that is renamed.

    A copy has the new name while both applications run. The contract drops the copy and renames
    the column itself, which so keeps its constraints, dependent objects and place in the table.
    """

    column: Column
    name: str
    table: Table

    @property
    def uses(self) -> tuple[str, ...]:
        """The column under its old name."""
        names = (self.column.schema, self.column.table, self.column.name)
        return (".".join(map(quote, names)),)

    @property
    def copy(self) -> Column:
        """The copy that has the new name until the contract."""
        copy = copies.bare(self.column, self.name)
        return replace(copy, default=self._steady)

    @property
    def _steady(self) -> str | None:
        default = self.column.default
        return default if default and not self._computed and is_steady(default) else None

    @property
    def _computed(self) -> bool:
        return bool(self.column.generated)

    @property
    def sync(self) -> Sync:
        """The trigger that keeps both in step; only forward, if the column is generated."""
        exact, names = is_exact(self.column), (*self.table.columns, self.name)
        old, new = self.column.name, self.name
        if self._computed:
            computed = Follower(new, f"({self.column.default})", exact)
            return Sync(self.table.address, names, (computed,))
        # record_image_ne() compares bytes, so the literal needs the type and typmod of the column.
        default = self._steady
        if default and not exact:
            default = f"({default})::{self.column.type}"
        return Sync(
            self.table.address,
            names,
            (Follower(new, quote(old), exact, default),),
            (Follower(old, quote(new), exact, default),),
        )

    def covers(self, step: Step) -> bool:
        """Return whether a step renames the column."""
        operation = step.operation
        return isinstance(operation, RenameColumn) and (
            operation.item.address == self.column.address and operation.name == self.name
        )

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse tables that others inherit from, and columns of a partition key."""
        members = family(before, self.table.address)
        reasons = list(unseen(before, self.table.address))
        if any(is_key_of_partitions(member, self.column.name) for member in members):
            reasons.append(f"{self.column.address} is in the partition key")
        return reasons

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Yield the steps that add the copy with its grants, default, trigger and indexes."""
        yield from self.copied()
        for index in twins.indexes(self.table.address, {self.column.name: self.name}, before):
            yield twins.built(index)

    def copied(self) -> Iterator[Step]:
        """Yield the steps that add the copy and keep it in step."""
        bare = replace(self.copy, default=None)
        yield copies.added(bare)
        yield copies.granted(self.column, self.name)
        if self._steady:
            yield copies.with_default(bare, self._steady)
        yield from self.sync.create()

    def backfill(self) -> Sequence[Backfill]:
        """Return the backfill of the copy."""
        return (copies.backfill(self.sync),)

    def switch(self) -> Iterator[Step]:
        """Drop the trigger and the copy; the plain diff then renames the column."""
        yield from self.sync.drop()
        yield copies.dropped(self.copy)

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Add a copy under the old name, fill it, and exchange the names of both.

        The column keeps its values under the new name all the time, so the new application never
        reads a row that is not filled.
        """
        del middle, after
        back = self._turned
        yield from back.copied()
        yield copies.filled(back.sync, self.table)
        yield from self._names_change(back)

    @property
    def _turned(self) -> RenamedColumn:
        """The rename back, of the column under its new name."""
        names = {self.column.name: self.name}
        columns = tuple(names.get(name, name) for name in self.table.columns)
        column = replace(self.column, name=self.name)
        return RenamedColumn(column, self.column.name, replace(self.table, columns=columns))

    def _names_change(self, back: RenamedColumn) -> Iterator[Step]:
        aside = beside(self.name, "_old")
        steps = (
            *back.sync.drop(),
            copies.renamed(back.copy, aside),
            copies.renamed(back.column, self.column.name),
            copies.renamed(replace(back.copy, name=aside), self.name),
            *self.sync.create(),
        )
        unit = unit_of(self.table.address)
        yield from (step.in_unit(unit) for step in steps)
