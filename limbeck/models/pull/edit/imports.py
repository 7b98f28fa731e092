"""The imports of a user's module, and new source spelled by means of them."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from limbeck.models.pull.edit.syntax import Changes, Edit, Parsed, applied, element_edits
from limbeck.models.pull.render.modules import merged
from limbeck.models.pull.render.reserved import alias, bound, with_aliases
from limbeck.models.source.text import POSTGRESQL, SQLALCHEMY, Source

# The names by which limbeck's own source reaches modules, and the lines that import them.
_ALIASES = {"sa": "sqlalchemy", "postgresql": "sqlalchemy.dialects.postgresql", "dt": "datetime"}
_LINES = {"sa": SQLALCHEMY, "postgresql": POSTGRESQL, "dt": "import datetime as dt"}


def respelled(source: Source, module: Parsed) -> Source:
    """Return source that reaches SQLAlchemy's names in the way a module does.

    Args:
        source: with sa.X, postgresql.X and dt.X.
        module: the module that the source is for.

    """
    names, hidden = bindings(module.tree), _assigned(module.tree)
    source = _apart(source, names, hidden)
    parsed = Parsed.of(source.text)
    imports: set[str] = set()
    edits = []
    unchanged: set[str] = set()
    for node in ast.walk(parsed.tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        if (origin := _ALIASES.get(node.value.id)) is None:
            continue
        if spelling := _spelling(names, hidden, origin, node):
            edits.append(Edit(parsed.start(node), parsed.end(node), spelling[0]))
            imports |= spelling[1]
        else:
            unchanged.add(_LINES[node.value.id])
    own = _LINES.values()
    imports |= {line for line in source.imports if line in unchanged or line not in own}
    return Source(applied(parsed.text, edits), frozenset(imports))


def _apart(source: Source, names: Mapping[str, str], hidden: Collection[str]) -> Source:
    """Return source that imports a name under an alias where a module uses it for another thing."""
    aliases: dict[str, str] = {}
    for line in source.imports:
        if not line.startswith("from "):
            continue
        origin = line.removeprefix("from ").partition(" import ")[0]
        for name, own in bound(line).items():
            meaning = f"{origin}.{own}"
            known = [other for other, value in names.items() if value == meaning]
            free = [other for other in known if other not in hidden]
            if name in free or not (free or name in names or name in hidden):
                continue
            aliases[name] = free[0] if free else alias(name, line, {*names, *hidden})
    return with_aliases(source, aliases) if aliases else source


def used_names(text: str) -> frozenset[str]:
    """Return the names that a module binds at its top, and the builtins that it uses."""
    tree = ast.parse(text)
    reads = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return frozenset({*bindings(tree), *reads})


def _spelling(
    names: dict[str, str], hidden: set[str], origin: str, node: ast.Attribute
) -> tuple[str, frozenset[str]] | None:
    """Return how a module reaches a name of another one, None where it does as limbeck does."""
    alias = node.value.id if isinstance(node.value, ast.Name) else ""
    if names.get(alias) == origin:
        return None
    for name, meaning in names.items():
        if meaning == f"{origin}.{node.attr}" and name not in hidden:
            return name, frozenset()
        if meaning == origin:
            return f"{name}.{node.attr}", frozenset()
    singly = any(meaning.rpartition(".")[0] == origin for meaning in names.values())
    free = node.attr not in names and node.attr not in hidden
    # datetime.date and the like are common names of columns: they stay behind their module.
    if singly and free and origin != "datetime":
        return node.attr, frozenset({f"from {origin} import {node.attr}"})
    return None


def _assigned(tree: ast.Module) -> set[str]:
    """Return every name that is assigned anywhere: it may hide an import there."""
    return {name for node in ast.walk(tree) if (name := assigned(node)) is not None}


def bindings(tree: ast.Module) -> dict[str, str]:
    """Return the meaning of a module's names: a module, what comes from one, "" for its own."""
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
    """Return source with quotes around related classes, if the module evaluates annotations."""
    if "from __future__ import annotations" in module:
        return source
    many = re.sub(
        r": Mapped\[list\[(\w+)\]\] = relationship", r': Mapped[list["\1"]] = relationship', source
    )
    return re.sub(
        r": Mapped\[(\w[\w. |]*)\] = relationship\(", r': Mapped["\1"] = relationship(', many
    )


