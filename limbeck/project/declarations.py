"""Read from a module's syntax tree what it declares: bases, tables, a revision. It does not run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

# What makes a base or something else that has the attribute `metadata`, by the name of its call.
MAKERS: Final = {"declarative_base", "automap_base", "registry", "SQLAlchemy"}
BASES: Final = {"DeclarativeBase", "DeclarativeBaseNoMeta"}
DECORATORS: Final = {"as_declarative", "as_declarative_base"}
Telling: TypeAlias = ast.ClassDef | ast.Call | ast.Import | ast.ImportFrom


def declares(path: Path, base: str = "") -> bool:
    """Return whether a module declares a table of its own.

    Args:
        path: its file; a revision declares none.
        base: the name of a declarative base, whose classes need no __tablename__.

    """
    tree = parsed(path)
    return not is_revision(tree) and (
        declares_table(telling(tree), sqlmodel=False)
        or any(is_table(each, {base}) for each in classes(tree))
    )


def baseless(path: Path) -> Iterator[str]:
    """Yield the classes of a module that have a __tablename__, and neither base nor decorator."""
    for node in classes(parsed(path)):
        if not (node.bases or node.decorator_list) and "__tablename__" in _names(node):
            yield node.name


def is_revision(tree: ast.Module) -> bool:
    """Return whether a module is a revision file, whatever folder it is in."""
    names = {ast.unparse(each) for node in tree.body for each in targets(node)}
    return {"revision", "down_revision"} <= names


def declared(tree: ast.Module) -> Iterator[str]:
    """Yield the names at the top of a module that have metadata."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _is_base(node):
            yield node.name
    yield from made_by(tree, MAKERS)


def _is_base(node: ast.ClassDef) -> bool:
    calls = (each.func for each in node.decorator_list if isinstance(each, ast.Call))
    return bool({_last(base) for base in node.bases} & BASES or {*map(_last, calls)} & DECORATORS)


def made_by(tree: ast.Module, makers: set[str]) -> Iterator[str]:
    """Yield the names at the top of a module to which the result of such a call is assigned."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and _last(value.func) in makers:
            yield ast.unparse(targets(node)[0])


def given(tree: ast.Module) -> Iterator[str]:
    """Yield the names of registries that a declarative base uses, which are none beside it."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and {_last(base) for base in node.bases} & BASES:
            for each in node.body:
                if {"registry"} & {ast.unparse(target) for target in targets(each)}:
                    value = each.value if isinstance(each, ast.Assign | ast.AnnAssign) else None
                    yield from [_last(value)] if value is not None else []


def telling(tree: ast.Module) -> list[Telling]:
    """Return the nodes that tell what a module declares and imports: a walk costs the most."""
    return [node for node in ast.walk(tree) if isinstance(node, Telling)]


def declares_table(nodes: Iterable[Telling], *, sqlmodel: bool) -> bool:
    """Return whether a module has a table by its own words; with `sqlmodel`, one of SQLModel."""
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            if any(each.arg == "table" for each in node.keywords):
                return True
            if not sqlmodel and "__tablename__" in _names(node):
                return True
        elif not sqlmodel and isinstance(node, ast.Call) and _last(node.func) == "Table":
            return True
    return False


def is_table(node: ast.ClassDef, bases: set[str]) -> bool:
    """Return whether a class derives from one of these bases, or "db.Model", and has a table."""
    return derives(node, bases) and not is_abstract(node)


def is_abstract(node: ast.ClassDef) -> bool:
    """Return whether a class is a base of others and has no table."""
    return any(ast.unparse(each) == "__abstract__ = True" for each in node.body)


def derives(node: ast.ClassDef, bases: set[str]) -> bool:
    """Return whether a class derives from one of these bases, or from "db.Model"."""
    names = [ast.unparse(base) for base in node.bases]
    return any(
        name.removesuffix(".Model") in bases
        or name.rpartition(".")[2] in bases
        or name.endswith("db.Model")
        for name in names
    )


def classes(tree: ast.Module) -> list[ast.ClassDef]:
    """Return all classes of a module."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def _names(node: ast.ClassDef) -> list[str]:
    """Return the names that a class assigns."""
    return [ast.unparse(target) for each in node.body for target in targets(each)]


def targets(node: ast.stmt) -> list[ast.expr]:
    """Return what a statement assigns to."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _last(node: ast.expr) -> str:
    """Return the last name of an expression; asked about every call of a project."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ast.unparse(node).rpartition(".")[2]


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file; an empty one if it cannot be parsed."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module(body=[], type_ignores=[])
