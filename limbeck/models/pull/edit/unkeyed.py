"""Classes and foreign keys whose key is gone from the database: what keeps them valid.

SQLAlchemy maps no class without a primary key, and a table that only the models have cannot refer
to a key that Postgres has no more.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.place import Place, add_statement
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import Edit
from limbeck.models.pull.render.contents import covers
from limbeck.models.pull.render.models import Model
from limbeck.models.source.text import literal
from limbeck.schema.catalog.objects.constraints import Constraint

_ARGUMENTS = "__mapper_args__"
_UNHASHABLE = re.compile(r"\[\]$|^jsonb?$|hstore$|vector\b")


def change_mapping(draft: Draft, place: Place, new: Model) -> None:
    """Name the columns that identify the rows of a class whose table has no primary key.

    Args:
        draft: the module.
        place: the class in it.
        new: the table as the database has it.

    """
    if place.body is None or new.contents.primary_key is not None:
        return
    attributes = [new.attributes[column] for column in _identifying(new, place)]
    value = f"[{', '.join(map(literal, attributes))}]"
    statement = place.others.get(_ARGUMENTS)
    if statement is None:
        add_statement(draft, place, f'{_ARGUMENTS} = {{"primary_key": {value}}}')
        return
    dictionary = getattr(statement, "value", None)
    if not isinstance(dictionary, ast.Dict):
        draft.left.append(f"{new.name}.{_ARGUMENTS}: primary_key is missing")
        return
    pairs = zip(dictionary.keys, dictionary.values, strict=True)
    written = next((node for key, node in pairs if _text(key) == "primary_key"), None)
    if written is None:
        start = draft.parsed.start(dictionary) + 1
        glue = ", " if dictionary.keys else ""
        draft.edits.append(Edit(start, start, f'"primary_key": {value}{glue}'))
    elif not _names(written) <= set(new.attributes.values()):
        draft.edits.append(Edit(draft.parsed.start(written), draft.parsed.end(written), value))


def _text(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _names(node: ast.expr) -> set[str]:
    """Return the names of attributes in a value, as names or as strings."""
    names = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    strings = {item.value for item in ast.walk(node) if isinstance(item, ast.Constant)}
    return names | {text for text in strings if isinstance(text, str)}


def _identifying(new: Model, place: Place) -> tuple[str, ...]:
    """Return the columns that tell rows apart: those of the old key, of another one, or all."""
    columns = {column.name: column for column in new.contents.columns}
    keys = [
        name
        for name, call in place.calls.items()
        if any(item.arg == "primary_key" for item in call.keywords)
    ]
    if keys and columns.keys() >= set(keys):
        return tuple(keys)
    for constraint in new.contents.constraints:
        required = all(columns[name].not_null for name in constraint.columns if name in columns)
        if constraint.type == "u" and required:
            return constraint.columns
    # SQLAlchemy keeps objects by their identity, and lists and dictionaries have no hash.
    hashable = [name for name, column in columns.items() if not _UNHASHABLE.search(column.type)]
    return tuple(hashable or columns)


def dangling(sides: Sides) -> Iterator[tuple[Model, Constraint]]:
    """Yield the foreign keys of tables that only the models have, to keys that are gone."""
    live = sides.after.catalog.objects
    for address, model in sides.before.tables.items():
        if address in live:
            continue
        for key in model.contents.foreign_keys:
            target = key.reference and sides.after.tables.get(key.reference.table)
            if key.reference and target and not covers(target.contents, key.reference.columns):
                yield model, key
