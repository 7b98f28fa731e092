"""A table that has changed: its class or Table is edited in place."""

from __future__ import annotations

from limbeck.models.pull.edit.arguments import change_options, change_parts
from limbeck.models.pull.edit.attributes import change_column
from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.place import Place, add_statement, place_of
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import before, without
from limbeck.models.pull.edit.unkeyed import change_mapping
from limbeck.models.pull.render import columns, tables
from limbeck.models.pull.render.models import Model, Models
from limbeck.schema.catalog.objects.columns import Column


def change_table(draft: Draft, old: Model, new: Model, sides: Sides) -> None:
    """Edit the declaration of a table to describe the live schema.

    Args:
        draft: the module of the table.
        old: the table as the working models have it.
        new: the table as the database has it.
        sides: both schemas.

    """
    place = place_of(draft, old)
    if place is None:
        draft.left.append(f"{new.address}: {new.name} is not declared where it was imported from")
        return
    _change_columns(draft, place, old, new, sides)
    change_parts(draft, place, old, new, sides)
    change_options(draft, place, old, new)
    change_mapping(draft, place, new)


def _change_columns(draft: Draft, place: Place, old: Model, new: Model, sides: Sides) -> None:
    columns_before = {column.name: column for column in old.contents.columns}
    now = {column.name: column for column in new.contents.columns}
    for name in columns_before.keys() - now.keys():
        _remove_column(draft, place, columns_before[name])
    previous = ""
    for name, column in now.items():
        if name not in columns_before:
            _add_column(draft, place, column, previous, new, sides)
        elif _texts(columns_before[name], old, sides.before) != _texts(column, new, sides.after):
            change_column(draft, place, (columns_before[name], old), (column, new), sides)
        # A new column has no statement yet: the next one is inserted below the same statement.
        previous = name if name in place.statements or name in place.calls else previous


def _texts(column: Column, model: Model, models: Models) -> tuple[str, ...]:
    """Return the source of a column by which the two sides are compared."""
    arguments = columns.arguments(column, model, models, annotated=model.mapped)
    texts = (argument if isinstance(argument, str) else argument.text for argument in arguments)
    implied = str(columns.is_implied(column, model, models))
    optional = str(column.not_null is None)
    return (*texts, implied, optional, columns.annotation(column, models).text)


def _remove_column(draft: Draft, place: Place, column: Column) -> None:
    if place.table is not None and (call := place.calls.get(column.name)):
        draft.of(place.table).removed.append(call)
    elif statement := place.statements.get(column.name):
        draft.edits.append(without(draft.parsed, statement))
    else:
        draft.left.append(f"{column.address}: it is gone, but declared outside the class")


def _add_column(  # noqa: PLR0913, PLR0917 - a column and its surroundings
    draft: Draft, place: Place, column: Column, previous: str, new: Model, sides: Sides
) -> None:
    if place.table is not None:
        text = draft.spelled(columns.core(column, new, sides.after))
        # The first column follows the MetaData: their order may be that of the key.
        anchor = place.calls.get(previous) or next(iter(place.table.args[1:2]), None)
        if anchor is None:
            draft.of(place.table).positional.append(text)
        else:
            draft.of(place.table).below.setdefault(anchor, []).append(text)
        return
    text = draft.spelled(tables.attribute(column, new, sides.after))
    below = place.statements.get(previous)
    first = min(place.statements.values(), key=draft.parsed.start, default=None)
    if below is None and first is not None:
        draft.edits.append(before(draft.parsed, first, text))
    else:
        add_statement(draft, place, text, below)
