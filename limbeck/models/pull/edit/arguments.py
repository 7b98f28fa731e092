"""Constraints, indexes and options of a table, changed in place beside its columns."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import assigned
from limbeck.models.pull.edit.matching import called, declares, given
from limbeck.models.pull.edit.place import Place, add_argument, anchor
from limbeck.models.pull.edit.sides import Sides, parts
from limbeck.models.pull.edit.syntax import Edit, without
from limbeck.models.pull.render import columns, tables
from limbeck.models.pull.render.models import Model
from limbeck.models.pull.render.roles import column_of_plain_index
from limbeck.models.source.text import Source, literal
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index

_Container: TypeAlias = "ast.Tuple | ast.Call | ast.stmt"


def change_parts(draft: Draft, place: Place, old: Model, new: Model, sides: Sides) -> None:
    """Remove, replace and add constraints and indexes where the module declares them.

    Args:
        draft: the module.
        place: the table in it.
        old: the table as the working models have it.
        new: the table as the database has it.
        sides: both schemas.

    """
    before, now = parts(old), parts(new)
    elements = dict(tables.elements(new, sides.after))
    replaced: set[Address] = set()
    successors = _successors(before, now)
    moved = set(_moved(draft, place, old, new, sides))
    for address, part in before.items():
        if now.get(address) == part and address not in moved:
            continue
        nodes = list(_located(draft, place, part, old, sides))
        successor = successors.get(address, address)
        stays = successor in now and successor in elements
        if stays and place.listed and [container for container, _ in nodes] == [place.listed]:
            draft.of(place.listed).replaced[nodes[0][1]] = draft.spelled(elements[successor])
            replaced.add(successor)
            continue
        _remove(draft, nodes)
    texts = _change_not_nulls(draft, place, old, sides, elements)
    in_both = {column.name for column in old.contents.columns} & {
        column.name for column in new.contents.columns
    }
    for address, part in now.items():
        if (before.get(address) == part and address not in moved) or address in replaced:
            continue
        if address in elements:
            texts.append(draft.spelled(elements[address]))
        else:
            _add_to_column(draft, place, part, new, sides, in_both)
    _add_elements(draft, place, texts)


def _moved(draft: Draft, place: Place, old: Model, new: Model, sides: Sides) -> Iterator[Address]:
    """Yield the indexes that a column declares, and can no longer: beside unique=True, say."""
    for index in old.contents.indexes:
        plain = column_of_plain_index(index, old.contents, sides.before.nameless)
        if plain is None or index not in new.contents.indexes:
            continue
        if column_of_plain_index(index, new.contents, sides.after.nameless) is None:
            nodes = _located(draft, place, index, old, sides)
            if all(container is not place.listed for container, _ in nodes):
                yield index.address


def remove_part(
    draft: Draft, place: Place, part: Constraint | Index, model: Model, sides: Sides
) -> None:
    """Remove a constraint or an index from where the module declares it."""
    _remove(draft, list(_located(draft, place, part, model, sides)))


def _remove(draft: Draft, nodes: Iterable[tuple[_Container, ast.expr | ast.keyword]]) -> None:
    for container, node in nodes:
        if isinstance(container, ast.stmt):
            draft.edits.append(without(draft.parsed, container))
        else:
            draft.of(container).removed.append(node)


def _successors(
    before: Mapping[Address, Constraint | Index], now: Mapping[Address, Constraint | Index]
) -> dict[Address, Address]:
    """Return the constraints and indexes that only have another name, as old and new address."""
    new = {_nameless(part): address for address, part in now.items() if address not in before}
    return {
        address: new[_nameless(part)]
        for address, part in before.items()
        if address not in now and _nameless(part) in new
    }


def _nameless(part: Constraint | Index) -> Constraint | Index:
    if isinstance(part, Index):
        return replace(part, name="", definition=part.definition.partition(" ON ")[2])
    return replace(part, name="")


def _located(
    draft: Draft, place: Place, part: Constraint | Index, old: Model, sides: Sides
) -> Iterator[tuple[_Container, ast.expr | ast.keyword]]:
    """Yield (container, node) of the element that declares a constraint or an index."""
    convention = sides.known.convention
    for node in place.elements:
        if place.listed and declares(node, part, convention):
            yield place.listed, node
            return
    for column, call in place.calls.items():
        if argument := _at_column(call, part, column, old, sides):
            yield call, argument
            return
    for statement in draft.parsed.tree.body:
        value = getattr(statement, "value", None)
        if not (isinstance(part, Index) and value and declares(value, part, convention)):
            continue
        # Index("name", Item.a): two classes may have columns of the same name.
        if place.body is None or place.body.name in _names(value):
            yield statement, value
            return


def _names(call: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}


def _at_column(
    call: ast.Call, part: Constraint | Index, column: str, old: Model, sides: Sides
) -> ast.expr | ast.keyword | None:
    arguments = given(call)
    if isinstance(part, Index):
        plain = column_of_plain_index(part, old.contents, sides.before.nameless) == column
        return arguments.get("index") if plain else None
    if part.type == "c":
        convention = sides.known.convention
        return next((node for node in call.args if declares(node, part, convention)), None)
    kind = {"f": "ForeignKey", "u": "unique"}.get(part.type, "")
    return arguments.get(kind) if part.columns == (column,) else None


def _change_not_nulls(
    draft: Draft, place: Place, old: Model, sides: Sides, elements: dict[Address, Source]
) -> list[str]:
    """Change the names of NOT NULL constraints that differ; return those to add."""
    before = {key: node for key, node in tables.elements(old, sides.before) if key.kind == "column"}
    now = {key: node for key, node in elements.items() if key.kind == "column"}
    written = {
        str(node.args[0].value): node
        for node in place.elements
        if isinstance(node, ast.Call)
        and called(node) == "NotNull"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    texts = []
    for address in before.keys() | now.keys():
        own, wanted = before.get(address), now.get(address)
        if (own and own.text) == (wanted and wanted.text):
            continue
        node = written.get(address.part)
        if node and place.listed and wanted:
            draft.of(place.listed).replaced[node] = draft.spelled(wanted)
        elif node and place.listed:
            draft.of(place.listed).removed.append(node)
        elif wanted:
            texts.append(draft.spelled(wanted))
    return sorted(texts)


def _add_to_column(  # noqa: PLR0913, PLR0917 - a part of a table and its surroundings
    draft: Draft,
    place: Place,
    part: Constraint | Index,
    new: Model,
    sides: Sides,
    in_both: set[str],
) -> None:
    """Add a constraint or an index to its column; a new column declares its own already."""
    names = part.columns if isinstance(part, Constraint) else ()
    if isinstance(part, Index):
        names = tuple(key.column or "" for key in part.keys)
    if isinstance(part, Constraint) and part.type == "p":
        return
    if len(names) != 1 or names[0] not in in_both:
        return
    column = next(column for column in new.contents.columns if column.name == names[0])
    if isinstance(part, Constraint) and part.type == "f":
        argument: str | Source = columns.foreign_key(part, sides.after)
    else:
        argument = "index=True" if isinstance(part, Index) else "unique=True"
    add_argument(draft, place, column, draft.spelled(argument))


def _add_elements(draft: Draft, place: Place, texts: list[str]) -> None:
    if not texts:
        return
    joined = ", ".join(texts)
    if place.listed is not None:
        draft.of(place.listed).positional += texts
    elif place.dictionary is not None:
        # __table_args__ is only a dictionary so far: it becomes the end of a tuple.
        start, end = draft.parsed.start(place.dictionary), draft.parsed.end(place.dictionary)
        draft.edits += [Edit(start, start, f"({joined}, "), Edit(end, end, ")")]
    elif place.body and any(assigned(node) == "__table_args__" for node in place.body.body):
        draft.left.append(f"{place.body.name}.__table_args__: {joined} is missing")
    elif place.body:
        draft.arguments.setdefault(anchor(place.body), []).extend(texts)


def change_options(draft: Draft, place: Place, old: Model, new: Model) -> None:
    """Change the comment, the schema and other options of a table.

    Args:
        draft: the module.
        place: the table in it.
        old: the table as the working models have it.
        new: the table as the database has it.

    """
    before = dict(tables.options(old.contents.table))
    now = dict(tables.options(new.contents.table))
    for key in [*before, *(key for key in now if key not in before)]:
        if before.get(key) != now.get(key):
            change_option(draft, place, key, now.get(key))


def change_option(draft: Draft, place: Place, key: str, value: str | None) -> None:
    """Change one option of a table; `value` is its source, or None to remove it."""
    if place.table is not None:
        _change_keyword(draft, place.table, key, value)
    elif place.dictionary is not None:
        _change_pair(draft, place, place.dictionary, key, value)
    elif value is not None and place.listed is not None:
        draft.of(place.listed).keywords.append(f"{{{literal(key)}: {value}}}")
    elif value is not None and place.body:
        draft.options.setdefault(anchor(place.body), []).append(f"{literal(key)}: {value}")


def _change_keyword(draft: Draft, call: ast.Call, key: str, value: str | None) -> None:
    keyword = next((keyword for keyword in call.keywords if keyword.arg == key), None)
    if keyword is None:
        draft.of(call).keywords.append(f"{key}={value}")
    elif value is None:
        draft.of(call).removed.append(keyword)
    else:
        draft.of(call).replaced[keyword] = f"{key}={value}"


def _change_pair(
    draft: Draft, place: Place, dictionary: ast.Dict, key: str, value: str | None
) -> None:
    pairs = zip(dictionary.keys, dictionary.values, strict=True)
    node = next(
        (item for name, item in pairs if isinstance(name, ast.Constant) and name.value == key),
        None,
    )
    if value is None:
        # ast has no position for the pair and its comma; it happens rarely.
        draft.left.append(f"{place.body and place.body.name}.__table_args__: remove {key}")
    elif node is not None:
        draft.edits.append(Edit(draft.parsed.start(node), draft.parsed.end(node), value))
    else:
        start = draft.parsed.start(dictionary) + 1
        glue = ", " if dictionary.keys else ""
        draft.edits.append(Edit(start, start, f"{literal(key)}: {value}{glue}"))
