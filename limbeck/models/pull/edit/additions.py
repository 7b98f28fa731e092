"""New enums, tables and entities of the database, added to the working models by `merging`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from limbeck.models.pull.edit.imports import (
    readable,
    respelled,
    used_names,
    with_exports,
    with_imports,
)
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.syntax import Parsed
from limbeck.models.pull.edit.workplace import Workplace
from limbeck.models.pull.render import modules, tables
from limbeck.models.pull.render.formatting import formatted
from limbeck.models.pull.render.modules import Home
from limbeck.models.pull.render.reserved import renamed
from limbeck.models.pull.render.views import assigned
from limbeck.models.source.text import Source


def add(sides: Sides, place: Workplace, texts: dict[Path, str], root: Path) -> None:
    """Add new enums, tables and entities to the texts of the files.

    Args:
        sides: both schemas.
        place: the files of the models.
        texts: the files as changed so far, by path; they are changed here.
        root: of the repository whose ruff settings apply.

    """
    exported: dict[str, str] = {}
    for docstring, module, plain, names in _additions(sides, place):
        path = place.path(module)
        pieces = [_on_base(piece, place.home.base[1]) for piece in plain]
        if (text := texts.get(path) or place.read(path)) is not None:
            texts[path] = _appended(text.replace("\r\n", "\n"), pieces, place.home, root)
        else:
            texts[path] = modules.module(docstring, pieces, place.home)
        exported |= dict.fromkeys(names, module)
    if exported and place.init.name == "__init__.py" and place.together != "":
        lines = [
            line for name, module in exported.items() for line in _export(name, module, place.home)
        ]
        text = texts.get(place.init) or place.read(place.init) or ""
        texts[place.init] = with_exports(text.replace("\r\n", "\n"), lines, exported)


def _on_base(piece: Source, base: str) -> Source:
    """Return a piece that calls the base of the models by its own name."""
    if base == "Base" or "base:Base" not in piece.imports:
        return piece
    text = renamed(piece.text, {"Base": base})
    return Source(text, piece.imports - {"base:Base"} | {f"base:{base}"})


def _additions(
    sides: Sides, place: Workplace
) -> Iterator[tuple[str, str, list[Source], list[str]]]:
    """Yield (docstring, module, pieces, names to export) of every new object."""
    after = sides.after
    if new := [enum for enum in after.enums.values() if enum.known is None]:
        named = [enum.name for enum in new if enum.members is not None]
        # The module may hold only types without classes, of which no table is in need.
        named = named or (["enums"] if place.together is None else [])
        yield modules.ENUMS, _module("enums", place), list(modules.enums(after)), named
    for model in modules.in_order(after):
        if model.address in sides.new:
            piece = tables.source(model, list(sides.related(model)), after)
            yield modules.about(model), _module(model.module, place), [piece], [model.name]
    declarations = [
        declaration for declaration in sides.declarations if not sides.is_declared(declaration)
    ]
    if declarations:
        module = _module("entities", place)
        taken = used_names(place.read(place.path(module)) or "") | place.names()
        pieces = list(
            assigned(declarations, taken | {model.name for model in after.tables.values()})
        )
        names = ["entities"] if place.together != "" else []
        yield modules.ENTITIES, module, pieces, names


def _module(name: str, place: Workplace) -> str:
    if name == "enums" and place.base_has_tables:
        # They need the base, and its module may need them.
        return place.home.base[0]
    if place.together is None or (name in {"enums", "entities"} and place.together != ""):
        return name
    return place.together


def _export(name: str, module: str, home: Home) -> tuple[str, ...]:
    if name == module:
        return (f"from {home.package} import {name}",)
    return home.line(module, name)


def _appended(text: str, pieces: Iterable[Source], home: Home, root: Path) -> str:
    module = Parsed.of(text)
    spelled = [respelled(piece, module) for piece in pieces]
    imports: frozenset[str] = frozenset().union(*(piece.imports for piece in spelled))
    plain, guarded = modules.resolved(imports, home)
    joined = readable("\n\n\n".join(piece.text for piece in spelled), text)
    # Formatted by itself: the rest of the module may be formatted in another way, or not at all.
    joined = formatted({"new.py": joined}, root)["new.py"].rstrip()
    above = with_imports(text, plain, guarded).rstrip()
    return f"{above}\n\n\n{joined}\n" if above else f"{joined}\n"
