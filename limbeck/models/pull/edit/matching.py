"""Finds the element of a user's module that declares a constraint, an index or an argument."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from limbeck.models.pull.render.conventions import name as conventional
from limbeck.models.source.text import Argument
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index

_CLASSES = {
    "p": "PrimaryKeyConstraint",
    "f": "ForeignKeyConstraint",
    "u": "UniqueConstraint",
    "c": "CheckConstraint",
    "x": "ExcludeConstraint",
}
_POSITIONAL = {
    "ForeignKey": "ForeignKey",
    "Identity": "Identity",
    "Sequence": "Identity",
    "Computed": "Computed",
    "CheckConstraint": "CheckConstraint",
}


def tail(node: ast.expr) -> str:
    """Return the last name of a dotted one: String of sa.String; "" for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def called(node: ast.AST | None) -> str:
    """Return the name of the function that a call calls, "" for anything else."""
    return tail(node.func) if isinstance(node, ast.Call) else ""


def keyed(arguments: Iterable[Argument]) -> dict[str, Argument]:
    """Return limbeck's arguments of a column by their meaning: "type", "ForeignKey", "comment"."""
    by_meaning: dict[str, Argument] = {}
    for argument in arguments:
        text = argument if isinstance(argument, str) else argument.text
        node = ast.parse(f"_({text})", mode="eval").body
        if isinstance(node, ast.Call):
            meaning = node.keywords[0].arg or "" if node.keywords else _kind(node.args[0])
            by_meaning[meaning] = argument
    return by_meaning


def given(call: ast.Call) -> dict[str, ast.expr | ast.keyword]:
    """Return a user's arguments of a column by their meaning."""
    by_meaning: dict[str, ast.expr | ast.keyword] = {}
    for number, node in enumerate(call.args):
        named = number == 0 and isinstance(node, ast.Constant) and isinstance(node.value, str)
        by_meaning.setdefault("name" if named else _kind(node), node)
    for keyword in call.keywords:
        by_meaning.setdefault({"type_": "type"}.get(keyword.arg or "", keyword.arg or ""), keyword)
    return by_meaning


def _kind(node: ast.expr) -> str:
    return _POSITIONAL.get(called(node), "type")


def declares(node: ast.AST, part: Constraint | Index, convention: Mapping[str, str]) -> bool:
    """Return whether a call declares a constraint or an index: by its name, else its columns.

    Args:
        node: any node; only a call can declare one.
        part: the constraint or index.
        convention: the naming convention of the MetaData.

    """
    if not isinstance(node, ast.Call):
        return False
    wanted = "Index" if isinstance(part, Index) else _CLASSES.get(part.type, "TableConstraint")
    if called(node) not in {wanted, "TableConstraint"}:
        return False
    written = _name(node)
    if written is not None:
        return written in {part.name, *_literals(conventional(part, convention))}
    if isinstance(part, Index):
        return tuple(_columns(node)) == tuple(key.column for key in part.keys)
    return part.type in "pfu" and tuple(_columns(node)) == part.columns


def _name(call: ast.Call) -> str | None:
    """Return the name that a call gives a constraint or an index, None for none."""
    value = next((keyword.value for keyword in call.keywords if keyword.arg == "name"), None)
    if called(call) == "Index" and call.args:
        value = call.args[0]
    if isinstance(value, ast.Call) and value.args:  # conv("..."), op.f("...")
        value = value.args[0]
    name = value.value if isinstance(value, ast.Constant) else None
    return name if isinstance(name, str) else None


def _literals(spelled: str) -> Iterator[str]:
    if spelled:
        for node in ast.walk(ast.parse(spelled, mode="eval")):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _columns(call: ast.Call) -> Iterator[str | None]:
    """Yield the columns of a constraint or an index, None for an expression."""
    arguments = call.args[1:] if called(call) == "Index" else call.args
    if called(call) == "ForeignKeyConstraint" and arguments:
        first = arguments[0]
        arguments = first.elts if isinstance(first, (ast.List, ast.Tuple)) else []
    for node in arguments:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        else:
            yield tail(node) or None  # Index("name", Book.title), or of an attribute
