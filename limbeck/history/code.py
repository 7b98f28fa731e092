"""Read the code of a revision file without running it: its checksum, and how it may be sent."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from limbeck.history.revisions import parsed
from limbeck.schema.sql import lexer

FORM: Final = "code:"
"""The prefix of checksums of code. Ledgers of older versions have hashes of the SQL, without it."""

# Where a revision stands and how long it waits are not what it does to a database, and the way
# back is not what was applied.
_APART: Final = frozenset(
    {
        *("revision", "down_revision", "depends_on", "branch_labels", "replaces", "replaced_sql"),
        *("lock_timeout", "downgrade"),
    }
)
# How Python understands a name, and annotations; `kind` is the u of u"".
_SILENT: Final = frozenset(
    {"ctx", "kind", "type_comment", "annotation", "returns", "simple", "type_params"}
)
_SQL: Final = frozenset({"execute", "text"})


def checksum(path: Path) -> str:
    """Return a hash of what a revision file does to a database, by its syntax tree.

    Comments, formatting, docstrings, annotations, the order of imports, unused imports, and
    `downgrade` do not count, nor do comments and white space in the SQL of `op.execute`.

    Raises:
        HistoryError: the file cannot be read, or is not Python.

    """
    status = path.stat()
    return _checksum(path, status.st_mtime_ns, status.st_size)


@cache
def _checksum(path: Path, modified: int, size: int) -> str:  # noqa: ARG001 - the cache's key
    module = parsed(path)
    used = names(module).used
    imports = sorted(
        f"{name}={origin}"
        for statement in module.body
        for name, origin in imported(statement)
        if name in used
    )
    digest = hashlib.sha256("\n".join(imports).encode())
    for statement in _counted(module.body):
        parts: list[str] = []
        _spell(statement, parts)
        digest.update("".join(parts).encode())
    return FORM + digest.hexdigest()


class Names(NamedTuple):
    """The names that a module uses, and all its import statements, those of functions too."""

    used: frozenset[str]
    imports: tuple[ast.Import | ast.ImportFrom, ...]


@lru_cache(maxsize=64)  # as `revisions.parsed`
def names(module: ast.Module) -> Names:
    """Return the names of a module, for which all of its tree is visited once."""
    used, imports, open_ = set[str](), [], list[ast.AST]([module])
    for node in open_:  # which grows meanwhile: in the order of `ast.walk`, in a third of its time
        if isinstance(node, ast.Name):
            used.add(node.id)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                open_ += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                open_.append(value)
    return Names(frozenset(used), tuple(imports))


def imported(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield the names that an import statement binds, with what each of them stands for."""
    match statement:
        case ast.Import(names=aliases):
            for alias in aliases:
                bound = alias.asname or alias.name.partition(".")[0]
                yield bound, alias.name
        case ast.ImportFrom(module=module, names=aliases, level=level):
            for alias in aliases:
                yield alias.asname or alias.name, f"{'.' * level}{module or ''}:{alias.name}"


def _counted(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module that decide what a revision does."""
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_docstring(statement):
            continue
        if not _APART.intersection(_defined(statement)):
            yield statement


def _defined(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _is_docstring(statement: ast.stmt) -> bool:
    """Return whether a statement is a string alone: a docstring, or a comment of that form."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _spell(node: object, parts: list[str], *, sql: bool = False) -> None:
    """Append a tree as text.

    Not `ast.dump`, which spells one tree differently in two versions of Python: the ledger of a
    database outlives them.
    """
    if isinstance(node, ast.Constant):
        value = node.value
        text = _tokens(value) if sql and isinstance(value, str) else value
        parts.append(f"{type(value).__name__}:{text!r};")
    elif isinstance(node, ast.AST):
        if not isinstance(node, ast.Pass):
            _spell_fields(node, parts)
    elif isinstance(node, list):
        for each in node:
            if not (isinstance(each, ast.stmt) and _is_docstring(each)):
                _spell(each, parts, sql=sql)
    else:
        parts.append(f"{node!r},")


def _spell_fields(node: ast.AST, parts: list[str]) -> None:
    # An annotated assignment does what a plain one does.
    parts.append(f"{'Assign' if isinstance(node, ast.AnnAssign) else type(node).__name__}(")
    is_sql = isinstance(node, ast.Call) and _called(node) in _SQL
    for name in node._fields:
        if name in _SILENT:
            continue
        value = getattr(node, name, None)
        if value is None or value == []:
            continue
        parts.append(f"{'targets' if name == 'target' else name}=")
        _spell(value, parts, sql=is_sql and name == "args")
    parts.append(")")


def _tokens(sql: str) -> str:
    """Return SQL without comments and with a blank between two tokens."""
    return " ".join(text for _, text, _ in lexer.tokens(sql))


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
