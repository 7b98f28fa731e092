"""Read from the syntax tree of a module what it says about tables and imports."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

# What makes a base or something else that has the attribute `metadata`, by the name of its call.
MAKERS: Final = {"declarative_base", "automap_base", "registry", "SQLAlchemy"}
BASES: Final = {"DeclarativeBase", "DeclarativeBaseNoMeta"}


def taken(module: str, tree: ast.Module, *, is_package: bool) -> Iterator[tuple[str, str]]:
    """Yield the modules that one imports, with the names that it takes from them."""
    for node in statements(tree, runs):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(module, node, is_package=is_package)
            for alias in node.names:
                yield origin, alias.asname or alias.name
                yield f"{origin}.{alias.name}", ""  # it may be a module


def absolute(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    """Return the module that an import names, from a module that may be a package."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *filter(None, [node.module])])


def is_revision(tree: ast.Module) -> bool:
    """Return whether a module is a revision file, whatever folder it is in."""
    names = {ast.unparse(each) for node in tree.body for each in targets(node)}
    return {"revision", "down_revision"} <= names


def having_metadata(tree: ast.Module) -> Iterator[str]:
    """Yield the names at the top of a module that have metadata."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and {last_name(base) for base in node.bases} & BASES:
            yield node.name
    yield from results(tree, MAKERS)


def results(tree: ast.Module, makers: set[str]) -> Iterator[str]:
    """Yield the names at the top of a module to which the result of such a call is assigned."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and last_name(value.func) in makers:
            yield ast.unparse(targets(node)[0])


def registries(tree: ast.Module) -> Iterator[str]:
    """Yield the names of registries that a declarative base uses, which are none beside it."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and {last_name(base) for base in node.bases} & BASES:
            for each in node.body:
                if {"registry"} & {ast.unparse(target) for target in targets(each)}:
                    value = each.value if isinstance(each, ast.Assign | ast.AnnAssign) else None
                    yield from [last_name(value)] if value is not None else []


def declares_table(tree: ast.Module, *, sqlmodel: bool) -> bool:
    """Return whether a module declares a table; those of SQLModel only, if so wanted."""
    for node in statements(tree):
        if isinstance(node, ast.ClassDef):
            if any(each.arg == "table" for each in node.keywords):
                return True
            if not sqlmodel and "__tablename__" in assigned(node):
                return True
        elif not sqlmodel and is_sqlalchemys(called(node), tree):
            return True
    return False


def called(node: ast.AST) -> str:
    """Return what a statement calls for its value: "sa.Table" of `t = sa.Table(...)`."""
    value = getattr(node, "value", None)
    return ast.unparse(value.func) if isinstance(value, ast.Call) else ""


def is_sqlalchemys(name: str, tree: ast.Module) -> bool:
    """Return whether this is the Table of SQLAlchemy: other libraries have one, too."""
    return name.endswith(".Table") or (
        name == "Table"
        and not any(
            isinstance(node, ast.ImportFrom)
            and not (node.module or "").startswith("sqlalchemy")
            and name in {alias.asname or alias.name for alias in node.names}
            for node in statements(tree)
        )
    )


def is_table(node: ast.ClassDef, bases: set[str]) -> bool:
    """Return whether a class derives from one of these bases, or "db.Model", and has a table."""
    return derives(node, bases) and not any(
        ast.unparse(each) == "__abstract__ = True"
        for each in node.body
        if isinstance(each, ast.Assign)
    )


def derives(node: ast.ClassDef, bases: set[str]) -> bool:
    """Return whether a class derives from one of these bases, directly."""
    names = [ast.unparse(base) for base in node.bases]
    return any(
        name.removesuffix(".Model") in bases
        or name.rpartition(".")[2] in bases
        or name.endswith("db.Model")
        for name in names
    )


def classes(tree: ast.Module) -> list[ast.ClassDef]:
    """Return the classes of a module, nested ones included."""
    return [node for node in statements(tree) if isinstance(node, ast.ClassDef)]


def statements(
    node: ast.AST, enters: Callable[[ast.AST], bool] = lambda _: True
) -> Iterator[ast.AST]:
    """Yield the statements below a node: a tenth of what ast.walk() visits in a large project."""
    todo = [node]
    while todo:
        node = todo.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, name, None)
            if isinstance(below, list):  # a conditional expression and a lambda have one, too
                todo += filter(enters, below)
                yield from below


def runs(node: ast.AST) -> bool:
    """Return whether the statements of a statement run when its module is imported."""
    if isinstance(node, ast.If):
        return not ast.unparse(node.test).endswith("TYPE_CHECKING")
    return not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def assigned(node: ast.ClassDef) -> list[str]:
    """Return the names that a class assigns."""
    return [ast.unparse(target) for each in node.body for target in targets(each)]


def targets(node: ast.stmt) -> list[ast.expr]:
    """Return what a statement assigns to."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name."""
    return ast.unparse(node).rpartition(".")[2]


def parsed(path: Path) -> ast.Module:
    """Return the tree of a file; an empty one if it cannot be read."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module(body=[], type_ignores=[])
