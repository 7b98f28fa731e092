"""Read a user's env.py without running it: it would connect to a database."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

# Modules whose import by an env.py has no effect on a migration.
INERT = {
    *("__future__", "alembic", "asyncio", "contextlib", "dotenv", "limbeck", "logging", "os"),
    *("pathlib", "sqlalchemy", "sys", "typing"),
}
# Arguments of context.configure() that change nothing of what limbeck does.
INERT_ARGUMENTS = {
    *("as_sql", "compare_server_default", "compare_type", "connection", "dialect_name"),
    *("dialect_opts", "include_schemas", "literal_binds", "output_buffer", "target_metadata"),
    *("transaction_per_migration", "url"),
}


def metadata(path: Path) -> str | None:
    """Return the reference of an env.py's `target_metadata`, such as "app.models:Base.metadata".

    None where the name is not imported there, and for a missing or broken file.
    """
    tree = _tree(path)
    origins = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "target_metadata":
            first, _, rest = ast.unparse(node.value).partition(".")
            if first in origins:
                return f"{origins[first]}.{rest}" if rest else origins[first]
    return None


def beyond(path: Path, models: str) -> str:
    """Return what an env.py does beyond configuring a connection; "" if it does no more.

    Args:
        path: the file; a missing one does nothing.
        models: the top-level package of the models, which it may import.

    """
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("configure"):
            for argument in node.keywords:
                if argument.arg not in INERT_ARGUMENTS:
                    return f"env.py configures {argument.arg or 'arguments by **'}"
        for module in _modules(node):
            if module.partition(".")[0] not in {*INERT, models}:
                return f"env.py imports {module}"
    return ""


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module([], [])


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else []


def _imported(tree: ast.Module) -> Mapping[str, str]:
    return {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    }
