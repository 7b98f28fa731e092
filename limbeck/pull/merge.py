"""Pulled tables merged into working models, without touching what is equal."""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa  # noqa: TC002 - one import block

from limbeck.catalog.catalog import Catalog
from limbeck.catalog.objects import Address
from limbeck.errors import ConfigurationError, ModelsError
from limbeck.pull import columns, modules, tables
from limbeck.pull.beside import Declaration, beside
from limbeck.pull.contents import Contents, contents
from limbeck.pull.editing import Edits, edit_class, with_exports, with_imports
from limbeck.pull.formatting import formatted
from limbeck.pull.known import Working, working
from limbeck.pull.models import Model, Models, models
from limbeck.pull.modules import Home
from limbeck.pull.options import Options
from limbeck.pull.plain import plain
from limbeck.pull.relations import Relation, relations
from limbeck.pull.split import early, late_parts
from limbeck.spelling import Source

_OF_TABLES = frozenset({"table", "column", "constraint", "index", "default", "schema"})


@dataclass(frozen=True, slots=True)
class Merge:
    """What merging comes to: nothing is written before write().

    `files` has the new text of every file that is new or changes, `before` what the changed ones
    hold now. `new` and `changed` are tables, `gone` is in the models but not in the database;
    `left` says in words what differs and has to be changed by hand.
    """

    files: Mapping[Path, str]
    before: Mapping[Path, str]
    new: tuple[Address, ...] = ()
    changed: tuple[Address, ...] = ()
    gone: tuple[Address, ...] = ()
    left: tuple[str, ...] = ()

    def diff(self, root: Path | None = None) -> str:
        """Return a unified diff, with paths relative to a folder."""
        return "".join(
            line
            for path, text in sorted(self.files.items())
            for line in difflib.unified_diff(
                self.before.get(path, "").splitlines(keepends=True),
                text.splitlines(keepends=True),
                f"a/{_relative(path, root)}" if path in self.before else "/dev/null",
                f"b/{_relative(path, root)}",
            )
        )

    def write(self, *, force: bool = False) -> tuple[Path, ...]:
        """Write the files and return their paths.

        Args:
            force: whether files with uncommitted changes are overwritten, too.

        Raises:
            ConfigurationError: a file has changes that git does not have; nothing was written.

        """
        unsaved = () if force else tuple(path for path in self.before if not _is_committed(path))
        if unsaved:
            listed = ", ".join(path.name for path in unsaved)
            raise ConfigurationError(
                f"not overwritten, for git does not have them as they are: {listed}",
                hint="Commit them first, or add --force.",
            )
        for path, text in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tuple(sorted(self.files))


