"""Recipe: change the types of columns through hidden columns that take their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand import copies
from limbeck.phased.expand.families import family
from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.obstacles import obstacles
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.row_trigger import RowTrigger
from limbeck.phased.expand.spare_types import Spares, Type, aside, held, renamed
from limbeck.phased.expand.swaps import Swap
from limbeck.phased.expand.switching import unit_of
from limbeck.phased.expand.sync import Follower, Sync
from limbeck.phased.expand.values import is_exact
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.casts import assignable, conversion, narrows
from limbeck.schema.diff.column_operations import AlterType
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import qualified, quote


@dataclass(frozen=True, slots=True)
class Retyping:
    """One column before and after its type change; `table` is its table before the change.

    `spares` are the types that are created again under the same names, if its type is one of them;
    until the contract the new ones have temporary names. `partitions` are the partitions of the
    table. `using` is the expression of `--using` that converts the values, `back` the one that
    converts them back. `required` is the trigger that replaces NULL in a column which becomes NOT
    NULL as well.
    """

    before: Column
    after: Column
    table: Table
    spares: Spares = field(default_factory=Spares)
    partitions: tuple[Address, ...] = ()
    using: str | None = None
    back: str | None = None
    required: RowTrigger | None = None

    @property
    def hidden(self) -> Column:
        """The hidden column of the new type."""
        type_ = self.spares.spelled(self.after.type)
        name = beside(self.after.name)
        return replace(copies.bare(self.after, name), type=type_)

    @property
    def sync(self) -> Sync:
        """The trigger that fills the hidden column.

        A value that cannot be converted gives NULL and does not stop the application; the
        contract fails while there is one.
        """
        hidden, value = self.hidden, quote(self.before.name)
        fits = assignable(self.before.type, hidden.type) and not self.spares.types
        if not fits:
            value = conversion(self.before, replace(hidden, name=self.before.name), aside=False)
        value = self.using or value
        exact = is_exact(self.before) and is_exact(hidden)
        type_ = hidden.type if fits or self.using else None
        follower = Follower(hidden.name, value, exact, type=type_)
        lenient = bool(self.using) or not fits or narrows(self.before.type, hidden.type)
        table, names = self.table.address, (*self.table.columns, hidden.name)
        path = quote(self.table.schema) if self.using else "''"
        return Sync(table, names, (follower,), lenient=lenient, path=path, hidden=True)

    @property
    def turned(self) -> Retyping:
        """The type change back."""
        return Retyping(
            self.after, self.before, self.table, Spares(), self.partitions, self.back, self.using
        )

    @property
    def below(self) -> frozenset[Address]:
        """The addresses of the column in the partitions."""
        return frozenset(
            self.before.address._replace(schema=partition.schema, name=partition.name)
            for partition in self.partitions
        )


@dataclass(frozen=True, slots=True)
class RetypedColumns(Recipe):
    """Columns that change their types, a key together with the columns that refer to it.

    Both applications use the same names, and so read the old types until the contract.
    `old` and `new` are the types that are created again under the same names.
    """

    columns: tuple[Retyping, ...]
    old: Spares = field(default_factory=Spares)
    new: Spares = field(default_factory=Spares)

    def covers(self, step: Step) -> bool:
        """Return whether a step changes a type, or follows from such a change."""
        columns = {each.before.address for each in self.columns}
        types = {item.address for item in self.new.types}
        typed = isinstance(step.operation, AlterType)
        if any(step.address in each.below for each in self.columns):
            return step.verb == "alter"
        return (typed and step.address in columns) or step.address in types

    def validate(self, before: Catalog) -> Sequence[str]:
        """Return the obstacles, such as partition keys and inherited columns."""
        return [
            reason for each in self.columns for reason in obstacles(before, each.before, each.table)
        ]

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Add the hidden columns and the triggers that fill them."""
        del before
        yield from self.new.created()
        for each in self.columns:
            yield copies.added(each.hidden)
            yield from each.sync.create()

    def backfill(self) -> Sequence[Backfill]:
        """Return a backfill for each hidden column."""
        return tuple(copies.backfill(each.sync) for each in self.columns)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Build what the hidden columns need, swap each table, drop the replaced columns.

        A table's triggers are dropped in the transaction of its swap, no earlier: a row written
        in between would have no hidden value.
        """
        yield from copies.left(self.backfill())
        swap = self._swap(middle, after)
        yield from swap.prepare()
        for table in swap.order():
            here = [each for each in self.columns if each.table.address == table]
            yield from self._together(
                table,
                *(step for each in here for step in each.sync.drop()),
                *(step for each in here if each.required for step in each.required.drop()),
                *swap.exchange(table),
                *(step for each in here for step in _gone(each, middle)),
                *swap.named(table),
            )
        if self.new.types:
            yield from self._together(self.columns[0].table.address, *self._types_named(middle))

    def _together(self, table: Address, *steps: Step) -> Iterator[Step]:
        """Yield the steps of a swap as a unit.

        With types all swaps are one unit: a value of the type's name does not fit a swapped column
        until the new type has that name.
        """
        unit = unit_of(self.columns[0].table.address if self.new.types else table)
        yield from (step.in_unit(unit) for step in steps)

    def _types_named(self, middle: Catalog) -> Iterator[Step]:
        """Give the types their names, when no column uses the old ones; defaults follow.

        While an object depends on a replaced column, the old types stay under another name. The
        plain diff drops them after it has re-created the object.
        """
        free = all(_is_free(each, middle) for each in self.columns)
        yield from self.old.dropped() if free else self.old.set_aside()
        yield from self.new.named()
        yield from _late_defaults(self.columns)

    def _swap(self, now: Catalog, then: Catalog) -> Swap:
        names: dict[Address, dict[str, str]] = {}
        aside: dict[Address, dict[str, str]] = {}
        for each in self.columns:
            table, name = each.table.address, each.before.name
            names.setdefault(table, {})[name] = each.hidden.name
            aside.setdefault(table, {})[name] = beside(name, "_old")
        late = frozenset(each.after.address for each in self.columns if each.spares.types)
        return Swap(names, aside, now, then, late)

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Do the same in reverse; the replaced columns stay, hidden and filled."""
        back = RetypedColumns(tuple(self._back(each) for each in self.columns))
        yield from self.old.created()
        for each in back.columns:
            yield copies.added(each.hidden)
            yield from each.sync.create()
            yield copies.filled(each.sync, each.table)
        swap = back._swap(after, middle)
        yield from swap.prepare()
        for table in swap.order():
            here = [each for each in back.columns if each.table.address == table]
            yield from self._together(
                table,
                *(step for each in here for step in each.sync.drop()),
                *swap.exchange(table),
                *(() if self.new.types else self._hidden_again(table, swap)),
            )
        if self.new.types:
            yield from self._together(self.columns[0].table.address, *self._types_back(swap))

    def _back(self, retyping: Retyping) -> Retyping:
        return replace(retyping.turned, spares=self.old if retyping.spares.types else Spares())

    def _types_back(self, swap: Swap) -> Iterator[Step]:
        for old, new in zip(self.old.types, self.new.types, strict=True):
            spare = aside(new, "_old")
            yield renamed(new, spare.name)
            yield renamed(aside(old), old.name)
            yield renamed(spare, aside(new).name)
        yield from _late_defaults(tuple(map(self._back, self.columns)))
        for table in swap.order():
            yield from self._hidden_again(table, swap)

    def _hidden_again(self, table: Address, swap: Swap) -> Iterator[Step]:
        for each in self.columns:
            if each.table.address == table:
                yield copies.renamed(_replaced(each), each.hidden.name)
                if each.table.kind == "p":
                    yield from _unconstrained(each.hidden)
                yield from each.sync.create()
        yield from swap.named(table)


