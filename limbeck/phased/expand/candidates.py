"""The recipes that a change needs, in the order in which they run.

`choosing` calls `recipes`. A renamed or dropped object has a recipe of its own; the others each
take several objects, or the values that were given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.phased.expand.change import Change
from limbeck.phased.expand.derived_columns import derived
from limbeck.phased.expand.dropped_column import DroppedColumn
from limbeck.phased.expand.dropped_table import DroppedTable
from limbeck.phased.expand.moved_column import moved
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.renamed_column import RenamedColumn
from limbeck.phased.expand.renamed_table import RenamedTable
from limbeck.phased.expand.required_column import RequiredColumn
from limbeck.phased.expand.retyped_columns import RetypedColumns, retypings
from limbeck.phased.expand.spare_types import Spares, Type
from limbeck.phased.expand.values import computed_columns, respelled, widens
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Composite, Domain, Enum
from limbeck.schema.diff.column_operations import (
    AddColumn,
    AddNotNull,
    AlterNotNull,
    AlterType,
    DropColumn,
    RenameColumn,
)
from limbeck.schema.diff.operations import DropTable
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote


def recipes(steps: Sequence[Step], change: Change) -> Iterator[Recipe]:
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
    yield from _filled(steps, change)


def _filled(steps: Sequence[Step], change: Change) -> Iterator[Recipe]:
    """Yield the recipes of required columns and of type changes; a column may need both."""
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
    # A type that is created although it exists is created again: an enum with other labels, or a
    # domain or composite type that holds one. They come in the order of their creation.
    again = [step.address for step in steps if step.verb == "create"]
    again = [address for address in again if address in before.objects]
    old, new = (tuple(_types(again, catalog)) for catalog in (before, after))
    addresses = [
        step.address
        for step in steps
        if isinstance(step.operation, AlterType)
        and not step.operation.parks
        and not widens(step.operation.before, step.operation.after)
    ]
    columns = {at: col for at in addresses if isinstance(col := after.objects.get(at), Column)}
    using = (change.using, change.using_back)
    changes = tuple(retypings(columns, before, new, using))
    return RetypedColumns(changes, Spares(old), Spares(new)) if changes else None


def _types(addresses: Sequence[Address], catalog: Catalog) -> Iterator[Type]:
    for address in addresses:
        item = catalog.objects.get(address)
        if isinstance(item, Enum | Domain | Composite):
            yield item
