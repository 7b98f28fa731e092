"""Read a user's env.py without running it: it would connect to a database."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from limbeck.project.code.protocol import EnvFile


def read(path: Path) -> EnvFile:
    """Return what the text of an env.py says; a missing or broken file says nothing."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return EnvFile(None, frozenset())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    arguments = (argument.arg for call in calls for argument in call.keywords)
    return EnvFile(_metadata(tree), frozenset(filter(None, arguments)))


def _metadata(tree: ast.Module) -> str | None:
    """Return the reference in `target_metadata = Base.metadata`, if Base is imported."""
    origins = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "target_metadata":
            first, _, rest = ast.unparse(node.value).partition(".")
            if first in origins:
                return f"{origins[first]}.{rest}" if rest else origins[first]
    return None


def _imported(tree: ast.Module) -> Mapping[str, str]:
    return {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    }
