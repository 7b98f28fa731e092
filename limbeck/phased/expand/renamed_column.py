"""Rename a column: for a while it has two names, of which one is a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from limbeck.phased.expand import copies, twins
from limbeck.phased.expand.families import family, is_key_of_partitions, unseen
from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.sync import Follower, Sync
from limbeck.phased.expand.values import is_exact, is_steady
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import qualified, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.column_operations import RenameColumn
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class RenamedColumn:
    """A column that gets another name.

    The copy has the new name while both applications run. In the end it is the copy that goes,
    and the column itself is renamed: so everything that hangs on it stays what it was, its place
    in the table, too.
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
        """The column that has the new name for a while."""
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
        """What keeps both in step; a computed column is written by nobody."""
        exact, names = is_exact(self.column), (*self.table.columns, self.name)
        old, new = self.column.name, self.name
        if self._computed:
            computed = Follower(new, f"({self.column.default})", exact)
            return Sync(self.table.address, names, (computed,))
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
        """Tell whether a step renames the column."""
        operation = step.operation
        return isinstance(operation, RenameColumn) and (
            operation.column.address == self.column.address and operation.name == self.name
        )

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse keys of partitions: a row finds its own before any trigger; and inheritance."""
        members = family(before, self.table.address)
        said = list(unseen(before, self.table.address))
        if any(is_key_of_partitions(one, self.column.name) for one in members):
            said.append(f"{self.column.address} decides on the partition of a row")
        return said

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Add the copy, keep it in step, index it as the column is."""
        yield copies.added(replace(self.copy, default=None))
        yield copies.granted(self.column, self.name)
        if self._steady:
            yield copies.with_default(replace(self.copy, default=None), self._steady)
        yield from self.sync.create()
        for index in twins.indexes(self.table.address, {self.column.name: self.name}, before):
            yield twins.built(index)

    def backfill(self) -> Sequence[Backfill]:
        """Fill in the copy."""
        return (copies.backfill(self.sync),)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Make room for the new name; the plain change then renames."""
        del middle, after
        yield from self.sync.drop()
        yield copies.dropped(self.copy)

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Add a copy under the old name, fill it, then let both change their names.

        The column keeps its values under the new name all the time.
        """
        del middle, after
        back = self._turned
        yield copies.added(replace(back.copy, default=None))
        yield copies.granted(back.column, back.name)
        if self._steady:
            yield copies.with_default(replace(back.copy, default=None), self._steady)
        yield from back.sync.create()
        yield copies.filled(back.sync, self.table)
        yield from self._names_change(back)

    @property
    def _turned(self) -> RenamedColumn:
        """The rename back, of the column as it is after the rename."""
        names = {self.column.name: self.name}
        columns = tuple(names.get(one, one) for one in self.table.columns)
        column = replace(self.column, name=self.name)
        return RenamedColumn(column, self.column.name, replace(self.table, columns=columns))

    def _names_change(self, back: RenamedColumn) -> Iterator[Step]:
        aside = beside(self.name, "_old")
        yield from (replace(one, begins=not n) for n, one in enumerate(back.sync.drop()))
        yield copies.renamed(back.copy, aside)
        yield copies.renamed(back.column, self.column.name)
        yield copies.renamed(replace(back.copy, name=aside), self.name)
        yield from self.sync.create()

    def __str__(self) -> str:
        """Return the change in words."""
        return f"rename {qualified('', self.column.table)}.{quote(self.column.name)} to {self.name}"


def address(column: Column) -> Address:
    """Return where a column's table is."""
    return Address("table", column.schema, column.table)