def merge(
    metadata: sa.MetaData, before: Catalog, live: Catalog, options: Options | None = None
) -> Merge:
    """Return how working models have to change to be those of a live schema.

    Args:
        metadata: of the working models, which are imported.
        before: what the working models make, on a server of the same major.
        live: the live schema.
        options: `package` is where the working models are: a package, or one module.

    Raises:
        ModelsError: the models are in no package that was imported, or have no declarative base.

    """
    options = options or Options()
    place = _place(options.package)
    # What is equal has to be spelled alike on both sides.
    before = replace(before, near=live.near)
    known = working(metadata, options.package)
    sides = _Sides.of(known, before, live)
    files = dict(_files(sides, known, place, options))
    merged = _formatted(files, place, options)
    return Merge(
        {path: text for path, text in merged.items() if _text(path) != text},
        {path: text for path in merged if (text := _text(path)) is not None},
        tuple(sorted(sides.new)),
        tuple(sorted(sides.changed)),
        tuple(_gone(before, live)),
        tuple(_left(sides)),
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """The working models and the live schema, named alike."""

    before: Models
    after: Models
    relations: Mapping[Address, list[Relation]]
    declarations: tuple[Declaration, ...]
    new: frozenset[Address]
    changed: frozenset[Address]

    @classmethod
    def of(cls, known: Working, before: Catalog, live: Catalog) -> _Sides:
        old_tables, new_tables = _plain(before), _plain(live)
        old, new = (
            models(
                catalog,
                found,
                convention=known.convention,
                implied=known.implied,
                known=known.tables,
                known_enums=known.enums,
            )
            for catalog, found in ((before, old_tables), (live, new_tables))
        )
        fresh = new_tables.keys() - known.tables.keys()
        both = new_tables.keys() & old_tables.keys()
        changed = {one for one in both if not _same(old_tables[one], new_tables[one])}
        beside_ = beside(live, early(live), new_tables)
        declared = tuple(one for one in beside_ if _differs(one.address, before, live))
        return cls(old, new, relations(new), declared, frozenset(fresh), frozenset(changed - fresh))


def _plain(catalog: Catalog) -> dict[Address, Contents]:
    return plain(contents(catalog), late_parts(catalog, early(catalog)))


def _same(one: Contents, other: Contents) -> bool:
    return one == other and one.table.columns == other.table.columns


def _differs(address: Address, before: Catalog, live: Catalog) -> bool:
    return before.objects.get(address) != live.objects.get(address)


def _files(
    sides: _Sides, known: Working, place: Path, options: Options
) -> Iterator[tuple[Path, str]]:
    single = place.name != "__init__.py"
    home = Home(None if single else options.package, known.base)
    texts: dict[Path, str] = {}

    def path_of(module: str) -> Path:
        return place if single or not module else _module_path(place, module)

    def text_of(path: Path) -> str:
        return texts.get(path) or _text(path) or ""

    for address in sorted(sides.changed):
        model = sides.after.tables[address]
        path = path_of(model.module)
        texts[path] = _changed(text_of(path), sides.before.tables[address], model, sides, home)
    exported: dict[str, str] = {}
    for docstring, module, pieces, names in _additions(sides):
        path = path_of(module)
        if text := text_of(path):
            texts[path] = _appended(text, pieces, home)
        else:
            texts[path] = modules.module(docstring, pieces, home)
        exported |= dict.fromkeys(names, module)
    if exported and not single:
        lines = [line for name, module in exported.items() for line in _export(name, module, home)]
        texts[place] = with_exports(text_of(place), lines, exported)
    yield from texts.items()


def _additions(sides: _Sides) -> Iterator[tuple[str, str, list[Source], list[str]]]:
    """Yield (docstring, module, pieces, names to export) of what is new."""
    after = sides.after
    if after.enums:
        named = [found.name for found in after.enums.values() if found.members is not None]
        yield modules.ENUMS, "enums", list(modules.enums(after)), named
    for model in modules.in_order(after):
        if model.address in sides.new:
            piece = tables.source(model, list(_related(model, sides)), after)
            yield modules.about(model), model.module, [piece], [model.name]
    pieces = [
        found.source
        for found in sides.declarations
        if not (found.whole and found.address in sides.before.catalog.objects)
    ]
    if pieces:
        yield modules.ENTITIES, "entities", pieces, ["entities"]


def _export(name: str, module: str, home: Home) -> tuple[str, ...]:
    if name == module:
        return (f"from {home.package} import {name}",)
    return home.line(module, name)


def _related(model: Model, sides: _Sides) -> Iterator[Relation]:
    """Yield the relationships that a new or changed class gains."""
    editable = sides.new | sides.changed
    known = sides.before.catalog.objects
    for found in sides.relations.get(model.address, ()):
        if found.made_by in known:
            continue
        yield found if found.target in editable else replace(found, back="")


def _changed(text: str, old: Model, new: Model, sides: _Sides, home: Home) -> str:
    if not new.mapped:
        return text
    replaced: dict[str, str | None] = {}
    added: list[tuple[str, str]] = []
    imports: set[str] = set()
    before = {one.name: columns.mapped(one, old, sides.before) for one in old.contents.columns}
    previous = "__table_args__"
    for column in new.contents.columns:
        attribute = new.attributes[column.name]
        made = columns.mapped(column, new, sides.after)
        if column.name not in before:
            added.append((previous, made.text))
            imports |= made.imports
        elif before[column.name].text != made.text:
            replaced[attribute] = made.text
            imports |= made.imports
        previous = attribute
    for name in before.keys() - {column.name for column in new.contents.columns}:
        replaced[old.attributes[name]] = None
    imports |= _arguments(old, new, sides, replaced, added)
    for relation in _related(new, sides):
        made = tables.relationship(relation, new, sides.after)
        added.append(("", _readable(made.text, text)))
        imports |= made.imports
    edited = edit_class(text, new.name, Edits(replaced, added))
    return with_imports(edited, *modules.resolved(imports, home))


def _arguments(
    old: Model,
    new: Model,
    sides: _Sides,
    replaced: dict[str, str | None],
    added: list[tuple[str, str]],
) -> frozenset[str]:
    before = tables.table_args(old, sides.before)
    after = tables.table_args(new, sides.after)
    if (before and before.text) == (after and after.text):
        return frozenset()
    if before:
        replaced["__table_args__"] = after.text if after else None
    elif after:
        added.append(("__tablename__", after.text))
    return after.imports if after else frozenset()


def _appended(text: str, pieces: Iterable[Source], home: Home) -> str:
    given = list(pieces)
    imports: frozenset[str] = frozenset().union(*(piece.imports for piece in given))
    plain_, guarded = modules.resolved(imports, home)
    joined = _readable("\n\n\n".join(piece.text for piece in given), text)
    return f"{with_imports(text, plain_, guarded).rstrip()}\n\n\n{joined}\n"


def _readable(source: str, module: str) -> str:
    """Quote the classes that relationships name, in a module that reads annotations at once."""
    if "from __future__ import annotations" in module:
        return source
    many = re.sub(
        r": Mapped\[list\[(\w+)\]\] = relationship", r': Mapped[list["\1"]] = relationship', source
    )
    return re.sub(
        r": Mapped\[(\w[^\"]*)\] = relationship\(", r': Mapped["\1"] = relationship(', many
    )


def _gone(before: Catalog, live: Catalog) -> Iterator[Address]:
    for address in sorted(before.objects.keys() - live.objects.keys()):
        if address.kind == "table" or address.kind not in _OF_TABLES:
            yield address


def _left(sides: _Sides) -> Iterator[str]:
    before, live = sides.before.catalog, sides.after.catalog
    for address in sorted(sides.changed):
        model = sides.after.tables[address]
        if not model.mapped:
            yield f"{address}: the Table {model.name} differs"
    for address in sorted(before.objects.keys() & live.objects.keys()):
        of_table = address.kind in _OF_TABLES
        if not of_table and _differs(address, before, live):
            yield f"{address}: its definition differs"


def _formatted(files: dict[Path, str], place: Path, options: Options) -> dict[Path, str]:
    folder = place.parent
    named = {str(path.relative_to(folder)): text for path, text in files.items()}
    made = formatted(named, options.root or folder)
    return {folder / name: text for name, text in made.items()}


def _place(package: str) -> Path:
    found = getattr(sys.modules.get(package), "__file__", None)
    if not found:
        raise ModelsError(f"the module {package} was not imported, or is no file")
    return Path(found)


def _module_path(place: Path, module: str) -> Path:
    return place.parent.joinpath(*module.split(".")).with_suffix(".py")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _relative(path: Path, root: Path | None) -> str:
    return str(path.relative_to(root)) if root and path.is_relative_to(root) else str(path)


def _is_committed(path: Path) -> bool:
    # Nothing is printed for a file that git knows and that is as it was committed.
    command = ["git", "status", "--porcelain", "--ignored", "--", path.name]
    try:
        done = subprocess.run(  # noqa: S603 - git, on a path
            command, cwd=path.parent, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0 and not done.stdout.strip()
