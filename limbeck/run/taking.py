"""Which pending revisions may take something away, told from their source without running it.

Most revisions only add, and the look at what only the target has (`own_search`) costs a scratch
database. A revision whose code is more than calls of `op` is never run for that look: its Python
may write files or call services, and runs once for each attempt to apply it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

from limbeck.history.revisions import Revision

# Calls of `op` after which everything is there that was there before.
_ADDING: Final = frozenset(
    {"add_column", "autocommit_block", "bulk_insert", "create_check_constraint", "create_index"}
    | {"create_exclude_constraint", "create_foreign_key", "create_primary_key", "create_table"}
    | {"create_table_comment", "create_unique_constraint", "drop_table_comment", "execute", "f"}
    | {"get_context", "inline_literal"}
)
_ASKING: Final = frozenset({"get_bind", "run_async", "invoke", "bind", "connection"})
_TAKING: Final = re.compile(r"\bDROP\b|\bRENAME\b|\bALTER\b.*\bTYPE\b", re.IGNORECASE | re.DOTALL)
_LIBRARIES: Final = frozenset({"alembic", "sqlalchemy", "textwrap"})
_ALTERING: Final = frozenset({"type_", "new_column_name", "name"})


def may_take(revisions: Sequence[Revision]) -> bool:
    """Return whether revisions take something away, as far as it shows without running any Python.

    False also if one of them is more than calls of `op`, since none of them could be run then.
    """
    trees = [ast.parse(revision.path.read_bytes()) for revision in revisions]
    return any(map(_takes, trees)) and not any(map(_is_opaque, trees))


def _takes(module: ast.Module) -> bool:
    return any(_taking(node) for node in ast.walk(_upgrade(module)))


def _taking(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(_TAKING.search(node.value))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name = node.func.attr
    if name == "alter_column":
        return any(keyword.arg in _ALTERING for keyword in node.keywords)
    return _root(node.func) == "op" and name not in _ADDING


def _is_opaque(module: ast.Module) -> bool:
    """Return whether a revision runs more than statements, such as functions of its own."""
    known = {*_imported(module)}
    parts = (node for node in module.body if getattr(node, "name", "") != "downgrade")
    return any(
        _asks(node) or (isinstance(node, ast.Call) and _root(node.func) not in known)
        for part in parts
        for node in ast.walk(part)
    )


def _asks(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _ASKING


def _imported(module: ast.Module) -> Iterator[str]:
    """Yield the names of what a revision may call; "" is a method of a literal."""
    yield ""
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _LIBRARIES:
            yield from (each.asname or each.name for each in node.names)
        elif isinstance(node, ast.Import):
            names = [each for each in node.names if each.name.split(".")[0] in _LIBRARIES]
            yield from (each.asname or each.name.split(".")[0] for each in names)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield from (ast.unparse(target) for target in node.targets)  # texts, for their format()


def _root(node: ast.AST) -> str | None:
    """Return the name that a chain of attributes and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    if isinstance(node, ast.Name):
        return node.id
    return "" if isinstance(node, ast.Constant) else None


def _upgrade(module: ast.Module) -> ast.AST:
    functions = (node for node in module.body if isinstance(node, ast.FunctionDef))
    return next((node for node in functions if node.name == "upgrade"), module)
