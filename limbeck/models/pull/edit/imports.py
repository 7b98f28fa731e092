"""Imports of a user's module: what new source needs, spelled as the module spells it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from limbeck.models.pull.edit.syntax import Edit, Elements, Parsed, applied, changed
from limbeck.models.pull.render.modules import merged
from limbeck.models.source.text import POSTGRESQL, SQLALCHEMY, Source

# What limbeck writes for a module, and the module.
_ALIASES = {"sa": "sqlalchemy", "postgresql": "sqlalchemy.dialects.postgresql", "dt": "datetime"}
_LINES = {"sa": SQLALCHEMY, "postgresql": POSTGRESQL, "dt": "import datetime as dt"}


def respelled(source: Source, text: str, around: str = "{}") -> Source:
    """Return source that reaches SQLAlchemy's names in the way a module does.

    Args:
        source: with sa.X, postgresql.X and dt.X.
        text: the module that it is for.
        around: what makes a module of the source: "{}" for a statement or an expression.

    """
    tree = ast.parse(text)
    names, hidden = _names(tree), _assigned(tree)
    parsed = Parsed.of(around.format(source.text))
    imports: set[str] = set()
    edits = []
    kept: set[str] = set()
    for node in ast.walk(parsed.tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        if (module := _ALIASES.get(node.value.id)) is None:
            continue
        if found := _way(names, hidden, module, node):
            edits.append(Edit(parsed.start(node), parsed.end(node), found[0]))
            imports |= found[1]
        else:
            kept.add(_LINES[node.value.id])
    imports |= {line for line in source.imports if line in kept or line not in _LINES.values()}
    before, _, after_ = around.partition("{}")
    made = applied(parsed.text, edits)
    return Source(made[len(before) : len(made) - len(after_)], frozenset(imports))


def _way(
    names: dict[str, str], hidden: set[str], module: str, node: ast.Attribute
) -> tuple[str, frozenset[str]] | None:
    """Return how a module reaches a name of another, None where it is limbeck's own way."""
    alias = node.value.id if isinstance(node.value, ast.Name) else ""
    if names.get(alias) == module:
        return None
    for name, meant in names.items():
        if meant == f"{module}.{node.attr}" and name not in hidden:
            return name, frozenset()
        if meant == module:
            return f"{name}.{node.attr}", frozenset()
    one_by_one = any(meant.rpartition(".")[0] == module for meant in names.values())
    free = node.attr not in names and node.attr not in hidden
    if one_by_one and free and module != "datetime":
        return node.attr, frozenset({f"from {module} import {node.attr}"})
    return None


def _assigned(tree: ast.Module) -> set[str]:
    """Return every name that is given a value somewhere: it may hide an import there."""
    return {name for node in ast.walk(tree) if (name := assigned(node)) is not None}


def _names(tree: ast.Module) -> dict[str, str]:
    """Return what the names of a module mean: modules, what comes from them, "" for its own."""
    own = (assigned(node) for node in tree.body)
    names: dict[str, str] = {name: "" for name in own if name is not None}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.setdefault(node.name, "")
    return names


def readable(source: str, module: str) -> str:
    """Quote the classes that relationships name, in a module that reads annotations at once."""
    if "from __future__ import annotations" in module:
        return source
    many = re.sub(
        r": Mapped\[list\[(\w+)\]\] = relationship", r': Mapped[list["\1"]] = relationship', source
    )
    return re.sub(
        r": Mapped\[(\w[\w. |]*)\] = relationship\(", r': Mapped["\1"] = relationship(', many
    )


