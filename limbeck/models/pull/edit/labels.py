"""An enum with new labels: its class, or the call that lists them, is edited in place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from limbeck.models.pull.edit.draft import Draft
from limbeck.models.pull.edit.imports import assigned
from limbeck.models.pull.edit.known import KnownEnum
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.place import find_class
from limbeck.models.pull.edit.syntax import Edit, after, before, without
from limbeck.models.source.text import literal
from limbeck.schema.catalog.objects.types import Enum

_CALLS = frozenset({"Enum", "ENUM", "SQLEnum", "SAEnum"})


def change_class(draft: Draft, known: KnownEnum, old: Enum, new: Enum) -> bool:
    """Change the class of an enum to the new labels; return whether the class is here.

    Args:
        draft: the module.
        known: the enum as the working models have it.
        old: its labels in the models.
        new: its labels in the database.

    """
    body = find_class(draft.parsed.tree, known.class_[0]) if known.class_ else None
    if body is None:
        return False
    members = dict(_members(draft, body, by_value=known.by_value))
    if list(members) != list(old.labels) or not _in_same_order(old, new):
        return False
    if known.by_value and len(new.labels) == len(old.labels):
        _rename_members(draft, members, old, new)
        return True
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
            draft.edits.append(before(draft.parsed, next(iter(members.values())), text))
    return True


def _rename_members(draft: Draft, members: Mapping[str, ast.Assign], old: Enum, new: Enum) -> None:
    """Change the values of members: Postgres renames labels and removes none.

    The members keep their names in Python, which is what code uses.
    """
    for previous, label in zip(old.labels, new.labels, strict=True):
        if previous != label:
            value = members[previous].value
            start, end = draft.parsed.start(value), draft.parsed.end(value)
            draft.edits.append(Edit(start, end, literal(label)))


def _in_same_order(old: Enum, new: Enum) -> bool:
    common = [label for label in old.labels if label in new.labels]
    return common == [label for label in new.labels if label in old.labels]


def _members(
    draft: Draft, body: ast.ClassDef, *, by_value: bool
) -> Iterator[tuple[str, ast.Assign]]:
    """Yield the label in the database and the statement of each member."""
    for node in body.body:
        name = assigned(node)
        if not isinstance(node, ast.Assign) or name is None or name.startswith("_"):
            continue
        value = _value(node)
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
    """Return the statement of a new member, written like the others.

    Args:
        draft: the module.
        label: the new label.
        members: the label and the statement of each existing member.
        known: the enum as the working models have it.
        names: every name that the body of the class assigns.

    """
    source = draft.parsed.source(members[-1][1].value)
    plain = re.sub(r"\W+", "_", label)
    upper = all(name is None or name.isupper() for name in names)
    name = (plain.upper() if upper else plain) if known.by_value else label
    name = name if name.isidentifier() else f"N{name}"
    if source.endswith("auto()"):
        return f"{name} = {source}"
    numbers = [value for _, node in members if isinstance(value := _value(node), int)]
    if not known.by_value and len(numbers) == len(members):
        return f"{name} = {max(numbers) + 1}"
    value = label
    if not known.by_value and all(_value(node) == member.lower() for member, node in members):
        value = label.lower()
    return f"{name} = {literal(value)}"


def _value(node: ast.Assign) -> object:
    return node.value.value if isinstance(node.value, ast.Constant) else None


def change_calls(draft: Draft, old: Enum, new: Enum) -> bool:
    """Change the calls that list an enum's labels; return whether there is one."""
    changed = False
    for node in ast.walk(draft.parsed.tree):
        if called(node) not in _CALLS or not isinstance(node, ast.Call):
            continue
        name = next((keyword.value for keyword in node.keywords if keyword.arg == "name"), None)
        if not (isinstance(name, ast.Constant) and name.value == old.name):
            continue
        changed |= _relist(draft, node.args, old, new)
    return changed


def change_literal(draft: Draft, known: KnownEnum, old: Enum, new: Enum) -> bool:
    """Change the Literal[...] that is the enum's type in Python; return whether it is here."""
    for node in draft.parsed.tree.body:
        value = getattr(node, "value", None)
        if assigned(node) != known.spelling.annotation.text or not isinstance(value, ast.Subscript):
            continue
        inside = value.slice
        return _relist(draft, inside.elts if isinstance(inside, ast.Tuple) else [inside], old, new)
    return False


def _relist(draft: Draft, listed: Sequence[ast.expr], old: Enum, new: Enum) -> bool:
    """Replace listed labels; return whether they are all labels of the enum."""
    labels = [item.value for item in listed if isinstance(item, ast.Constant)]
    if labels != list(old.labels) or len(labels) != len(listed):
        return False
    start, end = draft.parsed.start(listed[0]), draft.parsed.end(listed[-1])
    draft.edits.append(Edit(start, end, ", ".join(literal(label) for label in new.labels)))
    return True
