"""Sorts the steps of a plain change: harmless ones, those that wait, and recipes for the rest.

`generate` calls `choose` with the steps of the plain diff. A step is harmless if the old and the
new application both run with it. The rules err on the side of waiting: a step that waits for the
contract is safe, a harmless one that is not would break the old application.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from limbeck.errors import ConfigurationError
from limbeck.phased.expand import copies
from limbeck.phased.expand.derived_columns import DerivedColumns, derived
from limbeck.phased.expand.dropped_column import DroppedColumn
from limbeck.phased.expand.dropped_table import DroppedTable
from limbeck.phased.expand.moved_column import MovedColumn, moved
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.renamed_column import RenamedColumn
from limbeck.phased.expand.renamed_table import RenamedTable
from limbeck.phased.expand.required_column import RequiredColumn
from limbeck.phased.expand.retyped_columns import RetypedColumns, retypings
from limbeck.phased.expand.values import computed_columns, respelled, widens
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.diff import retyping
from limbeck.schema.diff.column_operations import (
    AddColumn,
    AddNotNull,
    AlterDefault,
    AlterNotNull,
    AlterType,
    DropColumn,
    RenameColumn,
)
from limbeck.schema.diff.operations import (
    AddValue,
    AlterAttributeType,
    AlterViewDefault,
    Comment,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropTable,
    RenameTable,
    SetSequence,
)
from limbeck.schema.diff.steps import Step, Unit
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql.quoting import quote

# Operations after which every row and every query is accepted that was accepted before.
HARMLESS = (AddValue, AlterAttributeType, AlterDefault, AlterType, AlterViewDefault, Comment)
# Objects that applications name, and that cannot have a second name through a view or a copy.
SINGLE = frozenset({"schema", "enum", "domain", "composite", "range", "view", "function"})
# Objects that change what a table accepts or does, if they are created on one that exists.
OF_TABLE = frozenset({"column", "constraint", "trigger", "policy", "rule"})


@dataclass(frozen=True, slots=True)
class Change:
    """The catalogs before and after a change.

    `values` has the expressions that give the values of columns (`--value`), which cannot be
    derived from the catalogs; `using` has those that compute a column's values of a new type, and
    `using_back` those of the downgrade.
    """

    before: Catalog
    after: Catalog
    renamed: Sequence[Rename] = ()
    values: Mapping[Address, str] = field(default_factory=dict)
    using: Mapping[Address, str] = field(default_factory=dict)
    using_back: Mapping[Address, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """The recipes of a change, the harmless plain steps, and those that wait for the contract."""

    recipes: tuple[Recipe, ...]
    first: tuple[Step, ...]
    waits: tuple[Step, ...]

    @property
    def breaks(self) -> bool:
        """Whether anything has to wait until no old application runs."""
        return bool(self.recipes or self.waits)


def choose(steps: Sequence[Step], change: Change) -> Choice:
    """Return the recipes of a plain change and its other steps, sorted.

    Raises:
        ConfigurationError: a change cannot be made in phases.

    """
    before, steps = change.before, tuple(retyping.separated(steps))
    _refuse_single_names(change)
    recipes = tuple(_recipes(steps, change))
    _refuse_idle_values(recipes, change)
    if problems := [reason for recipe in recipes for reason in recipe.validate(before)]:
        raise ConfigurationError(
            f"this cannot be done without downtime: {problems[0]}",
            hint="Write a single plain revision: limbeck generate --plain.",
        )
    # A harmless step on the object of a recipe waits: a new default of a column that changes its
    # type, for example, is an expression of the new type.
    busy = {step.address for step in steps if any(recipe.covers(step) for recipe in recipes)}
    rest = [step for step in steps if not any(recipe.covers(step) for recipe in recipes)]
    new = frozenset(step.address for step in steps if step.verb == "create") - before.objects.keys()
    waiting = [
        step.address in busy or not _breaks_nothing(step, steps, new, before) for step in rest
    ]
    units = _waiting_units(rest, waiting)
    waiting = [wait or step.unit in units for step, wait in zip(rest, waiting, strict=True)]
    first = [_nullable(step, change) for step, wait in zip(rest, waiting, strict=True) if not wait]
    waits = [step for step, wait in zip(rest, waiting, strict=True) if wait]
    _refuse_rewriting(waits)
    return Choice(recipes, tuple(first), tuple(waits))


def _waiting_units(steps: Sequence[Step], waiting: Sequence[bool]) -> set[Unit]:
    """Return the units of which all steps wait because one does.

    A column keeps its default until it is an identity, and no privilege on a table is granted
    before its policies exist. Other units may be split: a role keeps a privilege until the contract
    revokes it, and a check may be dropped in the expand before its successor is added.
    """
    return {
        step.unit
        for step, wait in zip(steps, waiting, strict=True)
        if wait and step.unit and step.unit.joint and step.address.kind != "grant"
    }


def _refuse_rewriting(waits: Sequence[Step]) -> None:
    """Refuse a type change that no recipe covers, such as one together with a rename.

    In the contract it would rewrite the table under ACCESS EXCLUSIVE.
    """
    for step in waits:
        change = step.operation
        if isinstance(change, AlterType) and not (
            change.parks or widens(change.before, change.after)
        ):
            raise ConfigurationError(
                f"this cannot be done without downtime: {step.address} changes its type and its"
                " name at once",
                hint="Make two changes of it, one after the other.",
            )


def _refuse_single_names(change: Change) -> None:
    for rename in change.renamed:
        if rename.kind in SINGLE:
            raise ConfigurationError(
                f"this cannot be done without downtime: {rename.before} becomes {rename.after}; it"
                " has one name at a time, but each application uses its own",
                hint="Rename it in a plain revision of its own: limbeck generate --plain.",
            )


def _refuse_idle_values(recipes: Sequence[Recipe], change: Change) -> None:
    used: set[Address] = set()
    for recipe in recipes:
        match recipe:
            case DerivedColumns():
                used |= recipe.values.keys()
            case MovedColumn():
                used.add(recipe.new.address)
            case RequiredColumn():
                used.add(recipe.column.address)
    for idle in sorted(change.values.keys() - used):
        raise ConfigurationError(
            f"--value {idle.schema}.{idle.name}.{idle.part}={change.values[idle]}"
            " is not used by this change",
            hint="Give a value for a column that becomes NOT NULL, for the new and the old columns"
            " of a split or merge in one table, or for a new column that replaces one in a table"
            " to which its own has a foreign key.",
        )


def _recipes(steps: Sequence[Step], change: Change) -> Iterator[Recipe]:
    """Yield the recipes of a change, in the order in which their steps run in both phases.

    A renamed or dropped object has a recipe of its own. The others each take several objects, or
    values that were given.
    """
    before, after = change.before, change.after
    moves = tuple(moved(before, after, change.values))
    # A dropped column whose value goes elsewhere belongs to the split or move.
    valued = {*change.values, *(move.old.address for move in moves)}
    for step in steps:
        match step.operation:
            case RenameColumn(column, name):
                table = before.objects.get(Address("table", column.schema, column.table))
                if isinstance(table, Table):
                    yield RenamedColumn(column, name, table)
            case DropColumn(column) if column.address not in valued:
                yield DroppedColumn(column)
            case DropTable(table):
                yield DroppedTable(table)
    yield from derived(before, after, change.values)
    yield from moves
    yield from _renamed_tables(change)
    required, retyped = list(_required(steps, change)), _retyped(steps, change)
    if retyped is None:
        yield from required
        return
    triggers = {recipe.column.address: recipe.trigger for recipe in required}
    columns = tuple(
        replace(each, required=triggers.get(each.after.address)) for each in retyped.columns
    )
    swapped = {each.after.address for each in columns}
    yield from (replace(each, swapped=each.column.address in swapped) for each in required)
    yield replace(retyped, columns=columns)


def _renamed_tables(change: Change) -> Iterator[RenamedTable]:
    for rename in change.renamed:
        table = change.before.objects.get(rename.before)
        if rename.kind == "table" and rename.before != rename.after and isinstance(table, Table):
            # A renamed column of a renamed table is given under the table's new name.
            columns = tuple(
                (column.before.part, column.after.part)
                for column in change.renamed
                if column.kind == "column"
                and column.before[1:3] == rename.after[1:3]
                and column.before != column.after
            )
            yield RenamedTable(table, rename.after, columns)


def _required(steps: Sequence[Step], change: Change) -> Iterator[RequiredColumn]:
    # New columns of a split or move are filled by its trigger.
    sides = derived(change.before, change.after, change.values)
    filled = {column.address for recipe in sides for column in recipe.new}
    filled |= {move.new.address for move in moved(change.before, change.after, change.values)}
    for step in steps:
        after = change.after.objects.get(step.address)
        if not isinstance(after, Column) or after.not_null is None or after.generated:
            continue
        before = change.before.objects.get(step.address)
        loose = before is None or (isinstance(before, Column) and before.not_null is None)
        # A new column with a default needs no recipe: ADD COLUMN fills it in every row.
        given = change.values.get(step.address)
        value = given or (after.default if isinstance(before, Column) else None)
        asked = isinstance(step.operation, AddColumn | AddNotNull | AlterNotNull)
        if step.address in filled or not (loose and value and asked):
            continue
        yield from _required_column(change, after, value)


def _required_column(change: Change, column: Column, value: str) -> Iterator[RequiredColumn]:
    """Yield the recipe of a column, unless its table is new."""
    at = Address("table", column.schema, column.table)
    former, table = change.before.objects.get(at), change.after.objects.get(at)
    if not isinstance(former, Table) or not isinstance(table, Table):
        return
    # Until the contract the table has its dropped columns, too, and a value may name one.
    names = tuple(dict.fromkeys((*former.columns, *table.columns)))
    computed = dict(computed_columns(change.after, table)) | dict(
        computed_columns(change.before, former)
    )
    value = _spelled_out(value, column.address, change)
    yield RequiredColumn(column, value, names, tuple(computed.items()))


def _spelled_out(value: str, column: Address, change: Change) -> str:
    """Return a value with the values of new columns that it names, which may still be NULL."""
    others = {
        at.part: at
        for at in change.values
        if at[:3] == column[:3] and at != column and at not in change.before.objects
    }
    rest = replace(change, values={at: v for at, v in change.values.items() if at != column})

    def spell(name: str) -> str:
        other = others[name]
        return f"coalesce({quote(name)}, ({_spelled_out(rest.values[other], other, rest)}))"

    return respelled(value, others, spell)


def _retyped(steps: Sequence[Step], change: Change) -> RetypedColumns | None:
    """Return one recipe for all type changes: a key and its foreign keys must swap together."""
    before, after = change.before, change.after
    # An enum that is created although it exists is re-created, with other labels.
    enums = [step.address for step in steps if step.verb == "create"]
    enums = [address for address in enums if address in before.objects]
    old = [enum for at in enums if isinstance(enum := before.objects.get(at), Enum)]
    new = [enum for at in enums if isinstance(enum := after.objects.get(at), Enum)]
    addresses = [
        step.address
        for step in steps
        if isinstance(step.operation, AlterType)
        and not step.operation.parks
        and not widens(step.operation.before, step.operation.after)
    ]
    columns = {at: col for at in addresses if isinstance(col := after.objects.get(at), Column)}
    using = (change.using, change.using_back)
    changes = tuple(retypings(columns, before, tuple(new), using))
    return RetypedColumns(changes, tuple(old), tuple(new)) if changes else None


def _breaks_nothing(
    step: Step, steps: Sequence[Step], new: AbstractSet[Address], before: Catalog
) -> bool:
    """Return whether old and new applications both run with a step, as far as is known."""
    # Applications use the sequence that a setval() changes. A step that names an object by
    # its new name fails until the contract has renamed it.
    if isinstance(step.operation, SetSequence) or step.names(_new_names(steps)):
        return False
    if step.verb == "create":
        return step.address not in before.objects and _adds(step, before)
    if step.address.kind in OF_TABLE | {"table"} and _table(step) in new:
        return True  # no application uses the table yet
    match step.operation:
        case DropConstraint(constraint):
            # Dropping a check or foreign key only permits more, unless it is re-created as
            # another one. A key may be what ON CONFLICT names.
            again = any(other.address == step.address for other in steps if other is not step)
            return constraint.type in "cf" and not again
        case AlterNotNull(after=after):
            return not after.not_null
    # A type change that is left here is one that widens; the others have a recipe or are refused.
    return isinstance(step.operation, HARMLESS) and not _waits(step)


def _waits(step: Step) -> bool:
    """Return whether a step of a harmless kind is needed by the old application nevertheless."""
    match step.operation:
        case AlterType(parks=parks):
            return parks  # what changes while columns are parked as another type
        case AlterDefault(after=after):
            return after.default is None  # it still leaves the column to the default
    return False


def _adds(step: Step, before: Catalog) -> bool:
    """Return whether a created object leaves existing tables as permissive as they were."""
    old = _table(step) in before.objects
    match step.operation:
        case CreateTable() | AddColumn():
            return True
        case CreateIndex(index):
            return not (index.unique and index.table in before.objects)
    return not (old and step.address.kind in OF_TABLE)


def _table(step: Step) -> Address:
    return Address("table", step.address.schema, step.address.name)


def _new_names(steps: Sequence[Step]) -> frozenset[str]:
    """Return the names that exist only after a rename."""
    operations = (step.operation for step in steps)
    return frozenset(op.name for op in operations if isinstance(op, RenameColumn | RenameTable))


def _nullable(step: Step, change: Change) -> Step:
    """Return the step that adds a column, nullable if the old application gives it no value.

    A column with a given value is added without its default, too: the backfill tells rows that it
    still has to fill by their NULL.
    """
    operation = step.operation
    if not isinstance(operation, AddColumn) or operation.serial is not None:
        return step
    column = operation.item
    if column.identity or column.generated or column.address in change.values:
        return step if column.identity or column.generated else _bare(step, column)
    if column.not_null is None or column.default is not None:
        return step
    return _bare(step, column)


def _bare(step: Step, column: Column) -> Step:
    added = copies.added(copies.bare(column, column.name))
    return replace(added, note=None, begins=step.begins)