def _late_defaults(columns: Sequence[Retyping]) -> Iterator[Step]:
    """Set the defaults of the columns whose type has just got its name."""
    for each in columns:
        if each.spares.types and each.after.default is not None and not each.after.generated:
            yield copies.with_default(replace(each.after, default=None), each.after.default)


def _replaced(retyping: Retyping) -> Column:
    """Return the replaced column under the name that it has after the swap."""
    return replace(retyping.before, name=beside(retyping.before.name, "_old"))


def _gone(retyping: Retyping, middle: Catalog) -> Iterator[Step]:
    """Drop the replaced column, or make it nullable if an object depends on it.

    The plain diff re-creates such an object on the new column, and then drops this one.
    """
    old = _replaced(retyping)
    if _is_free(retyping, middle):
        yield Step(Execute(copies.dropped(old).sql, "drop", old.address))
    elif retyping.before.not_null:
        table, name = qualified(old.schema, old.table), quote(old.name)
        text = f"ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL"
        yield Step(Execute(text, "alter", old.address))


def _is_free(retyping: Retyping, middle: Catalog) -> bool:
    """Return whether the replaced column can be dropped with its triggers."""
    gone = retyping.required.address if retyping.required else None
    return copies.is_free(retyping.before, middle, gone)


def _unconstrained(column: Column) -> Iterator[Step]:
    """Remove NOT NULL and default of a column, also from all partitions."""
    table, name = qualified(column.schema, column.table), quote(column.name)
    for what in ("NOT NULL", "DEFAULT"):
        text = f"ALTER TABLE {table} ALTER COLUMN {name} DROP {what}"
        yield Step(Execute(text, "alter", column.address))


def retypings(
    columns: Mapping[Address, Column],
    before: Catalog,
    types: tuple[Type, ...],
    using: tuple[Mapping[Address, str], Mapping[Address, str]],
) -> Iterator[Retyping]:
    """Yield the type changes of columns.

    Args:
        columns: The columns as they are after the change.
        before: The catalog before the change.
        types: The types that are created again.
        using: The expressions that convert the values, and those that convert them back.

    """
    for address, after in columns.items():
        former = before.objects.get(address)
        table = before.objects.get(Address("table", address.schema, address.name))
        if isinstance(former, Column) and isinstance(table, Table):
            spares = Spares(types if held(after.type, types) else ())
            below = tuple(member.address for member in family(before, table.address)[:-1])
            there, back = (expressions.get(address) for expressions in using)
            yield Retyping(former, after, table, spares, below, there, back)
