"""Which element of a user's module says what the database has."""

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
    """Return the name of what a call calls, "" for anything else."""
    return tail(node.func) if isinstance(node, ast.Call) else ""


def keyed(arguments: Iterable[Argument]) -> dict[str, Argument]:
    """Return written arguments of a column by what they say: "type", "ForeignKey", "comment"."""
    found: dict[str, Argument] = {}
    for argument in arguments:
        text = argument if isinstance(argument, str) else argument.text
        node = ast.parse(f"_({text})", mode="eval").body
        if isinstance(node, ast.Call):
            found[node.keywords[0].arg or "" if node.keywords else _kind(node.args[0])] = argument
    return found


def given(call: ast.Call) -> dict[str, ast.expr | ast.keyword]:
    """Return a user's arguments of a column by what they say."""
    found: dict[str, ast.expr | ast.keyword] = {}
    for number, node in enumerate(call.args):
        named = number == 0 and isinstance(node, ast.Constant) and isinstance(node.value, str)
        found.setdefault("name" if named else _kind(node), node)
    for keyword in call.keywords:
        found.setdefault({"type_": "type"}.get(keyword.arg or "", keyword.arg or ""), keyword)
    return found


def _kind(node: ast.expr) -> str:
    return _POSITIONAL.get(called(node), "type")


def says(node: ast.AST, part: Constraint | Index, convention: Mapping[str, str]) -> ast.Call | None:
    """Return the call if it says a constraint or an index: by its name, else by its columns."""
    if not isinstance(node, ast.Call):
        return None
    wanted = "Index" if isinstance(part, Index) else _CLASSES.get(part.type, "TableConstraint")
    if called(node) not in {wanted, "TableConstraint"}:
        return None
    written = name_of(node)
    if written is not None:
        spelled = conventional(part, convention)
        names = {part.name, *_literals(spelled)}
        return node if written in names else None
    if isinstance(part, Constraint) and part.type in "pfu":
        return node if tuple(_columns(node)) == part.columns else None
    if isinstance(part, Index):
        return node if tuple(_columns(node)) == tuple(key.column for key in part.keys) else None
    return None


def name_of(call: ast.Call) -> str | None:
    """Return the name that a constraint or index is given, None for none."""
    value = next((one.value for one in call.keywords if one.arg == "name"), None)
    if called(call) == "Index" and call.args:
        value = call.args[0]
    if isinstance(value, ast.Call) and value.args:  # conv("..."), op.f("...")
        value = value.args[0]
    found = value.value if isinstance(value, ast.Constant) else None
    return found if isinstance(found, str) else None


def _literals(spelled: str) -> Iterator[str]:
    if spelled:
        for node in ast.walk(ast.parse(spelled, mode="eval")):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _columns(call: ast.Call) -> Iterator[str | None]:
    """Yield the columns of a constraint or an index, None for what is no plain column."""
    given_ = call.args[1:] if called(call) == "Index" else call.args
    if called(call) == "ForeignKeyConstraint" and given_:
        first = given_[0]
        given_ = first.elts if isinstance(first, (ast.List, ast.Tuple)) else []
    for node in given_:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        else:
            yield tail(node) or None  # Index("name", Book.title), or of an attribute
