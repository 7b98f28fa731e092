"""Find the histories of Alembic that a project has, and its Python files."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.paths import shown
from limbeck.project.script_location import Places, places, sections
from limbeck.shell import command

LIBRARIES: Final = {"node_modules", "site-packages"}
SKIPPED: Final = LIBRARIES | {"tests", "test", "build", "dist", "docs"}
# Modules that only tests import: a base in there is none of the project's.
TESTS: Final = re.compile(r"(conftest|test_\w+|\w+_test)\.py$")
# What a file of configuration may be called that `alembic -c` is given.
DESCRIBING: Final = (".ini", ".cfg")
USUAL: Final = ("alembic.ini", "alembic")
# What a folder has beside its env.py if it is a history.
HISTORY: Final = ("versions", "script.py.mako")
# What programs are written in. A folder with any of it is no place for a sample application.
CODE: Final = (".py", ".ipynb", ".js", ".jsx", ".ts", ".tsx", ".go", ".rb", ".rs", ".java", ".kt")


@dataclass(frozen=True, slots=True)
class Origin:
    """What describes a history: an ini file and its section; `ini` None is pyproject.toml."""

    ini: Path | None
    section: str
    places: Places

    @property
    def folder(self) -> Path:
        """The script location."""
        return self.places.script_location

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders with env.py and revisions."""
        return self.folder, *filter(None, (self.places.versions, *self.places.more))

    def name(self, root: Path) -> str:
        """Return the name by which `init --alembic-ini` knows it."""
        if self.ini is None:
            return "pyproject.toml"
        path = str(self.ini.relative_to(root))
        return path if self.section == "alembic" else f"{path}:{self.section}"

    def settings(self, root: Path) -> str:
        """Return the settings that lead limbeck to it, as lines of TOML."""
        if self.ini is None or (self.ini == root / "alembic.ini" and self.section == "alembic"):
            return ""
        lines = f'alembic-ini = "{self.ini.relative_to(root).as_posix()}"\n'
        return lines + (
            f'alembic-section = "{self.section}"\n' if self.section != "alembic" else ""
        )


def history(root: Path, tool: Mapping[str, Any], wanted: str | None) -> Origin | None:
    """Return what describes the history of a project; None where it has none.

    Args:
        root: the folder of the project.
        tool: [tool.alembic] of its pyproject.toml.
        wanted: the name of one of several.

    Raises:
        ConfigurationError: there are several, or none of this name, or a file cannot be read.

    """
    origins = list(_origins(root, tool, wanted))
    names = [origin.name(root) for origin in origins]
    if wanted is None:
        origins = _distinct(origins)
        _refuse_another_project(root, origins)
        if not origins:
            _refuse_undescribed(root)
    if wanted is not None:
        if wanted not in names:
            known = f"there are {', '.join(names)}" if names else "there is none"
            raise ConfigurationError(f"no history is described by {wanted}; {known}")
        return origins[names.index(wanted)]
    if len({origin.places for origin in origins}) > 1:
        names = [origin.name(root) for origin in origins]
        raise ConfigurationError(
            f"there are several histories: {', '.join(names)}",
            hint=f"Choose one: {command('limbeck', 'init', '--alembic-ini', names[0])}",
        )
    return origins[0] if origins else None


def _distinct(origins: Iterable[Origin]) -> list[Origin]:
    """Return one origin for each history: files and sections may differ in the database only."""
    by_folders: dict[tuple[Path, ...], Origin] = {}
    for origin in sorted(origins, key=lambda each: not _is_usual(each)):
        by_folders.setdefault(origin.folders, origin)
    return sorted(by_folders.values(), key=lambda each: (str(each.ini or ""), each.section))


def _is_usual(origin: Origin) -> bool:
    """Return whether Alembic would take it if nothing else were said."""
    return origin.ini is not None and (origin.ini.name, origin.section) == USUAL


def _refuse_undescribed(root: Path) -> None:
    """Refuse a history that a program finds by itself: `init` would write another one."""
    for env in (path for path in _below(root, "env.py") if path.name == "env.py"):
        folder = env.parent
        text = env.read_text("utf-8", errors="replace")
        if "alembic" in text and any((folder / each).exists() for each in HISTORY):
            location = folder.relative_to(root).as_posix()
            raise ConfigurationError(
                f"there is a history in {location}, and no file that describes it",
                hint=f"Write alembic.ini with [alembic] and script_location = {location}.",
            )


def _refuse_another_project(root: Path, origins: Sequence[Origin]) -> None:
    """Refuse histories of projects below the root, which are set up each by itself."""
    folders = [_project(root, origin) for origin in origins]
    if folders and root not in folders:
        others = list(dict.fromkeys(str(folder.relative_to(root)) for folder in folders))
        belong = (
            "the history belongs to another project, which has"
            if len(others) == 1
            else "the histories belong to other projects, each of which has"
        )
        raise ConfigurationError(
            f"{belong} a pyproject.toml: {', '.join(others)}",
            hint=command("limbeck", "init", str(folders[0].relative_to(root))),
        )


def _project(root: Path, origin: Origin) -> Path:
    """Return the nearest folder above an ini file that is a project, or the root."""
    above = origin.ini.parents if origin.ini else (root,)
    return next(each for each in above if each == root or (each / "pyproject.toml").is_file())


def _origins(root: Path, tool: Mapping[str, Any], wanted: str | None) -> Iterator[Origin]:
    """Yield the histories that files in the root describe, or else files below it.

    One without env.py is refused, unless another one is wanted.
    """
    files = sorted(path for path in root.glob("*.*") if path.suffix in DESCRIBING)
    top = [*_described(root, files, wanted), *_in_pyproject(root, tool)]
    yield from top or _described(root, _below(root, *DESCRIBING), wanted)


def _described(root: Path, paths: Iterable[Path], wanted: str | None) -> Iterator[Origin]:
    for path in filter(_may_describe, paths):
        for name, values in sections(path).items():
            if name == "alembic" or "script_location" in values:
                origin = Origin(path, name, places(root, {}, path, name))
                if (origin.folder / "env.py").is_file():
                    yield origin
                elif (
                    "script_location" in values
                    and origin.folder != root / "alembic"
                    and wanted in {None, origin.name(root)}
                ):
                    _refuse_missing(origin, root)


def _refuse_missing(origin: Origin, root: Path) -> None:
    """Refuse a history that is not in the project: `init` would write another one."""
    raise ConfigurationError(
        f"{origin.name(root)} describes a history in {shown(origin.folder)}, which has no env.py",
        hint="Correct its script_location, or remove the section.",
    )


def _may_describe(path: Path) -> bool:
    # Other tools have ini files, too, and not every one of them is read by Python's parser.
    return path.name == "alembic.ini" or "script_location" in path.read_text(errors="replace")


def _in_pyproject(root: Path, tool: Mapping[str, Any]) -> Iterator[Origin]:
    if tool.get("script_location"):
        yield Origin(None, "alembic", places(root, tool))


def modules(root: Path) -> Iterator[Path]:
    """Yield the Python files below a folder, without those of tools and tests."""
    yield from (path for path in _below(root, ".py") if not TESTS.match(path.name))


def has_code(root: Path) -> bool:
    """Return whether there is a program below a folder, in whatever language, or its tests."""
    return any(_below(root, *CODE, skipped=LIBRARIES))


def _below(root: Path, *endings: str, skipped: Container[str] = SKIPPED) -> Iterator[Path]:
    """Yield the files below a folder whose names end so, without those of tools and tests."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in skipped
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(endings))
