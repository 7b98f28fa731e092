"""Imports that the edits of a module leave without a use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from limbeck.models.pull.edit.syntax import Changes, Edit, Parsed, applied, element_edits, without

_IMPORTS = (ast.Import, ast.ImportFrom)
_WORD = re.compile(r"\w+")


def without_unused(before: str, text: str) -> str:
    """Return a module without the imports that it used before, and no longer does.

    An import that had no use before may be there for its effect, or for others.
    """
    old, new = Parsed.of(before), Parsed.of(text)
    gone = _words(old) - _words(new)
    rest = applied(text, _edits(new, gone)) if gone else text
    # With the last import below `if TYPE_CHECKING`, that name loses its use.
    return rest if rest == text else without_unused(before, rest)


def _edits(module: Parsed, gone: set[str]) -> Iterator[Edit]:
    for node in module.tree.body:
        if isinstance(node, ast.If):
            inside = [
                (statement, list(_unused(statement, gone)))
                for statement in node.body
                if isinstance(statement, _IMPORTS)
            ]
            empty = [item for item, names in inside if len(names) == len(item.names)]
            if len(empty) == len(node.body) and not node.orelse:
                yield without(module, node)
                continue
            for statement, names in inside:
                yield from _removed(module, statement, names)
        elif isinstance(node, _IMPORTS):
            yield from _removed(module, node, list(_unused(node, gone)))


def _removed(
    module: Parsed, node: ast.Import | ast.ImportFrom, names: list[ast.alias]
) -> Iterator[Edit]:
    if names and len(names) == len(node.names):
        yield without(module, node)
    elif names and isinstance(node, ast.ImportFrom):
        yield from element_edits(module, node, Changes(removed=[*names]))


def _unused(node: ast.Import | ast.ImportFrom, gone: set[str]) -> Iterator[ast.alias]:
    for name in node.names:
        bound = name.asname or name.name
        if bound in gone and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            yield name


def _words(module: Parsed) -> set[str]:
    """Return the words of a module outside of its imports: strings may be annotations."""
    imports = (node for node in ast.walk(module.tree) if isinstance(node, _IMPORTS))
    edits = [Edit(module.start(node), module.end(node), "") for node in imports]
    return set(_WORD.findall(applied(module.text, edits)))
