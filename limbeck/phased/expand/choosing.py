"""Which steps of a plain change break a running application, and what is done instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from limbeck.phased.expand.values import widens
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum
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
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames.rename import Rename
from limbeck.schema.renames.tokens import tokens

# What no application notices; a type that does not widen is changed by a recipe.
HARMLESS = (AddValue, AlterAttributeType, AlterDefault, AlterType, AlterViewDefault, Comment)
# What has one name at a time, and is named by applications.
SINGLE = frozenset({"schema", "enum", "domain", "composite", "range", "view", "function"})
OF_TABLE = frozenset({"column", "constraint", "trigger", "policy", "rule"})


@dataclass(frozen=True, slots=True)
class Change:
    """What a change begins with and leads to.

    `values` says of columns which expression over the row gives their values, where the catalogs
    cannot say it.
    """

    before: Catalog
    after: Catalog
    renamed: Sequence[Rename] = ()
    values: Mapping[Address, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """The recipes of a change, and the plain steps that both applications can live with."""

    recipes: tuple[Recipe, ...]
    first: tuple[Step, ...]
    waits: tuple[Step, ...]

    @property
    def breaks(self) -> bool:
        """Whether anything has to wait until the old application is gone."""
        return bool(self.recipes or self.waits)


def choose(found: Sequence[Step], change: Change) -> Choice:
    """Sort the steps of a plain change.

    Raises:
        ConfigurationError: a change cannot be made in phases.

    """
    before = change.before
    _refuse_single_names(change)
    recipes = tuple(_recipes(found, change))
    _refuse_idle_values(recipes, change)
    if problems := [said for recipe in recipes for said in recipe.validate(before)]:
        raise ConfigurationError(
            f"this cannot be done without downtime: {problems[0]}",
            hint="Make it a plain change: limbeck generate --plain.",
        )
    busy = {step.address for step in found if any(one.covers(step) for one in recipes)}
    first: list[Step] = []
    waits: list[Step] = []
    for step in found:
        if any(recipe.covers(step) for recipe in recipes):
            continue
        if step.address not in busy and _breaks_nothing(step, found, before):
            first.append(_nullable(step, change))
        else:
            waits.append(step)
    _refuse_rewriting(waits)
    return Choice(recipes, tuple(first), tuple(waits))


def _refuse_rewriting(waits: Sequence[Step]) -> None:
    """Refuse what no recipe has taken, such as another type and another name in one change."""
    for step in waits:
        change = step.operation
        if isinstance(change, AlterType) and not widens(change.before, change.after):
            raise ConfigurationError(
                f"this cannot be done without downtime: {step.address} gets another type and"
                " another name at once",
                hint="Make two changes of it, first the one and then the other.",
            )


def _refuse_single_names(change: Change) -> None:
    for one in change.renamed:
        if one.kind in SINGLE:
            raise ConfigurationError(
                f"this cannot be done without downtime: {one.before} becomes {one.after}; it has"
                " one name at a time, and either application uses its own",
                hint="Rename it by a plain change of its own: limbeck generate --plain.",
            )


def _refuse_idle_values(recipes: Sequence[Recipe], change: Change) -> None:
    used: set[Address] = set()
    for one in recipes:
        match one:
            case DerivedColumns():
                used |= one.values.keys()
            case MovedColumn():
                used.add(one.new.address)
            case RequiredColumn():
                used.add(one.column.address)
    for idle in sorted(change.values.keys() - used):
        raise ConfigurationError(
            f"--value {idle.schema}.{idle.name}.{idle.part}={change.values[idle]}"
            " would be used by nothing",
            hint="It says where values come from: of a column that becomes NOT NULL, of new"
            " columns and the old ones that they replace in one table, or of a new column in a"
            " table with a foreign key to that of the old one, which goes.",
        )


def _recipes(found: Sequence[Step], change: Change) -> Iterator[Recipe]:
    before, after = change.before, change.after
    moves = tuple(moved(before, after, change.values))
    kept = {*change.values, *(one.old.address for one in moves)}
    for step in found:
        match step.operation:
            case RenameColumn(column, name):
                table = before.objects.get(Address("table", column.schema, column.table))
                if isinstance(table, Table):
                    yield RenamedColumn(column, name, table)
            case DropColumn(column) if column.address not in kept:
                yield DroppedColumn(column)
            case DropTable(table):
                yield DroppedTable(table)
    yield from derived(before, after, change.values)
    yield from moves
    yield from _renamed_tables(change)
    yield from _required(found, change)
    if retyped := _retyped(found, before, after):
        yield retyped


def _renamed_tables(change: Change) -> Iterator[RenamedTable]:
    for one in change.renamed:
        table = change.before.objects.get(one.before)
        if one.kind == "table" and one.before != one.after and isinstance(table, Table):
            columns = tuple(
                (other.before.part, other.after.part)
                for other in change.renamed
                if other.kind == "column"
                and other.before[1:3] == one.after[1:3]
                and other.before != other.after
            )
            yield RenamedTable(table, one.after, columns)


def _required(found: Sequence[Step], change: Change) -> Iterator[RequiredColumn]:
    sides = derived(change.before, change.after, change.values)
    kept = {one.address for recipe in sides for one in recipe.new}
    kept |= {one.new.address for one in moved(change.before, change.after, change.values)}
    for step in found:
        after = change.after.objects.get(step.address)
        if not isinstance(after, Column) or after.not_null is None or after.generated:
            continue
        before = change.before.objects.get(step.address)
        loose = before is None or (isinstance(before, Column) and before.not_null is None)
        said = change.values.get(step.address)
        value = said or (after.default if isinstance(before, Column) else None)
        table = change.after.objects.get(Address("table", after.schema, after.table))
        asked = isinstance(step.operation, AddColumn | AddNotNull | AlterNotNull)
        old = Address("table", after.schema, after.table) in change.before.objects
        if step.address in kept or not (loose and value and asked and old):
            continue
        if isinstance(table, Table):
            yield RequiredColumn(after, value, table.columns)


def _retyped(found: Sequence[Step], before: Catalog, after: Catalog) -> RetypedColumns | None:
    enums = [one.address for one in found if one.verb == "create" and one.address in before.objects]
    old = [enum for at in enums if isinstance(enum := before.objects.get(at), Enum)]
    new = [enum for at in enums if isinstance(enum := after.objects.get(at), Enum)]
    addresses = [
        step.address
        for step in found
        if isinstance(step.operation, AlterType)
        and not widens(step.operation.before, step.operation.after)
    ]
    columns = {at: col for at in addresses if isinstance(col := after.objects.get(at), Column)}
    changes = tuple(retypings(columns, before, tuple(new)))
    return RetypedColumns(changes, tuple(old), tuple(new)) if changes else None


def _breaks_nothing(step: Step, found: Sequence[Step], before: Catalog) -> bool:
    """Tell whether old and new applications both run with a step, as far as it can be told."""
    if isinstance(step.operation, SetSequence) or _mentions(step, _new_names(found)):
        return False
    if step.verb == "create":
        return step.address not in before.objects and _adds(step, before)
    match step.operation:
        case DropConstraint(constraint):
            again = any(other.address == step.address for other in found if other is not step)
            return constraint.type in "cf" and not again
        case AlterNotNull(after=after):
            return not after.not_null
    return isinstance(step.operation, HARMLESS)


def _adds(step: Step, before: Catalog) -> bool:
    old = _table(step) in before.objects
    match step.operation:
        case CreateTable() | AddColumn():
            return True
        case CreateIndex(index):
            return not (index.unique and index.table in before.objects)
    return not (old and step.address.kind in OF_TABLE)


def _table(step: Step) -> Address:
    return Address("table", step.address.schema, step.address.name)


def _new_names(found: Sequence[Step]) -> frozenset[str]:
    """Return the names that are there only after a rename."""
    kinds = RenameColumn | RenameTable
    return frozenset(one.operation.name for one in found if isinstance(one.operation, kinds))


def _mentions(step: Step, names: frozenset[str]) -> bool:
    return bool(names) and any(word in names for _, word, _, _ in tokens(step.sql))


def _nullable(step: Step, change: Change) -> Step:
    """Let a new column be NULL at first, where rows of the old application have no value for it.

    One whose values come from others gets them before anybody could see a default.
    """
    operation = step.operation
    if not isinstance(operation, AddColumn) or operation.serial is not None:
        return step
    column = operation.column
    if column.identity or column.generated or column.address in change.values:
        return step if column.identity or column.generated else _bare(step, column)
    if column.not_null is None or column.default is not None:
        return step
    return _bare(step, column)


def _bare(step: Step, column: Column) -> Step:
    added = copies.added(copies.bare(column, column.name))
    return replace(added, note=None, begins=step.begins)
