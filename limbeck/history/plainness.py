"""Decide from its syntax tree whether a revision only gives statements to `op`.

Statements of such a revision may be sent together: it cannot notice. One that reads results,
catches exceptions, opens savepoints, ends transactions or uses the connection gets each answer at
once, as under Alembic.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.history.code import imported, names
from limbeck.history.revisions import Revision, parsed
from limbeck.schema.sql import lexer

# Attributes of `op`, `alembic.context` and SQLAlchemy that hand out a connection, or use one.
_CONNECTIONS: Final = frozenset(
    {
        *("get_bind", "run_async", "invoke", "implementation_for", "get_context", "configure"),
        *("create_engine", "create_async_engine", "engine_from_config", "inspect", "Session"),
        *("sessionmaker", "begin_nested", "get_impl", "run_migrations"),
    }
)
# What may be asked of `op.get_context()`; the rest of it has the connection.
_CONTEXT: Final = frozenset({"autocommit_block", "as_sql", "dialect", "opts"})
_EVASIONS: Final = frozenset({"exec", "eval", "getattr", "globals", "locals", "vars", "__import__"})
_CATCHING: Final = (ast.Try, ast.TryStar, ast.AsyncFunctionDef, ast.AsyncWith, ast.AsyncFor)
_WAITING: Final = (ast.Await, ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal, ast.ClassDef)
# Packages whose functions cannot reach the connection by themselves.
_HARMLESS: Final = frozenset({"sqlalchemy", "limbeck", *sys.stdlib_module_names}) - {
    *("contextlib", "importlib", "asyncio", "threading", "concurrent", "multiprocessing"),
}
_APART: Final = frozenset(
    {
        *("__future__", "alembic", "sqlalchemy", "typing", "collections", "datetime", "decimal"),
        *("enum", "functools", "itertools", "json", "re", "string", "textwrap", "uuid"),
    }
)
# Without those whose values differ from call to call: uuid4(), now().
_REPEATABLE: Final = _APART - {"datetime", "uuid"}
TRANSACTION: Final = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"}
)
"""The first words of statements about transactions."""


def is_plain(path: Path, function: str = "upgrade") -> bool:
    """Return whether a function of a revision file only gives statements to `op`.

    Args:
        path: the revision file.
        function: "upgrade" or "downgrade".

    """
    status = path.stat()
    return _is_plain(path, function, status.st_mtime_ns, status.st_size)


def is_apart(revision: Revision, action: str = "upgrade") -> bool:
    """Return whether a plain revision cannot notice whether those before it are committed yet.

    It has one transaction, and imports nothing that could reach a database or another process.

    Args:
        revision: the revision.
        action: "upgrade" or "downgrade".

    """
    return not revision.commits and revision.imports <= _APART and is_plain(revision.path, action)


def is_repeatable(revision: Revision) -> bool:
    """Return whether a revision sends the same statements each time that its Python runs.

    Only then may statements that one database has received be sent to others.
    """
    return revision.imports <= _REPEATABLE


@cache
def _is_plain(path: Path, function: str, modified: int, size: int) -> bool:  # noqa: ARG001 - the cache's key
    module = _Module.of(parsed(path))
    return function in module.functions and module.allows_function(function)


@dataclass(frozen=True, slots=True)
class _Module:
    """The functions of a module, and what its imported names stand for."""

    functions: dict[str, ast.FunctionDef]
    origins: dict[str, str]
    _visited: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, tree: ast.Module) -> _Module:
        functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
        imports = names(tree).imports
        return cls(functions, {name: o for each in imports for name, o in imported(each)})

    def allows_function(self, name: str) -> bool:
        """Return whether a function of the module, and those that it calls, are plain."""
        if name in self._visited:
            return True
        self._visited.add(name)
        function = self.functions[name]
        return not function.decorator_list and all(map(self._allows, function.body))

    def _allows(self, node: ast.AST, *, argument: bool = False) -> bool:
        """Return whether a node is plain; an `argument` is what `op` gets."""
        match node:
            case ast.Attribute(value=ast.Call() as call, attr=name) if _is_context(call):
                return name in _CONTEXT
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if self._is_alembic(owner):
                return name not in _CONNECTIONS
            case ast.Call(func=called):
                allowed = self._allows_call(node, argument=argument)
                argument = argument or self._is_alembic(_root(called))
            case _:
                allowed = self._allows_itself(node)
        return allowed and all(
            self._allows(child, argument=argument) for child in ast.iter_child_nodes(node)
        )

    def _allows_itself(self, node: ast.AST) -> bool:
        """Return whether a node is plain if its children are."""
        match node:
            case ast.With(items=items):
                return all(_is_block(item.context_expr) for item in items)
            case ast.Name(id=name):
                return not self._is_alembic(name) and name not in _EVASIONS | _CONNECTIONS
            case ast.Attribute(attr=name):
                return name not in _CONNECTIONS
        return not isinstance(node, _CATCHING + _WAITING)

    def _is_alembic(self, name: str) -> bool:
        """Return whether a name is `op`, or another name of Alembic."""
        return self.origins.get(name, "").partition(":")[0] == "alembic"

    def _allows_call(self, call: ast.Call, *, argument: bool) -> bool:
        root = _root(call.func)
        if self._is_alembic(root):
            return not any(map(_is_about_transactions, call.args))
        if root in self.functions:
            return self.allows_function(root)
        if root in self.origins:
            # Code of others may use the connection. A value that it computes is another matter:
            # a type, a text, rows.
            package = self.origins[root].partition(":")[0].partition(".")[0]
            return argument or package in _HARMLESS
        return True


def _root(node: ast.expr) -> str:
    """Return the name that a chain of attributes and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_context(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "get_context"


def _is_block(node: ast.expr) -> bool:
    """Return whether a `with` is an autocommit block, or a batch of changes of one table."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call() as call, attr="autocommit_block")):
            return _is_context(call)
        case ast.Call(func=ast.Attribute(attr="batch_alter_table")):
            return True
    return False


def _is_about_transactions(argument: ast.expr) -> bool:
    """Return whether an argument is SQL that begins or ends a transaction or a savepoint."""
    match argument:
        case ast.Constant(value=str() as text):
            return any(lexer.first_word(each) in TRANSACTION for each in lexer.statements(text))
        case ast.Call(args=[first, *_]):
            return _is_about_transactions(first)
    return False
