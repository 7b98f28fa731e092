"""Find the modules that declare tables and that the models do not import."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from limbeck.errors import ModelsError
from limbeck.events import Listener, Notice
from limbeck.project import declarations, discovery
from limbeck.project.project import Project

# What a module has that declares a table; those without it need not be parsed. The names of bases
# in the second one are those that env.py or the setting may use.
SIGNS = re.compile(rb"__tablename__|\btable *= *True|\bTable\(")
DERIVED = rb"^\s*class \w+\([^)]*\b(%s|db\.Model)\b"
BASELESS = re.compile(rb"^class \w+(\(\s*\))?:", re.MULTILINE)
MOST = 5


def refuse(
    project: Project, read: Mapping[str, Sequence[str]] | None, tables: int, listen: Listener
) -> None:
    """Refuse models without tables, if modules declare some; else name such modules.

    Args:
        project: whose models they are.
        read: what their import has read, by kind; None where that is not known.
        tables: the number of their tables.
        listen: receives a notice about modules that are not imported.

    Raises:
        ModelsError: there are no tables, but modules that declare some.

    """
    if read is None:
        return
    imported = read["files"]
    for name in _baseless(project, imported):
        listen(Notice(f"the class {name} has a __tablename__ and no base: it declares no table"))
    missing = list(_missing(project, set(imported), every=not tables))
    if not missing:
        return
    names = ", ".join(missing[:MOST]) + (" and others" if len(missing) > MOST else "")
    declare = "declares tables and is" if len(missing) == 1 else "declare tables and are"
    text = f"{names} {declare} not imported by the models ({project.models})"
    if tables:
        listen(Notice(f"{text}; they do not count"))
        return
    raise ModelsError(
        f"the models have no tables: {text}",
        hint="Import them where the base is, or name a module that does: [tool.limbeck] models.",
    )


def _missing(project: Project, imported: set[str], *, every: bool) -> Iterator[str]:
    """Yield the files; of the models' own package, or of the whole project."""
    module, _, attributes = project.models.partition(":")
    package = module.partition(".")[0]
    base = attributes.partition(".")[0] or "Base"
    derived = re.compile(DERIVED % re.escape(base).encode(), re.MULTILINE)
    for path in discovery.modules(project.root):
        inside = path.relative_to(project.root).with_suffix("").parts
        top = inside[1] if inside[0] == "src" and len(inside) > 1 else inside[0]
        if str(path) in imported or path.is_relative_to(project.script_location):
            continue
        if not every and top != package:
            continue
        text = path.read_bytes()
        if (SIGNS.search(text) or derived.search(text)) and declarations.declares(path, base):
            yield str(path.relative_to(project.root))


def _baseless(project: Project, imported: Iterable[str]) -> Iterator[str]:
    """Yield the classes with a __tablename__ that derive from nothing."""
    root = f"{project.root}{os.sep}"  # a clone of limbeck has hundreds of other files
    for path in (Path(name) for name in imported if name.startswith(root)):
        if path.suffix == ".py" and path.is_file():
            text = path.read_bytes()
            if SIGNS.search(text) and BASELESS.search(text):
                place = path.relative_to(project.root)
                yield from (f"{name} ({place})" for name in declarations.baseless(path))
