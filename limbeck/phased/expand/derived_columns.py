"""Recipe: split or merge columns of one table, which are derived from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand import copies
from limbeck.phased.expand.dropped_column import DroppedColumn
from limbeck.phased.expand.families import unseen
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.switching import unit_of
from limbeck.phased.expand.sync import Follower, Sync
from limbeck.phased.expand.values import computed_columns, is_exact
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import AlterNotNull
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote


@dataclass(frozen=True, slots=True)
class DerivedColumns(Recipe):
    """New columns of a table that replace old ones.

    `values` has the expression of each new column over the old ones, and of each old column over
    the new ones; `computed` are the generated columns with their expressions.
    """

    table: Table
    old: tuple[Column, ...]
    new: tuple[Column, ...]
    values: Mapping[Address, str]
    computed: tuple[tuple[str, str], ...] = ()

    @property
    def uses(self) -> tuple[str, ...]:
        """The old columns."""
        return tuple(name for column in self.old for name in DroppedColumn(column).uses)

    @property
    def sync(self) -> Sync:
        """The trigger that keeps both sides in step."""
        names = (*self.table.columns, *(column.name for column in (*self.old, *self.new)))
        forward, backward = self._followers(self.new), self._followers(self.old)
        path = quote(self.table.schema)
        where = self.table.address
        return Sync(where, names, forward, backward, path=path, computed=self.computed)

    def _followers(self, columns: Iterable[Column]) -> tuple[Follower, ...]:
        return tuple(
            Follower(column.name, self.values[column.address], is_exact(column), type=column.type)
            for column in columns
        )

    def covers(self, step: Step) -> bool:
        """Return whether a step drops one of the old columns or an object on it."""
        return any(DroppedColumn(column).covers(step) for column in self.old)

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse a table that others inherit from."""
        return list(unseen(before, self.table.address))

    def expand(self, before: Catalog) -> list[Step]:
        """Create the trigger; the new columns were added among the harmless steps."""
        del before
        return self.sync.create()

    def backfill(self) -> Sequence[Backfill]:
        """Return the backfill of the new columns."""
        return (copies.backfill(self.sync),)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Fill remaining rows, and drop the trigger with the old columns.

        Without the trigger an insert leaves the old columns empty, so they go, or lose their NOT
        NULL, in the same transaction.
        """
        del after
        yield from copies.left(self.backfill())
        steps = [*self.sync.drop(), *(step for old in self.old for step in _gone(old, middle))]
        yield from (step.in_unit(unit_of(self.table.address)) for step in steps)

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Add the old columns and derive their values from the new ones.

        During the backfill a reversed trigger derives the old columns from the new ones in every
        row that is written. Once all rows are filled, the trigger of the expand replaces it.
        """
        del middle, after
        for column in self.old:
            yield copies.added(copies.bare(column, column.name))
        back = replace(self, old=self.new, new=self.old).sync
        yield from back.create()
        yield copies.filled(back, self.table)
        yield from back.drop()
        yield from self.sync.create()


def _gone(column: Column, middle: Catalog) -> Iterator[Step]:
    """Drop a column, or its NOT NULL if the plain diff has to replace an object on it first."""
    referred = any(
        key.reference and key.reference.table == Address("table", column.schema, column.table)
        for key in middle.of(Constraint)
    )
    if copies.is_free(column, middle) and not referred:
        yield copies.dropped(column)
    elif column.not_null is not None:
        yield Step(AlterNotNull(column, replace(column, not_null=None)))


def derived(
    before: Catalog, after: Catalog, values: Mapping[Address, str]
) -> Iterator[DerivedColumns]:
    """Yield a recipe for each table that has both new and old columns with given values."""
    places = {Address("table", column.schema, column.name) for column in values}
    for place in sorted(places):
        table = before.objects.get(place)
        here = {at: value for at, value in values.items() if at[1:3] == place[1:3]}
        old = tuple(_columns(here, before, after))
        new = tuple(_columns(here, after, before))
        if isinstance(table, Table) and old and new:
            yield DerivedColumns(table, old, new, here, computed_columns(before, table))


def _columns(values: Iterable[Address], there: Catalog, not_there: Catalog) -> Iterator[Column]:
    for at in values:
        column = there.objects.get(at)
        if isinstance(column, Column) and at not in not_there.objects:
            yield column
