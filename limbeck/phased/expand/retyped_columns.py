"""Change the types of columns: hidden ones of the new types are filled, and take their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from limbeck.phased.expand import copies
from limbeck.phased.expand.families import family
from limbeck.phased.expand.naming import beside
from limbeck.phased.expand.obstacles import obstacles
from limbeck.phased.expand.swaps import Swap
from limbeck.phased.expand.sync import Follower, Sync
from limbeck.phased.expand.values import is_exact
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of, qualified, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.diff import sql
from limbeck.schema.diff.casts import assignable, conversion, narrows
from limbeck.schema.diff.column_operations import AlterType
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Retyping:
    """One column before and after; `table` is the one it is in, as it was before.

    `enums` are the types that are made anew under the same name: until the end the new ones have
    another one. `partitions` are those of its table, which have the column as well.
    """

    before: Column
    after: Column
    table: Table
    enums: tuple[Enum, ...] = ()
    partitions: tuple[Address, ...] = ()

    @property
    def hidden(self) -> Column:
        """The column that will take the place."""
        type_ = self.after.type
        for enum in self.enums:
            name = of(enum.address)
            if type_.removesuffix("[]") == name:
                type_ = type_.replace(name, of(_aside(enum).address))
        name = beside(self.after.name)
        return replace(copies.bare(self.after, name), type=type_)

    @property
    def sync(self) -> Sync:
        """What fills it; a value that has no counterpart stops nobody, and is found by the end."""
        hidden, value = self.hidden, quote(self.before.name)
        fits = assignable(self.before.type, hidden.type) and not self._of_enum
        if not fits:
            value = conversion(self.before, replace(hidden, name=self.before.name), aside=False)
        exact, type_ = is_exact(self.before) and is_exact(hidden), hidden.type if fits else None
        follower = Follower(hidden.name, value, exact, type=type_)
        lenient = not fits or narrows(self.before.type, hidden.type)
        table, names = self.table.address, (*self.table.columns, hidden.name)
        return Sync(table, names, (follower,), lenient=lenient)

    @property
    def _of_enum(self) -> bool:
        return self.hidden.type != self.after.type

    @property
    def turned(self) -> Retyping:
        """The change back."""
        return Retyping(self.after, self.before, self.table, (), self.partitions)

    @property
    def below(self) -> frozenset[Address]:
        """The column in the partitions."""
        return frozenset(
            self.before.address._replace(schema=one.schema, name=one.name)
            for one in self.partitions
        )


@dataclass(frozen=True, slots=True)
class RetypedColumns:
    """Columns that get other types, a key together with what refers to it.

    Both applications use the columns under their own names, and so with the old types until the
    end. `old_enums` and `new_enums` are types that are made anew under the same names.
    """

    columns: tuple[Retyping, ...]
    old_enums: tuple[Enum, ...] = ()
    new_enums: tuple[Enum, ...] = ()

    @property
    def uses(self) -> tuple[str, ...]:
        """Nothing: every name stays."""
        return ()

    def covers(self, step: Step) -> bool:
        """Tell whether a step changes a type, or is there only because a type changes."""
        columns = {one.before.address for one in self.columns}
        enums = {one.address for one in self.new_enums}
        typed = isinstance(step.operation, AlterType)
        if any(step.address in one.below for one in self.columns):
            return step.verb == "alter"
        return (typed and step.address in columns) or step.address in enums

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse what cannot be done beside the rows: keys of partitions, inherited columns."""
        return [said for one in self.columns for said in obstacles(before, one.before, one.table)]

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Add the hidden columns, and fill them from now on."""
        del before
        for enum in self.new_enums:
            yield _created(_aside(enum))
        for one in self.columns:
            yield copies.added(one.hidden)
            yield from one.sync.create()

    def backfill(self) -> Sequence[Backfill]:
        """Fill in the rows that were there before, those first that others refer to."""
        return tuple(copies.backfill(one.sync) for one in self.columns)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Build what the columns have, change places, drop what was there."""
        yield from copies.left(self.backfill())
        swap = self._swap(middle, after)
        yield from swap.prepare()
        for table in swap.order():
            here = [one for one in self.columns if one.table.address == table]
            yield from (step for one in here for step in one.sync.drop())
            yield from swap.one(table)
            yield from (step for one in here for step in _gone(one, middle))
            yield from swap.named(table)
        for old, new in zip(self.old_enums, self.new_enums, strict=True):
            yield Step(Execute(f"DROP TYPE {of(old.address)}", "drop", old.address))
            yield _renamed(_aside(new), new.name)

    def _swap(self, now: Catalog, then: Catalog) -> Swap:
        names: dict[Address, dict[str, str]] = {}
        aside: dict[Address, dict[str, str]] = {}
        for one in self.columns:
            table = one.table.address
            names.setdefault(table, {})[one.before.name] = one.hidden.name
            aside.setdefault(table, {})[one.before.name] = beside(one.before.name, "_old")
        late = frozenset(one.after.address for one in self.columns if one.enums)
        return Swap(names, aside, now, then, late)

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Do the same the other way round; what was there stays, hidden and filled."""
        back = RetypedColumns(tuple(self._back(one) for one in self.columns))
        for enum in self.old_enums:
            yield _created(_aside(enum))
        for one in back.columns:
            yield copies.added(one.hidden)
            yield from one.sync.create()
            yield copies.filled(one.sync, one.table)
        swap = back._swap(after, middle)
        yield from swap.prepare()
        for table in swap.order():
            here = [one for one in back.columns if one.table.address == table]
            yield from (step for one in here for step in one.sync.drop())
            yield from swap.one(table)
            if not self.new_enums:
                yield from self._hidden_again(table, swap)
        if self.new_enums:
            yield from self._types_back(swap)

    def _back(self, one: Retyping) -> Retyping:
        return replace(one.turned, enums=self.old_enums if one.enums else ())

    def _types_back(self, swap: Swap) -> Iterator[Step]:
        for old, new in zip(self.old_enums, self.new_enums, strict=True):
            spare = replace(new, name=beside(new.name, "_old"))
            yield _renamed(new, spare.name)
            yield _renamed(_aside(old), old.name)
            yield _renamed(spare, _aside(new).name)
        for table in swap.order():
            yield from self._hidden_again(table, swap)

    def _hidden_again(self, table: Address, swap: Swap) -> Iterator[Step]:
        for one in self.columns:
            if one.table.address == table:
                old = replace(one.before, name=beside(one.before.name, "_old"))
                yield copies.renamed(old, one.hidden.name)
                if one.table.kind == "p":
                    yield from _nothing_asked(one.hidden)
                yield from one.sync.create()
        yield from swap.named(table)


def _gone(one: Retyping, middle: Catalog) -> Iterator[Step]:
    """Drop what was there, or where a view still shows it, let nobody have to fill it."""
    old = replace(one.before, name=beside(one.before.name, "_old"))
    kinds = {"view", "function", "policy", "trigger", "rule", "column"}
    users = {user.kind for user, used in middle.depends.items() if one.before.address in used}
    if users.isdisjoint(kinds):
        yield Step(Execute(copies.dropped(old).sql, "drop", old.address))
    elif one.before.not_null:
        table, name = qualified(old.schema, old.table), quote(old.name)
        text = f"ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL"
        yield Step(Execute(text, "alter", old.address))


def _nothing_asked(column: Column) -> Iterator[Step]:
    """Let a column be as it was added, in all partitions."""
    table, name = qualified(column.schema, column.table), quote(column.name)
    for what in ("NOT NULL", "DEFAULT"):
        text = f"ALTER TABLE {table} ALTER COLUMN {name} DROP {what}"
        yield Step(Execute(text, "alter", column.address))


def _aside(enum: Enum) -> Enum:
    return replace(enum, name=beside(enum.name))


def _created(enum: Enum) -> Step:
    labels = ", ".join(map(sql.literal, enum.labels))
    text = f"CREATE TYPE {of(enum.address)} AS ENUM ({labels})"
    return Step(Execute(text, "create", enum.address))


def _renamed(enum: Enum, name: str) -> Step:
    text = f"ALTER TYPE {of(enum.address)} RENAME TO {quote(name)}"
    return Step(Execute(text, "rename", enum.address))


def retypings(
    columns: Mapping[Address, Column], before: Catalog, enums: tuple[Enum, ...]
) -> Iterator[Retyping]:
    """Yield the changes of these columns, given as they shall be."""
    for address, after in columns.items():
        was = before.objects.get(address)
        table = before.objects.get(Address("table", address.schema, address.name))
        if isinstance(was, Column) and isinstance(table, Table):
            used = tuple(one for one in enums if after.type.removesuffix("[]") == of(one.address))
            below = tuple(one.address for one in family(before, table.address)[:-1])
            yield Retyping(was, after, table, used, below)
