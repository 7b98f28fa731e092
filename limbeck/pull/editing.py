"""Editing of a user's module: single statements are replaced, all else stays as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from limbeck.errors import ModelsError
from limbeck.pull.modules import merged


@dataclass(frozen=True, slots=True)
class Edits:
    """What changes in a class: statements by the attribute that they assign.

    `replaced` maps an attribute to its new statement, None to remove it; `added` are
    (attribute that it comes after, statement) pairs, "" for the end of the class.
    """

    replaced: Mapping[str, str | None]
    added: Sequence[tuple[str, str]]


def edit_class(text: str, name: str, edits: Edits) -> str:
    """Return a module's text with one of its classes changed.

    Raises:
        ModelsError: the module has no such class.

    """
    found = _class(text, name)
    lines = text.splitlines()
    assigned = {attribute: node for node in found.body if (attribute := _assigned(node))}
    indent = " " * found.body[0].col_offset
    changes: dict[int, tuple[int, list[str]]] = {}
    for attribute, statement in edits.replaced.items():
        if node := assigned.get(attribute):
            new = [] if statement is None else [indent + statement]
            changes[node.lineno - 1] = (node.end_lineno or node.lineno, new)
    insertions: dict[int, list[str]] = {}
    last = found.end_lineno or found.lineno
    missing = [
        ("__tablename__", statement)
        for attribute, statement in edits.replaced.items()
        if statement is not None and attribute not in assigned
    ]
    for attribute, statement in [*missing, *edits.added]:
        after = assigned.get(attribute)
        place = (after.end_lineno or after.lineno) if after else last
        insertions.setdefault(place, []).append(indent + statement)
    return _applied(lines, changes, insertions)


def _applied(
    lines: list[str],
    changes: Mapping[int, tuple[int, list[str]]],
    insertions: Mapping[int, list[str]],
) -> str:
    made: list[str] = []
    number = 0
    while number < len(lines):
        if number in changes:
            number, new = changes[number]
            made += new
        else:
            made.append(lines[number])
            number += 1
        made += insertions.get(number, [])
    return "\n".join(made) + "\n"


def _class(text: str, name: str) -> ast.ClassDef:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise ModelsError(f"there is no class {name} where it was imported from")


def _assigned(node: ast.stmt) -> str | None:
    target = node.target if isinstance(node, ast.AnnAssign) else None
    if isinstance(node, ast.Assign):
        target = node.targets[0]  # type: ignore[assignment]
    return target.id if isinstance(target, ast.Name) else None


def with_imports(text: str, lines: Iterable[str], guarded: Iterable[str]) -> str:
    """Return a module's text with import lines added, where it does not have them yet."""
    tree = ast.parse(text)
    present = {
        (node.module or "", alias.asname or alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    own = set(text.splitlines())
    plain = [line for line in lines if line not in own and not _has(line, present)]
    hidden = [line for line in guarded if not _has(line, present)]
    block = merged(plain)
    if hidden:
        block += ["", "if TYPE_CHECKING:", *(f"    {line}" for line in merged(hidden))]
    if not block:
        return text
    imports = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    at = (imports[-1].end_lineno or 0) if imports else _after_docstring(tree)
    kept = text.splitlines()
    return "\n".join([*kept[:at], *block, *kept[at:]]) + "\n"


def _has(line: str, present: set[tuple[str, str]]) -> bool:
    if not line.startswith("from "):
        return False
    module, _, names = line.removeprefix("from ").partition(" import ")
    return all((module, name) in present for name in names.split(", "))


def _after_docstring(tree: ast.Module) -> int:
    first = tree.body[0] if tree.body else None
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or 0) if first and docstring else 0


def with_exports(text: str, lines: Iterable[str], names: Iterable[str]) -> str:
    """Return a package's __init__ that also imports and exports some names."""
    text = with_imports(text, lines, ())
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and _assigned(node) == "__all__":
            value = node.value
            if not isinstance(value, (ast.List, ast.Tuple)):
                return text
            listed = {one.value for one in value.elts if isinstance(one, ast.Constant)}
            every = sorted({*map(str, listed), *names})
            kept = text.splitlines()
            inner = ", ".join(f'"{name}"' for name in every)
            made = f"__all__ = [{inner}]"
            return "\n".join([*kept[: node.lineno - 1], made, *kept[node.end_lineno :]]) + "\n"
    return text
