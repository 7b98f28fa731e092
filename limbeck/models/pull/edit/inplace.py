"""A table that has changed: its class or Table is edited in place."""

from __future__ import annotations

from limbeck.models.pull.edit.arguments import change_options, change_parts
from limbeck.models.pull.edit.attributes import change_column
from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.place import Place, add_statement, place_of
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import without
from limbeck.models.pull.render import columns, tables
from limbeck.models.pull.render.models import Model
from limbeck.schema.catalog.objects.columns import Column


def change_table(draft: Draft, old: Model, new: Model, sides: Sides) -> None:
    """Edit the declaration of a table, so that it is what the live schema has."""
    place = place_of(draft, old)
    if place is None:
        draft.left.append(f"{new.address}: {new.name} is not declared where it was imported from")
        return
    _change_columns(draft, place, old, new, sides)
    change_parts(draft, place, old, new, sides)
    change_options(draft, place, old, new)


def _change_columns(draft: Draft, place: Place, old: Model, new: Model, sides: Sides) -> None:
    before = {column.name: column for column in old.contents.columns}
    now = {column.name: column for column in new.contents.columns}
    for name in before.keys() - now.keys():
        _remove_column(draft, place, before[name])
    previous = ""
    for name, column in now.items():
        if name not in before:
            _add_column(draft, place, column, previous, new, sides)
        elif _said(before[name], old, sides, new=False) != _said(column, new, sides, new=True):
            change_column(draft, place, (before[name], old), (column, new), sides)
        # A new column has no statement yet: the next one comes below the same one as it.
        previous = name if name in place.statements or name in place.calls else previous


def _said(column: Column, model: Model, sides: Sides, *, new: bool) -> tuple[str, ...]:
    models = sides.after if new else sides.before
    made = columns.arguments(column, model, models, annotated=model.mapped)
    texts = (one if isinstance(one, str) else one.text for one in made)
    return (*texts, str(column.not_null is None), columns.annotation(column, models).text)


def _remove_column(draft: Draft, place: Place, column: Column) -> None:
    if place.table is not None and (call := place.calls.get(column.name)):
        draft.of(place.table).removed.append(call)
    elif statement := place.statements.get(column.name):
        draft.edits.append(without(draft.parsed, statement))
    else:
        draft.left.append(f"{column.address}: it is gone, and not declared in the class itself")


def _add_column(  # noqa: PLR0913, PLR0917 - a column and its surroundings
    draft: Draft, place: Place, column: Column, previous: str, new: Model, sides: Sides
) -> None:
    if place.table is not None:
        made = draft.spelled(columns.core(column, new, sides.after))
        anchor = place.calls.get(previous)
        if anchor is None:
            draft.of(place.table).positional.append(made)
        else:
            draft.of(place.table).below.setdefault(anchor, []).append(made)
        return
    made = draft.spelled(tables.attribute(column, new, sides.after))
    add_statement(draft, place, made, place.statements.get(previous))
