"""Names that pulled source binds, and those that a class or a module must leave to it.

No name is reserved in advance: what a module imports and what the body of a class uses decides.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache

from limbeck.errors import ConfigurationError
from limbeck.models.source.text import Source
from limbeck.schema.catalog.objects.address import Address

# Attributes of the base classes of SQLAlchemy; a test compares them with a base.
OF_BASES = frozenset({"metadata", "registry", "type_annotation_map"})
# Marks of lines that import a name of the models themselves.
_OWN = ("class:", "base:", "enums:", "own:")
_NAME = re.compile(r"(?<!\.)\b[^\W\d]\w*")


class Clash(Exception):  # noqa: N818 - no error: the names are chosen again
    """Attributes of a class have names that its body needs for something else."""

    def __init__(self, table: Address, names: frozenset[str]) -> None:
        super().__init__(table, names)
        self.table = table
        self.names = names


def of_sqlmodel() -> frozenset[str]:
    """Return the attributes of SQLModel, which its classes must not have as columns.

    Raises:
        ConfigurationError: SQLModel is not installed.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import sqlmodel  # noqa: PLC0415 - slow, and an optional package
    except ImportError:
        raise ConfigurationError(
            "the style sqlmodel needs the package sqlmodel, which is not installed",
            hint="pip install sqlmodel",
        ) from None
    # Not dir(): it omits attributes that the metaclass hides, as deprecated ones of pydantic.
    return frozenset(name for base in sqlmodel.SQLModel.__mro__ for name in vars(base))


@lru_cache(maxsize=1000)  # a schema has few different lines, and most of its columns share them
def bound(line: str) -> Mapping[str, str]:
    """Return the names that an import line binds, with the modules' own names for them."""
    if line.startswith(_OWN):
        name = line.rpartition(":")[2]
        return {name: name}
    _, _, listed = line.partition("import ")
    pairs = (item.partition(" as ") for item in listed.split(", "))
    return {alias or name.partition(".")[0]: name for name, _, alias in pairs}


def names(imports: Iterable[str]) -> frozenset[str]:
    """Return the names that import lines of other packages bind."""
    return frozenset(name for line in imports if not line.startswith(_OWN) for name in bound(line))


@lru_cache(maxsize=1000)  # most columns have the annotation of many others
def in_annotation(text: str) -> frozenset[str]:
    """Return the names that an annotation uses, builtins included."""
    return frozenset(_NAME.findall(text))


def aliased(source: Source, taken: frozenset[str]) -> Source:
    """Return source that imports names from other packages under an alias where they are taken.

    Args:
        source: a statement or an expression.
        taken: the names that the module gives to something else.

    """
    clashing = {line for line in source.imports if not _is_free(line, taken)}
    if not clashing:
        return source
    aliases: dict[str, str] = {}
    for line in clashing:
        for name in bound(line).keys() & taken:
            aliases[name] = alias(name, line, taken)
    return with_aliases(source, aliases)


def with_aliases(source: Source, aliases: Mapping[str, str]) -> Source:
    """Return source that reads names under others, and imports them so."""
    imports = {
        line
        if line.startswith(_OWN) or aliases.keys().isdisjoint(bound(line))
        else _with_aliases(line, aliases)
        for line in source.imports
    }
    return Source(renamed(source.text, aliases), frozenset(imports))


def _is_free(line: str, taken: frozenset[str]) -> bool:
    return line.startswith(_OWN) or taken.isdisjoint(bound(line))


def alias(name: str, line: str, taken: Container[str]) -> str:
    """Return a free name for something imported: PolicyEntity, DecimalType."""
    end = "Entity" if line.startswith("from limbeck.entities ") else "Type"
    end = end if name[:1].isupper() else "_"
    tries = (f"{name}{end}{number or ''}" for number in range(10_000))
    return next(candidate for candidate in tries if candidate not in taken)


def _with_aliases(line: str, aliases: Mapping[str, str]) -> str:
    start, _, _ = line.partition("import ")
    items = (
        f"{own} as {aliases.get(name, name)}" if aliases.get(name, name) != own else own
        for name, own in bound(line).items()
    )
    return f"{start}import {', '.join(items)}"


def renamed(text: str, names_: Mapping[str, str]) -> str:
    """Return source in which names that it reads are replaced."""
    lines = text.encode().split(b"\n")
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name))
    reads = [node for node in nodes if isinstance(node.ctx, ast.Load) and node.id in names_]
    for node in sorted(reads, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        new = names_[node.id].encode()
        lines[node.lineno - 1] = line[: node.col_offset] + new + line[node.end_col_offset :]
    return b"\n".join(lines).decode()


def used(body: Iterable[Source]) -> Iterator[str]:
    """Yield the names that the statements of a class's body use."""
    for statement in body:
        for line in statement.imports:
            yield from bound(line)
        annotation = statement.text.partition(": ")[2].partition(" = ")[0]
        yield from in_annotation(annotation)