def with_imports(text: str, lines: Iterable[str], guarded: Iterable[str]) -> str:
    """Return a module's text with those import lines added that it lacks.

    Args:
        text: the module.
        lines: import lines.
        guarded: import lines that only annotations need.

    """
    parsed = Parsed.of(text)
    present = bindings(parsed.tree)
    relative = {
        alias.asname or alias.name
        for node in ast.walk(parsed.tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    plain, hidden = (
        [line for line in _single(group) if not _has(line, present, relative)]
        for group in (lines, guarded)
    )
    return applied(text, [*_extended(parsed, plain), *_guarded(parsed, hidden)])


def _single(lines: Iterable[str]) -> Iterator[str]:
    """Yield import lines with one name each."""
    for line in sorted(lines):
        start, is_from, names = line.partition(" import ")
        if not (line.startswith("from ") and is_from):
            yield line
        else:
            yield from (f"{start} import {name}" for name in names.split(", "))


def _has(line: str, present: dict[str, str], relative: set[str]) -> bool:
    """Return whether a module has the name that a line imports."""
    if line.startswith("from "):
        module, _, name = line.removeprefix("from ").partition(" import ")
        name, _, alias = name.partition(" as ")
        known = present.get(alias or name)
        # A name that the package imports from elsewhere in itself is the same object.
        return known in {"", f"{module}.{name}"} or (alias or name) in relative
    module, _, alias = line.removeprefix("import ").partition(" as ")
    return present.get(alias or module) == module


def _extended(parsed: Parsed, lines: list[str]) -> Iterator[Edit]:
    """Yield edits that add names to existing imports, and new import lines below them."""
    existing = {
        node.module: node
        for node in _head(parsed.tree)
        if isinstance(node, ast.ImportFrom) and not node.level and node.names[0].name != "*"
    }
    names: dict[ast.ImportFrom, list[str]] = defaultdict(list)
    rest = []
    for line in lines:
        module, _, name = line.removeprefix("from ").partition(" import ")
        if line.startswith("from ") and module in existing:
            names[existing[module]].append(name)
        else:
            rest.append(line)
    for node, added in names.items():
        yield from _named(parsed, node, added)
    if rest:
        place, is_first = _below_imports(parsed)
        block = "\n".join(merged(rest))
        yield Edit(place, place, f"\n{block}\n" if is_first else f"{block}\n")


def _named(parsed: Parsed, node: ast.ImportFrom, names: list[str]) -> Iterator[Edit]:
    end = parsed.end(node)
    if parsed.text[end - 1] == ")":
        yield from element_edits(parsed, node, Changes(positional=names))
    else:
        yield Edit(end, end, "".join(f", {name}" for name in names))


def _head(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports at the top, down to the first other statement."""
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
    place, _ = _below_imports(parsed)
    block = "".join(f"    {line}\n" for line in merged(lines))
    yield Edit(place, place, f"\nif TYPE_CHECKING:\n{block}")


def _below_imports(parsed: Parsed) -> tuple[int, bool]:
    """Return the offset below the imports, or below the docstring (True) without imports."""
    if head := list(_head(parsed.tree)):
        return parsed.line_end(parsed.end(head[-1])), False
    first = parsed.tree.body[0] if parsed.tree.body else None
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (parsed.line_end(parsed.end(first)) if first and docstring else 0), True


def with_exports(text: str, lines: Iterable[str], names: Iterable[str]) -> str:
    """Return the text of a package's __init__ that also imports and exports names."""
    text = with_imports(text, lines, ())
    parsed = Parsed.of(text)
    for node in parsed.tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or assigned(node) != "__all__":
            continue
        if isinstance(node.value, (ast.List, ast.Tuple)):
            listed = {item.value for item in node.value.elts if isinstance(item, ast.Constant)}
            added = [f'"{name}"' for name in sorted({*names} - listed)]
            changes = Changes(positional=added)
            return applied(text, element_edits(parsed, node.value, changes))
    return text


def assigned(node: ast.AST) -> str | None:
    """Return the name that a statement assigns to, None where it is not exactly one name."""
    target: ast.expr | None = node.target if isinstance(node, ast.AnnAssign) else None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    return target.id if isinstance(target, ast.Name) else None
