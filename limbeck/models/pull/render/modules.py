"""Pieces of source put together to modules, with their imports."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from limbeck.models.pull.options import Options, Style
from limbeck.models.pull.render.enums import class_source, type_source
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.pull.render.relations import relations
from limbeck.models.pull.render.tables import source
from limbeck.models.source.text import Source, literal
from limbeck.schema.catalog.objects.address import Address

ENUMS = '"""Enumerated types."""'
ENTITIES = '"""What the database holds beside its tables."""'
DOCSTRING = '"""Models of the database, written by limbeck pull."""'


@dataclass(frozen=True, slots=True)
class Home:
    """Where models live: in a package, or (with none) all in one file; and in which style."""

    package: str | None
    base: tuple[str, str] = ("base", "Base")
    style: Style = "declarative"

    def line(self, module: str, name: str) -> tuple[str, ...]:
        """Return the line that imports a name; none where everything is in one file.

        A module outside the package has a colon in front of its whole name.
        """
        if module.startswith(":"):
            return (f"from {module[1:]} import {name}",)
        if self.package is None or not module:
            return ()
        return (f"from {self.package}.{module} import {name}",)


# What stands for the imports that only annotations need: so the heads of most modules are alike.
OWN = "from limbeck_own import Own"


@dataclass(frozen=True, slots=True)
class Module:
    """The text of a module: docstring and imports, and the statements below them.

    `own` are the imports that only annotations need, from a module each; in `imports` OWN stands
    for them.
    """

    docstring: str
    imports: str
    pieces: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return "\n\n".join((self.head(self.imports, self.own), *self.pieces)) + "\n"

    def head(self, imports: str, own: Iterable[str]) -> str:
        """Return what it begins with; its imports may have been sorted."""
        lines = "\n    ".join(own)
        return f"{self.docstring}\n\n{imports.replace(OWN, lines, 1)}"


def file(models: Models, base: Source, entities: Iterable[Source]) -> Iterator[Source]:
    """Yield the statements of one module with everything in it, as they are made."""
    found = relations(models)
    yield base
    yield from enums(models)
    for model in in_order(models):
        yield source(model, found.get(model.address, ()), models)
    yield from entities


def package(
    models: Models, base: Source, entities: Sequence[Source], options: Options
) -> Iterator[tuple[str, Module]]:
    """Yield modules by path: one a table, one for the base, for enums, for the rest.

    The one with the most imports comes first: to sort them takes the longest.
    """
    found = relations(models)
    home = Home(options.package, style=models.style)
    yield "__init__.py", _init(models, options, with_entities=bool(entities))
    yield "base.py", module('"""The base of all models."""', [base], home)
    if models.enums:
        yield "enums.py", module(ENUMS, list(enums(models)), home)
    for model in models.tables.values():
        piece = source(model, found.get(model.address, ()), models)
        yield f"{model.module}.py", module(about(model), [piece], home)
    if entities:
        yield "entities.py", module(ENTITIES, entities, home)


def classes(models: Models, options: Options) -> Iterator[str]:
    """Yield the lines that import the classes of a package."""
    home = Home(options.package, style=models.style)
    for model in models.tables.values():
        if model.mapped:
            yield from home.line(model.module, model.name)


def in_order(models: Models) -> Iterator[Model]:
    """Yield the tables, those that others refer to first, else by name."""
    needed = {
        address: _refers(model) & models.tables.keys() for address, model in models.tables.items()
    }
    users: dict[Address, list[Address]] = defaultdict(list)
    for address, others in needed.items():
        for other in others:
            users[other].append(address)
    waiting, places = dict(models.tables), {at: n for n, at in enumerate(models.tables)}
    ready = [address for address in waiting if not needed[address]]
    while waiting:
        freed: set[Address] = set()
        for address in ready or list(waiting)[:1]:
            yield waiting.pop(address)
            for user in users[address]:
                needed[user].discard(address)
                freed |= {user} if not needed[user] else set()
        ready = sorted(freed & waiting.keys(), key=places.__getitem__)


def _refers(model: Model) -> set[Address]:
    keys = (key.reference.table for key in model.contents.foreign_keys if key.reference)
    return {address for address in keys if address != model.address}


def about(model: Model) -> str:
    """Return the docstring of a table's module."""
    name = model.contents.table.name.replace("\\", "").replace('"', "'")
    return f'"""The table {name}."""'