def with_imports(text: str, lines: Iterable[str], guarded: Iterable[str]) -> str:
    """Return a module's text with import lines added, where it does not have them yet.

    Args:
        text: the module.
        lines: import lines, one a name.
        guarded: those that only annotations need.

    """
    parsed = Parsed.of(text)
    present = _names(parsed.tree)
    relative = {
        alias.asname or alias.name
        for node in ast.walk(parsed.tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    plain = [line for line in _single(lines) if not _has(line, present, relative)]
    hidden = [line for line in _single(guarded) if not _has(line, present, relative)]
    edits = [*_extended(parsed, plain), *_guarded(parsed, hidden)]
    return applied(text, edits)


def _single(lines: Iterable[str]) -> Iterator[str]:
    for line in sorted(lines):
        start, found, names = line.partition(" import ")
        if not (line.startswith("from ") and found):
            yield line
        else:
            yield from (f"{start} import {name}" for name in names.split(", "))


def _has(line: str, present: dict[str, str], relative: set[str]) -> bool:
    if line.startswith("from "):
        module, _, name = line.removeprefix("from ").partition(" import ")
        name, _, alias = name.partition(" as ")
        # A name that is imported from elsewhere in the package is the same one.
        known = present.get(alias or name)
        return known in {"", f"{module}.{name}"} or (alias or name) in relative
    module, _, alias = line.removeprefix("import ").partition(" as ")
    return present.get(alias or module) == module


def _extended(parsed: Parsed, lines: list[str]) -> Iterator[Edit]:
    """Yield edits that add names to the imports there are, and new imports below them."""
    head = list(_head(parsed.tree))
    known = {
        node.module: node
        for node in head
        if isinstance(node, ast.ImportFrom) and not node.level and node.names[0].name != "*"
    }
    more: dict[ast.ImportFrom, list[str]] = defaultdict(list)
    rest = []
    for line in lines:
        module, _, name = line.removeprefix("from ").partition(" import ")
        if line.startswith("from ") and module in known:
            more[known[module]].append(name)
        else:
            rest.append(line)
    for node, names in more.items():
        yield from _named(parsed, node, names)
    if rest:
        last = head[-1] if head else None
        place = parsed.line_end(parsed.end(last)) if last else _after_docstring(parsed)
        block = "\n".join(merged(rest))
        yield Edit(place, place, f"{block}\n" if last else f"\n{block}\n")


def _named(parsed: Parsed, node: ast.ImportFrom, names: list[str]) -> Iterator[Edit]:
    end = parsed.end(node)
    if parsed.text[end - 1] != ")":
        yield Edit(end, end, "".join(f", {name}" for name in names))
        return
    # An alias has a place as an expression has.
    elements = Elements(tuple(node.names), end - 1)  # type: ignore[arg-type]
    yield from changed(parsed, elements, added=names)


def _head(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports at the top, down to the first statement that is something else."""
    for number, node in enumerate(tree.body):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif not (number == 0 and isinstance(node, ast.Expr)):
            return


def _guarded(parsed: Parsed, lines: list[str]) -> Iterator[Edit]:
    if not lines:
        return
    for node in parsed.tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in parsed.source(node.test):
            place = parsed.line_end(parsed.end(node.body[-1]))
            indent = parsed.indent(parsed.start(node.body[-1]))
            yield Edit(place, place, "".join(f"{indent}{line}\n" for line in merged(lines)))
            return
    head = list(_head(parsed.tree))
    place = parsed.line_end(parsed.end(head[-1])) if head else _after_docstring(parsed)
    block = "".join(f"    {line}\n" for line in merged(lines))
    yield Edit(place, place, f"\nif TYPE_CHECKING:\n{block}")


def _after_docstring(parsed: Parsed) -> int:
    first = parsed.tree.body[0] if parsed.tree.body else None
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return parsed.line_end(parsed.end(first)) if first and docstring else 0


def with_exports(text: str, lines: Iterable[str], names: Iterable[str]) -> str:
    """Return a package's __init__ that also imports and exports some names."""
    text = with_imports(text, lines, ())
    parsed = Parsed.of(text)
    for node in parsed.tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or assigned(node) != "__all__":
            continue
        if isinstance(node.value, (ast.List, ast.Tuple)):
            listed = {one.value for one in node.value.elts if isinstance(one, ast.Constant)}
            added = [f'"{name}"' for name in sorted({*names} - listed)]
            elements = Elements.of_display(parsed, node.value)
            return applied(text, changed(parsed, elements, added=added))
    return text


def assigned(node: ast.AST) -> str | None:
    """Return the name that a statement gives a value, None where it is not one name."""
    target: ast.expr | None = node.target if isinstance(node, ast.AnnAssign) else None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    return target.id if isinstance(target, ast.Name) else None
