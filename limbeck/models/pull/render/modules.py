"""Modules of pulled models: pieces of source below the imports that they need."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from limbeck.dataclass import dataclass
from limbeck.models.pull.options import Options, Style
from limbeck.models.pull.render.beside import Declaration
from limbeck.models.pull.render.enums import class_source, type_source
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.pull.render.relations import relations
from limbeck.models.pull.render.reserved import Clash, aliased
from limbeck.models.pull.render.reserved import names as bound_by
from limbeck.models.pull.render.tables import source
from limbeck.models.pull.render.views import assigned, typed
from limbeck.models.source.text import Source, literal
from limbeck.schema.catalog.objects.address import Address
from limbeck.stages import Stage, counting
from limbeck.visible import visible

ENUMS = '"""Enumerated types."""'
ENTITIES = '"""Views, functions and other objects beside the tables."""'
DOCSTRING = '"""Models of the database, written by limbeck pull."""'


@dataclass(frozen=True, slots=True)
class Home:
    """The package of models (None for a single file), their base, and their style."""

    package: str | None
    base: tuple[str, str] = ("base", "Base")
    style: Style = "declarative"

    def line(self, module: str, name: str) -> tuple[str, ...]:
        """Return the line that imports a name; none in a single file.

        A module outside the package has a colon in front of its dotted name.
        """
        if module.startswith(":"):
            return (f"from {module[1:]} import {name}",)
        if self.package is None or not module:
            return ()
        return (f"from {self.package}.{module} import {name}",)


def file(
    models: Models, base: Source, entities: Iterable[Declaration], stage: Stage
) -> Iterator[Source]:
    """Yield the statements of one module with everything in it, rendered one by one.

    Args:
        models: the tables and enums.
        base: the base of all classes.
        entities: the objects beside the tables.
        stage: counts the tables.

    """
    related = relations(models)
    yield aliased(base, models.together)
    yield from enums(models)
    # An entity may have the name of a type: limbeck.entities.Range, and that of SQLAlchemy.
    imports: set[str] = set()
    for model in counting(stage, in_order(models)):
        piece = source(model, related.get(model.address, ()), models)
        imports |= piece.imports
        yield piece
    foreign = bound_by(line for line in imports if not line.startswith("from limbeck.entities "))
    named = assigned((typed(entity, models) for entity in entities), models.together | foreign)
    for entity in named:
        # The same import as that of a table is no other thing.
        same = bound_by(entity.imports & imports)
        yield aliased(entity, models.together | (foreign - same))


def clashes(models: Models) -> dict[Address, frozenset[str]]:
    """Return the names that classes need for something else than their attributes, by table."""
    related = relations(models)
    needed: dict[Address, frozenset[str]] = {}
    for model in models.tables.values():
        try:
            source(model, related.get(model.address, ()), models)
        except Clash as clash:
            needed[clash.table] = clash.names
    return needed


def package(
    models: Models, base: Source, entities: Sequence[Declaration], options: Options, stage: Stage
) -> Iterator[tuple[str, str]]:
    """Yield path and text of each module: one a table, one for the base, for enums, for the rest.

    `__init__` comes first: it has the most imports, and sorting them takes the longest.

    Args:
        models: the tables and enums.
        base: the base of all classes.
        entities: the objects beside the tables.
        options: the package and the style.
        stage: counts the tables.

    """
    related = relations(models)
    home = Home(options.package, style=models.style)
    yield "__init__.py", _init(models, options, with_entities=bool(entities))
    yield "base.py", module('"""Base of all models."""', [base], home)
    if models.enums:
        yield "enums.py", module(ENUMS, list(enums(models)), home)
    for model in counting(stage, models.tables.values()):
        piece = source(model, related.get(model.address, ()), models)
        yield f"{model.module}.py", module(about(model), [piece], home)
    if entities:
        pieces = list(assigned([typed(entity, models) for entity in entities], ()))
        yield "entities.py", module(ENTITIES, pieces, home)


def in_order(models: Models) -> Iterator[Model]:
    """Yield the tables by name, but after those that they reference or inherit from."""
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
        # In a circle of foreign keys, a table still follows those that it inherits from.
        free = (at for at in waiting if waiting.keys().isdisjoint(_parents(waiting[at])))
        for address in ready or [next(free)]:
            yield waiting.pop(address)
            for user in users[address]:
                needed[user].discard(address)
                freed |= {user} if not needed[user] else set()
        ready = sorted(freed & waiting.keys(), key=places.__getitem__)


def _refers(model: Model) -> set[Address]:
    keys = (key.reference.table for key in model.contents.foreign_keys if key.reference)
    return {address for address in (*keys, *_parents(model)) if address != model.address}


def _parents(model: Model) -> tuple[Address, ...]:
    return model.contents.table.inherits


def about(model: Model) -> str:
    """Return the docstring of a table's module."""
    name = model.contents.table.name.replace("\\", "").replace('"', "'")
    return f'"""The table {visible(name)}."""'


def base(
    convention: Mapping[str, str], preferred: Mapping[str, str], style: Style = "declarative"
) -> Source:
    """Return the base of all classes; `preferred` are the types that annotations imply."""
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in convention.items())
    metadata = f"sa.MetaData(naming_convention={{{pairs}}})"
    docstring = '    """Base of all models."""'
    imports = {"import sqlalchemy as sa"}
    if style == "sqlmodel":
        imports |= {"from sqlalchemy.orm import registry", "from sqlmodel import SQLModel"}
        start = f"class Base(SQLModel, registry=registry(metadata={metadata})):"
        return Source(f"{start}\n{docstring}", frozenset(imports))
    bases = ["MappedAsDataclass"] * (style == "dataclass") + ["DeclarativeBase"]
    imports |= {f"from sqlalchemy.orm import {name}" for name in bases}
    lines = [f"class Base({', '.join(bases)}):", docstring, "", f"    metadata = {metadata}"]
    if preferred:
        map_ = ", ".join(f"{annotation}: {type_}" for annotation, type_ in preferred.items())
        lines.append(f"    type_annotation_map: ClassVar[dict[Any, Any]] = {{{map_}}}")
        imports.add("from typing import Any, ClassVar")
    if "dt.datetime" in preferred:
        imports.add("import datetime as dt")
    return Source("\n".join(lines), frozenset(imports))


