"""Split or merge columns: old and new ones are made from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from limbeck.phased.expand import copies
from limbeck.phased.expand.dropped_column import DroppedColumn
from limbeck.phased.expand.families import unseen
from limbeck.phased.expand.sync import Follower, Sync
from limbeck.phased.expand.values import is_exact
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class DerivedColumns:
    """Columns of one table that take the place of others.

    `values` has for each of them, old and new, the expression over the others that gives it.
    """

    table: Table
    old: tuple[Column, ...]
    new: tuple[Column, ...]
    values: Mapping[Address, str]

    @property
    def uses(self) -> tuple[str, ...]:
        """The old columns."""
        return tuple(name for one in self.old for name in DroppedColumn(one).uses)

    @property
    def sync(self) -> Sync:
        """What keeps both sides in step."""
        names = (*self.table.columns, *(one.name for one in (*self.old, *self.new)))
        forward, backward = self._followers(self.new), self._followers(self.old)
        path = quote(self.table.schema)
        return Sync(self.table.address, names, forward, backward, path=path)

    def _followers(self, columns: Iterable[Column]) -> tuple[Follower, ...]:
        return tuple(
            Follower(one.name, self.values[one.address], is_exact(one), type=one.type)
            for one in columns
        )

    def covers(self, step: Step) -> bool:
        """Tell whether a step drops one of the old columns, or what is on it."""
        return any(DroppedColumn(one).covers(step) for one in self.old)

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse a table that others inherit from."""
        return list(unseen(before, self.table.address))

    def expand(self, before: Catalog) -> list[Step]:
        """Keep both in step; the new columns were added with all other new ones."""
        del before
        return self.sync.create()

    def backfill(self) -> Sequence[Backfill]:
        """Fill in the new columns."""
        return (copies.backfill(self.sync),)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Part them; the plain change then drops the old ones."""
        del middle, after
        yield from copies.left(self.backfill())
        yield from self.sync.drop()

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Add the old columns again, and make their values from the new ones."""
        del middle, after
        for one in self.old:
            yield copies.added(copies.bare(one, one.name))
        back = replace(self, old=self.new, new=self.old).sync
        yield from back.create()
        yield copies.filled(back, self.table)
        yield from back.drop()
        yield from self.sync.create()


def derived(
    before: Catalog, after: Catalog, values: Mapping[Address, str]
) -> Iterator[DerivedColumns]:
    """Yield the tables that have both new and old columns with values."""
    places = {Address("table", one.schema, one.name) for one in values}
    for place in sorted(places):
        table = before.objects.get(place)
        here = {at: one for at, one in values.items() if at[1:3] == place[1:3]}
        old = tuple(_columns(here, before, after))
        new = tuple(_columns(here, after, before))
        if isinstance(table, Table) and old and new:
            yield DerivedColumns(table, old, new, here)


def _columns(values: Iterable[Address], there: Catalog, not_there: Catalog) -> Iterator[Column]:
    for at in values:
        found = there.objects.get(at)
        if isinstance(found, Column) and at not in not_there.objects:
            yield found
