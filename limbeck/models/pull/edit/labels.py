"""An enum whose labels have changed: its class, or the call that lists them, in place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import assigned
from limbeck.models.pull.edit.known import KnownEnum
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.place import find_class
from limbeck.models.pull.edit.syntax import Edit, after, without
from limbeck.models.source.text import literal
from limbeck.schema.catalog.objects.types import Enum

_CALLS = frozenset({"Enum", "ENUM", "SQLEnum", "SAEnum"})


def change_class(draft: Draft, known: KnownEnum, old: Enum, new: Enum) -> bool:
    """Give the class of an enum the labels that the database has; say whether it is there."""
    body = find_class(draft.parsed.tree, known.class_[0]) if known.class_ else None
    if body is None:
        return False
    members = dict(_members(draft, body, by_value=known.by_value))
    if list(members) != list(old.labels):
        return False
    if [label for label in old.labels if label in new.labels] != [
        label for label in new.labels if label in old.labels
    ]:
        return False
    for label in old.labels:
        if label not in new.labels:
            draft.edits.append(without(draft.parsed, members[label]))
    below: ast.stmt | None = None
    names = {assigned(node) for node in body.body}
    for label in new.labels:
        if label in members:
            below = members[label]
            continue
        text = _member(draft, label, list(members.items()), known, names)
        if below is not None:
            draft.edits.append(after(draft.parsed, below, text))
        else:
            first = next(iter(members.values()))
            start = draft.parsed.start(first)
            indent = draft.parsed.indent(start)
            draft.edits.append(Edit(start, start, f"{text}\n{indent}"))
    return True


def _members(
    draft: Draft, body: ast.ClassDef, *, by_value: bool
) -> Iterator[tuple[str, ast.Assign]]:
    for node in body.body:
        name = assigned(node)
        if not isinstance(node, ast.Assign) or name is None or name.startswith("_"):
            continue
        value = node.value.value if isinstance(node.value, ast.Constant) else None
        if by_value and value is None and draft.parsed.source(node.value).endswith("auto()"):
            value = name.lower()  # as StrEnum does
        yield (str(value) if by_value else name), node


def _member(
    draft: Draft,
    label: str,
    members: Sequence[tuple[str, ast.Assign]],
    known: KnownEnum,
    names: Iterable[str | None],
) -> str:
    """Return the statement of a new member, as the others are written."""
    last = members[-1][1].value
    source = draft.parsed.source(last)
    plain = re.sub(r"\W+", "_", label)
    upper = all(name is None or name.isupper() for name in names)
    name = (plain.upper() if upper else plain) if known.by_value else label
    name = name if name.isidentifier() else f"N{name}"
    if source.endswith("auto()"):
        return f"{name} = {source}"
    numbers = [
        node.value.value
        for _, node in members
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, int)
    ]
    if not known.by_value and len(numbers) == len(members):
        return f"{name} = {max(numbers) + 1}"
    value = label
    if not known.by_value and all(_value(node) == name_.lower() for name_, node in members):
        value = label.lower()
    return f"{name} = {literal(value)}"


def _value(node: ast.Assign) -> object:
    return node.value.value if isinstance(node.value, ast.Constant) else None


def change_calls(draft: Draft, old: Enum, new: Enum) -> bool:
    """Give the calls that list an enum's labels the new ones; say whether there is one."""
    found = False
    for node in ast.walk(draft.parsed.tree):
        if called(node) not in _CALLS or not isinstance(node, ast.Call):
            continue
        name = next((one.value for one in node.keywords if one.arg == "name"), None)
        if not (isinstance(name, ast.Constant) and name.value == old.name):
            continue
        labels = [one.value for one in node.args if isinstance(one, ast.Constant)]
        if labels != list(old.labels) or len(labels) != len(node.args):
            continue
        start, end = draft.parsed.start(node.args[0]), draft.parsed.end(node.args[-1])
        text = ", ".join(literal(label) for label in new.labels)
        draft.edits.append(Edit(start, end, text))
        found = True
    return found
