"""What is new in the database, added to the working models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from limbeck.models.pull.edit.imports import readable, respelled, with_exports, with_imports
from limbeck.models.pull.edit.sides import Sides
from limbeck.models.pull.edit.workplace import Workplace, read
from limbeck.models.pull.render import modules, tables
from limbeck.models.pull.render.formatting import formatted
from limbeck.models.pull.render.modules import Home
from limbeck.models.source.text import Source


def add(sides: Sides, work: Workplace, texts: dict[Path, str], root: Path) -> None:
    """Add new enums, tables and entities to the texts of the files.

    Args:
        sides: both schemas.
        work: where the models are.
        texts: the files as they have been changed so far; they are changed here.
        root: of the repository, whose formatting is followed.

    """
    exported: dict[str, str] = {}
    for docstring, module, pieces, names in _additions(sides, work):
        path = work.path(module)
        if (text := texts.get(path) or read(path)) is not None:
            texts[path] = _appended(text.replace("\r\n", "\n"), pieces, work.home, root)
        else:
            texts[path] = modules.module(docstring, pieces, work.home)
        exported |= dict.fromkeys(names, module)
    if exported and work.place.name == "__init__.py" and work.together != "":
        lines = [
            line for name, module in exported.items() for line in _export(name, module, work.home)
        ]
        text = texts.get(work.place) or read(work.place) or ""
        texts[work.place] = with_exports(text.replace("\r\n", "\n"), lines, exported)


def _additions(sides: Sides, work: Workplace) -> Iterator[tuple[str, str, list[Source], list[str]]]:
    """Yield (docstring, module, pieces, names to export) of what is new."""
    after = sides.after
    if after.enums:
        named = [found.name for found in after.enums.values() if found.members is not None]
        yield modules.ENUMS, _module("enums", work), list(modules.enums(after)), named
    for model in modules.in_order(after):
        if model.address in sides.new:
            piece = tables.source(model, list(sides.related(model)), after)
            yield modules.about(model), _module(model.module, work), [piece], [model.name]
    pieces = [
        found.source
        for found in sides.declarations
        if not (found.whole and found.address in sides.before.catalog.objects)
    ]
    if pieces:
        names = ["entities"] if work.together != "" else []
        yield modules.ENTITIES, _module("entities", work), pieces, names


def _module(name: str, work: Workplace) -> str:
    if name == "enums" and work.base_has_tables:
        # They need the base, and its module may need them.
        return work.home.base[0]
    if work.together is None or (name in {"enums", "entities"} and work.together != ""):
        return name
    return work.together


def _export(name: str, module: str, home: Home) -> tuple[str, ...]:
    if name == module:
        return (f"from {home.package} import {name}",)
    return home.line(module, name)


def _appended(text: str, pieces: Iterable[Source], home: Home, root: Path) -> str:
    given = [respelled(piece, text) for piece in pieces]
    imports: frozenset[str] = frozenset().union(*(piece.imports for piece in given))
    plain_, guarded = modules.resolved(imports, home)
    joined = readable("\n\n\n".join(piece.text for piece in given), text)
    joined = formatted({"new.py": joined}, root)["new.py"].rstrip()
    kept = with_imports(text, plain_, guarded).rstrip()
    return f"{kept}\n\n\n{joined}\n" if kept else f"{joined}\n"