def base(
    convention: Mapping[str, str], preferred: Mapping[str, str], style: Style = "declarative"
) -> Source:
    """Return the base of all classes; `preferred` are types for annotations."""
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in convention.items())
    metadata = f"sa.MetaData(naming_convention={{{pairs}}})"
    docstring = '    """What every model derives from."""'
    imports = {"import sqlalchemy as sa"}
    if style == "sqlmodel":
        imports |= {"from sqlalchemy.orm import registry", "from sqlmodel import SQLModel"}
        start = f"class Base(SQLModel, registry=registry(metadata={metadata})):"
        return Source(f"{start}\n{docstring}", frozenset(imports))
    bases = ["MappedAsDataclass"] * (style == "dataclass") + ["DeclarativeBase"]
    imports |= {f"from sqlalchemy.orm import {name}" for name in bases}
    lines = [f"class Base({', '.join(bases)}):", docstring, "", f"    metadata = {metadata}"]
    if preferred:
        map_ = ", ".join(f"{annotation}: {made}" for annotation, made in preferred.items())
        lines.append(f"    type_annotation_map: ClassVar[dict[Any, Any]] = {{{map_}}}")
        imports.add("from typing import Any, ClassVar")
    if "dt.datetime" in preferred:
        imports.add("import datetime as dt")
    return Source("\n".join(lines), frozenset(imports))


def enums(models: Models) -> Iterator[Source]:
    """Yield the classes of the enums, then their types."""
    for enum in models.enums.values():
        if made := class_source(enum):
            yield made
    for enum in models.enums.values():
        made = type_source(enum)
        yield Source(made.text, made.imports | {"base:Base"})


def module(docstring: str, pieces: Sequence[Source], home: Home) -> Module:
    """Return a module with these pieces and the imports that they need."""
    imports: frozenset[str] = frozenset().union(*(piece.imports for piece in pieces))
    return with_imports(docstring, imports, tuple(piece.text for piece in pieces), home)


def with_imports(
    docstring: str, imports: Iterable[str], pieces: tuple[str, ...], home: Home
) -> Module:
    """Return a module of statements, with these imports above them."""
    needed = frozenset(imports)
    classes = frozenset(one for one in needed if one.startswith("class:"))
    own = merged(resolved(classes, home)[1])
    # What is left is the same for most modules.
    above = _above(needed - classes, home, guarded=bool(own))
    if any(", " in line for line in own):
        lines = "\n    ".join(own)
        return Module(docstring, above.replace(OWN, lines), pieces)
    return Module(docstring, above, pieces, tuple(own))


@cache
def _above(imports: frozenset[str], home: Home, *, guarded: bool) -> str:
    """Return the imports of a module; OWN stands for those that only annotations need."""
    plain, _ = resolved(imports, home)
    plain |= {"from typing import TYPE_CHECKING"} if guarded else set()
    # SQLModel reads annotations when the class is made.
    first = [] if home.style == "sqlmodel" else ["from __future__ import annotations"]
    last = [f"if TYPE_CHECKING:\n    {OWN}"] if guarded else []
    return "\n\n".join([*first, *_sections(plain), *last])


def resolved(imports: Iterable[str], home: Home) -> tuple[set[str], set[str]]:
    """Return the import lines, and those that only annotations need."""
    plain: set[str] = set()
    guarded: set[str] = set()
    for found in imports:
        kind, _, name = found.partition(":")
        if kind == "class":
            module, _, name = name.partition(":")
            guarded |= set(home.line(module, name))
        elif kind == "base":
            module, name = home.base
            plain |= set(home.line(module, name if name == "Base" else f"{name} as Base"))
        elif kind == "enums":
            plain |= set(home.line("enums", name))
        else:
            plain.add(found)
    if guarded:
        plain.add("from typing import TYPE_CHECKING")
    return plain, guarded


def _sections(imports: Iterable[str]) -> list[str]:
    """Sort imports as isort does: the standard library, third parties, this package."""
    groups: dict[bool, list[str]] = defaultdict(list)
    for line in merged(imports):
        top = line.split()[1].partition(".")[0]
        groups[top not in sys.stdlib_module_names].append(line)
    return ["\n".join(lines) for _, lines in sorted(groups.items())]


def merged(imports: Iterable[str]) -> list[str]:
    """Return import lines in order, one a module."""
    names: dict[str, set[str]] = defaultdict(set)
    whole = []
    for line in imports:
        if line.startswith("from "):
            module, _, given = line.removeprefix("from ").partition(" import ")
            names[module].update(given.split(", "))
        else:
            whole.append(line)
    made = [f"from {module} import {', '.join(sorted(found))}" for module, found in names.items()]
    return [*sorted(whole), *sorted(made)]


def _init(models: Models, options: Options, *, with_entities: bool) -> Module:
    exported = {model.name: model.module for model in models.tables.values()}
    exported["Base"] = "base"
    for enum in models.enums.values():
        if enum.members is not None:
            exported[enum.name] = "enums"
    lines = {f"from {options.package}.{module} import {name}" for name, module in exported.items()}
    if with_entities:
        lines.add(f"from {options.package} import entities")
        exported["entities"] = "entities"
    listed = "".join(f"    {literal(name)},\n" for name in sorted(exported))
    imports = "\n".join(merged(lines))
    # What it exports is sorted along with the imports.
    parts = ["from __future__ import annotations", imports, f"__all__ = [\n{listed}]"]
    return Module(DOCSTRING, "\n\n".join(parts))
