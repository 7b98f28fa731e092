"""Read a user's env.py without running it: it would connect to a database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

OWN = "env.py"
"""The setting `models` for the target_metadata of env.py itself."""

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
    """Return where an env.py has its `target_metadata` from, such as "app.models:Base.metadata".

    It is "env.py" where that cannot be told without running the file: a list, a function, an
    application's, one of two. None where it has none, and for a missing or broken file.
    """
    tree = _tree(path)
    origins = dict(_imported(tree))
    texts = {text for text in _assigned(tree) if text != "None"}
    if not texts:
        return None
    if len(texts) > 1:
        return OWN
    (text,) = texts
    name = next((each for each in _beginnings(text) if each in origins), None)
    if name is None or not re.fullmatch(r"[\w.]+", text):
        return OWN
    module, _, exported = origins[name].partition(":")
    attributes = ".".join(filter(None, (exported, text[len(name) + 1 :])))
    return f"{module}:{attributes}" if attributes else OWN


def _assigned(tree: ast.Module) -> Iterator[str]:
    """Yield what is assigned to `target_metadata`, or passed to configure() under this name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if ast.unparse(target) == "target_metadata" and node.value is not None:
                yield ast.unparse(node.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("configure"):
            values = (each.value for each in node.keywords if each.arg == "target_metadata")
            yield from (text for text in map(ast.unparse, values) if text != "target_metadata")


def _beginnings(text: str) -> Iterator[str]:
    """Yield a dotted name and those that it begins with, the longest first."""
    parts = text.split(".")
    yield from (".".join(parts[:end]) for end in range(len(parts), 0, -1))


def beyond(path: Path, models: str) -> str:
    """Return what an env.py does beyond configuring a connection; "" if it does no more.

    Args:
        path: the file; a missing one does nothing.
        models: the reference of the models, which it may import. What else it imports of the
            project may be a module that declares more of them.

    """
    inert = f"{models.replace(':', '.')}."
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("configure"):
            for argument in node.keywords:
                if argument.arg not in INERT_ARGUMENTS:
                    return f"env.py configures {argument.arg or 'arguments by **'}"
        for module in _modules(node):
            if module.partition(".")[0] not in INERT and not inert.startswith(f"{module}."):
                return f"env.py imports {module}"
    return ""


def loops(path: Path) -> bool:
    """Return whether an env.py runs migrations in a loop, such as one over schemas."""
    nodes = (node for node in ast.walk(_tree(path)) if isinstance(node, ast.For | ast.AsyncFor))
    return any("run_migrations" in ast.unparse(each) for loop in nodes for each in loop.body)


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ast.Module([], [])


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else []


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names that a file imports, each with "module:name", or "module" for a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}:{alias.name}"
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