def enums(models: Models) -> Iterator[Source]:
    """Yield the classes of the enums, then the variables for their types."""
    new = [enum for enum in models.enums.values() if enum.known is None]
    own = models.together or frozenset(name for enum in new for name in (enum.name, enum.variable))
    for enum in new:
        if class_ := class_source(enum):
            yield aliased(class_, own)
    for enum in new:
        type_ = aliased(type_source(enum), own)
        yield Source(type_.text, type_.imports | {"base:Base"})


def module(docstring: str, pieces: Sequence[Source], home: Home) -> str:
    """Return the text of a module with these pieces and the imports that they need."""
    imports: frozenset[str] = frozenset().union(*(piece.imports for piece in pieces))
    return with_imports(docstring, imports, [piece.text for piece in pieces], home)


def with_imports(docstring: str, imports: Iterable[str], pieces: Sequence[str], home: Home) -> str:
    """Return the text of a module: statements below the imports that they need.

    The imports are in the order of isort. If ruff had to change it, it would need a second pass.

    Args:
        docstring: of the module.
        imports: lines, or "class:module:name", "own:module:name", "base:Base" and "enums:name"
            of the models.
        pieces: the statements.
        home: the package that the statements import from.
    """
    needed = frozenset(imports)
    classes = frozenset(line for line in needed if line.startswith("class:"))
    guarded = merged(resolved(classes, home)[1])
    # Most modules of a package differ only in the classes that they import for annotations.
    top = _top(needed - classes, home, guarded=bool(guarded))
    last = ["if TYPE_CHECKING:\n    " + "\n    ".join(guarded)] if guarded else []
    body = "\n\n".join(pieces)
    gap = "\n" * body.startswith("class ")
    return "\n\n".join([docstring, *top, *last, f"{gap}{body}"]) + "\n"


@cache
def _top(imports: frozenset[str], home: Home, *, guarded: bool) -> tuple[str, ...]:
    plain, _ = resolved(imports, home)
    plain |= {"from typing import TYPE_CHECKING"} if guarded else set()
    # SQLModel evaluates annotations when it creates the class.
    first = [] if home.style == "sqlmodel" else ["from __future__ import annotations"]
    return (*first, *_sections(plain, home.package))


def resolved(imports: Iterable[str], home: Home) -> tuple[set[str], set[str]]:
    """Return the import lines, and those that only annotations need."""
    plain: set[str] = set()
    guarded: set[str] = set()
    for line in imports:
        kind, _, name = line.partition(":")
        if kind == "class":
            module, _, name = name.partition(":")
            guarded |= set(home.line(module, name))
        elif kind == "base":
            module, own = home.base
            plain |= set(home.line(module, own if own == name else f"{own} as {name}"))
        elif kind == "enums":
            plain |= set(home.line("enums", name))
        elif kind == "own":
            module, _, name = name.rpartition(":")
            plain |= set(home.line(module, name))
        else:
            plain.add(line)
    if guarded:
        plain.add("from typing import TYPE_CHECKING")
    return plain, guarded


def _sections(imports: Iterable[str], package: str | None) -> list[str]:
    """Return blocks of imports as isort has them: standard library, third parties, the package."""
    groups: dict[int, list[str]] = defaultdict(list)
    own = (package or "").partition(".")[0]
    for line in merged(imports):
        top = line.split()[1].partition(".")[0]
        groups[2 if top == own else top not in sys.stdlib_module_names].append(line)
    return ["\n".join(lines) for _, lines in sorted(groups.items())]


def merged(imports: Iterable[str]) -> list[str]:
    """Return import lines in isort's order, one for each module."""
    names: dict[str, set[str]] = defaultdict(set)
    whole = []
    for line in imports:
        if line.startswith("from "):
            module, _, given = line.removeprefix("from ").partition(" import ")
            names[module].update(given.split(", "))
        else:
            whole.append(line)
    from_lines = [
        f"from {module} import {', '.join(sorted(imported))}" for module, imported in names.items()
    ]
    return [*sorted(whole), *sorted(from_lines, key=_natural)]


def _natural(line: str) -> list[str | int]:
    """Return a key that sorts `item_9` before `item_10`, as isort does."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", line)]


def _init(models: Models, options: Options, *, with_entities: bool) -> str:
    exported = {model.name: model.module for model in models.tables.values()}
    exported["Base"] = "base"
    for enum in models.enums.values():
        if enum.members is not None:
            exported[enum.name] = "enums"
    lines = {f"from {options.package}.{module} import {name}" for name, module in exported.items()}
    if with_entities:
        lines.add(f"from {options.package} import entities")
        exported["entities"] = "entities"
    listed = "".join(f"    {literal(name)},\n" for name in sorted(exported, key=_natural))
    imports = "\n".join(merged(lines))
    # What it exports is sorted along with the imports.
    future = "from __future__ import annotations"
    return f"{DOCSTRING}\n\n{future}\n\n{imports}\n\n__all__ = [\n{listed}]\n"
