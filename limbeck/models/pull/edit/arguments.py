"""What is said of a table beside its columns: constraints, indexes, options, in place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import assigned
from limbeck.models.pull.edit.matching import called, given, says
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


def change_parts(draft: Draft, place: Place, old: Model, new: Model, sides: Sides) -> None:
    """Remove, replace and add constraints and indexes, where the module says them."""
    before, now = parts(old), parts(new)
    elements = dict(tables.elements(new, sides.after))
    texts: list[str] = []
    done: set[Address] = set()
    kept = {column.name for column in old.contents.columns} & {
        column.name for column in new.contents.columns
    }
    for address, part in before.items():
        if now.get(address) == part:
            continue
        found = list(_located(draft, place, part, old, sides))
        follows = now.get(address) is not None and address in elements
        if follows and len(found) == 1 and place.listed is not None and found[0][0] is place.listed:
            draft.of(place.listed).replaced[found[0][1]] = draft.spelled(elements[address])
            done.add(address)
            continue
        for container, node in found:
            if isinstance(container, (ast.Call, ast.Tuple)):
                draft.of(container).removed.append(node)
            elif isinstance(container, ast.stmt):
                draft.edits.append(without(draft.parsed, container))
    _change_not_nulls(draft, place, old, sides, elements)
    for address, part in now.items():
        if before.get(address) == part or address in done:
            continue
        if address in elements:
            texts.append(draft.spelled(elements[address]))
        else:
            _say_at_column(draft, place, part, new, sides, kept)
    _add_elements(draft, place, texts)


def _located(
    draft: Draft, place: Place, part: Constraint | Index, old: Model, sides: Sides
) -> Iterator[tuple[ast.AST, ast.expr | ast.keyword]]:
    """Yield (what it stands in, the node) of what says a part."""
    listed = place.listed.elts if isinstance(place.listed, ast.Tuple) else []
    listed = place.listed.args if isinstance(place.listed, ast.Call) else listed
    for node in listed:
        if place.listed and says(node, part, sides.known.convention):
            yield place.listed, node
            return
    for column, call in place.calls.items():
        if found := _at_column(call, part, column, old, sides):
            yield call, found
            return
    for statement in draft.parsed.tree.body:
        value = getattr(statement, "value", None)
        if value is not None and says(value, part, sides.known.convention):
            own = {place.body.name} if place.body else set()
            if isinstance(part, Index) and (own & _classes(value) or not own):
                yield statement, value
                return


def _classes(call: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}


def _at_column(
    call: ast.Call, part: Constraint | Index, column: str, old: Model, sides: Sides
) -> ast.expr | ast.keyword | None:
    found = given(call)
    if isinstance(part, Index):
        plain = column_of_plain_index(part, old.contents, sides.before.nameless) == column
        return found.get("index") if plain else None
    if part.type == "c":
        return next((n for n in call.args if says(n, part, sides.known.convention)), None)
    kind = {"f": "ForeignKey", "u": "unique"}.get(part.type, "")
    return found.get(kind) if part.columns == (column,) else None


def _change_not_nulls(
    draft: Draft, place: Place, old: Model, sides: Sides, elements: dict[Address, Source]
) -> None:
    """Name the NOT NULLs anew whose names differ; what is left in `elements` is as it was."""
    before = {key: made for key, made in tables.elements(old, sides.before) if key.kind == "column"}
    now = {key: made for key, made in elements.items() if key.kind == "column"}
    listed = place.listed.elts if isinstance(place.listed, ast.Tuple) else []
    listed = place.listed.args if isinstance(place.listed, ast.Call) else listed
    written = {
        str(node.args[0].value): node
        for node in listed
        if isinstance(node, ast.Call)
        and called(node) == "NotNull"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    texts = []
    for address in before.keys() | now.keys():
        one, other = before.get(address), now.get(address)
        if (one and one.text) == (other and other.text):
            continue
        node = written.get(address.part)
        if node and place.listed and other:
            draft.of(place.listed).replaced[node] = draft.spelled(other)
        elif node and place.listed:
            draft.of(place.listed).removed.append(node)
        elif other:
            texts.append(draft.spelled(other))
    _add_elements(draft, place, sorted(texts))


def _say_at_column(  # noqa: PLR0913, PLR0917 - a part of a table and its surroundings
    draft: Draft,
    place: Place,
    part: Constraint | Index,
    new: Model,
    sides: Sides,
    kept: set[str],
) -> None:
    """Say a constraint or an index at its column, unless it is said by a new column."""
    names = part.columns if isinstance(part, Constraint) else ()
    if isinstance(part, Index):
        names = tuple(key.column or "" for key in part.keys)
    if isinstance(part, Constraint) and part.type == "p":
        return
    if len(names) != 1 or names[0] not in kept:
        return
    column = next(one for one in new.contents.columns if one.name == names[0])
    if isinstance(part, Constraint) and part.type == "f":
        made: str | Source = columns.foreign_key(part, sides.after)
    else:
        made = "index=True" if isinstance(part, Index) else "unique=True"
    text = draft.spelled(made)
    add_argument(draft, place, column, text)


def _add_elements(draft: Draft, place: Place, texts: list[str]) -> None:
    if not texts:
        return
    joined = ", ".join(texts)
    if place.listed is not None:
        draft.of(place.listed).positional += texts
    elif place.dictionary is not None:
        start, end = draft.parsed.start(place.dictionary), draft.parsed.end(place.dictionary)
        draft.edits += [Edit(start, start, f"({joined}, "), Edit(end, end, ")")]
    elif place.body and any(assigned(node) == "__table_args__" for node in place.body.body):
        draft.left.append(f"{place.body.name}.__table_args__: {joined} has to be added")
    elif place.body:
        draft.arguments.setdefault(anchor(place.body), []).extend(texts)


def change_options(draft: Draft, place: Place, old: Model, new: Model) -> None:
    """Change the comment, the schema and other options of a table."""
    before = dict(tables.options(old.contents.table))
    now = dict(tables.options(new.contents.table))
    for key in [*before, *(key for key in now if key not in before)]:
        if before.get(key) != now.get(key):
            _change_option(draft, place, key, now.get(key))


def _change_option(draft: Draft, place: Place, key: str, value: str | None) -> None:
    if place.table is not None:
        found = next((one for one in place.table.keywords if one.arg == key), None)
        _set(draft, place.table, found, f"{key}={value}", gone=value is None)
        return
    if place.dictionary is not None:
        keys = place.dictionary.keys
        pairs = zip(keys, place.dictionary.values, strict=True)
        node = next(
            (one for name, one in pairs if isinstance(name, ast.Constant) and name.value == key),
            None,
        )
        if node is not None and value is not None:
            draft.edits.append(Edit(draft.parsed.start(node), draft.parsed.end(node), value))
            return
        if node is None and value is not None:
            start = draft.parsed.start(place.dictionary) + 1
            glue = ", " if keys else ""
            draft.edits.append(Edit(start, start, f"{literal(key)}: {value}{glue}"))
            return
        draft.left.append(f"{place.body and place.body.name}.__table_args__: without {key}")
    elif value is not None and place.listed is not None:
        draft.of(place.listed).keywords.append(f"{{{literal(key)}: {value}}}")
    elif value is not None and place.body:
        draft.options.setdefault(anchor(place.body), []).append(f"{literal(key)}: {value}")


def _set(draft: Draft, call: ast.Call, found: ast.keyword | None, text: str, *, gone: bool) -> None:
    if found is None:
        draft.of(call).keywords.append(text)
    elif gone:
        draft.of(call).removed.append(found)
    else:
        draft.of(call).replaced[found] = text
