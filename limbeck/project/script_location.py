"""Find the folder of the history: from alembic.ini, from [tool.alembic], or alembic/."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from limbeck.errors import ConfigurationError
from limbeck.paths import shown

# https://alembic.sqlalchemy.org/en/latest/tutorial.html, path_separator
SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}


class Places(NamedTuple):
    """The folders of a history.

    `versions` is the folder of the revision files, if it is not the script location's own; `more`
    are others that have some. `paths` are folders beside the root from which modules are imported.
    """

    script_location: Path
    versions: Path | None = None
    more: tuple[Path, ...] = ()
    paths: tuple[Path, ...] = ()


def places(
    root: Path, tool: Mapping[str, Any], path: Path | None = None, section: str = "alembic"
) -> Places:
    """Return the folders of a history.

    Args:
        root: the folder of the project.
        tool: [tool.alembic] of its pyproject.toml.
        path: Alembic's ini file; by default alembic.ini in the root, which need not exist.
        section: that of the file which describes the history.

    Raises:
        ConfigurationError: the file cannot be read, or it has no such section.

    """
    ini = _section(path or root / "alembic.ini", section, needed=path is not None)
    here = path.parent if path else root
    ini = {name: _expanded(text, ini, here) for name, text in ini.items()}
    written = ini.get("script_location") or tool.get("script_location")
    if written is None and (here / "env.py").is_file():  # Flask-Migrate passes the folder itself
        written = str(here)
    # Without the .. that %(here)s/.. leaves; links stay.
    script_location, *folders = (
        Path(os.path.normpath(_path(root, here, text, inside)))
        for text, inside in ((written, "env.py"), *((each, "") for each in _locations(ini, tool)))
    )
    usual = script_location / "versions"
    folders = folders or [usual]
    if _is_true(ini.get("recursive_version_locations") or tool.get("recursive_version_locations")):
        folders = [below for folder in folders for below in (folder, *_below(folder))]
    unique = list({folder.resolve(): folder for folder in folders}.values())
    first, *more = unique
    versions = None if first.resolve() == usual.resolve() else first
    return Places(script_location, versions, tuple(more), _paths(root, here, ini, tool))


def _expanded(text: str, values: Mapping[str, str], here: Path) -> str:
    """Return a value with others of its section in it, as Python's configparser has them."""

    def value(match: re.Match[str]) -> str:
        return str(here) if match[1] == "here" else values.get(match[1], match[0])

    return re.sub(r"%\((\w+)\)s", value, text)


def _paths(
    root: Path, here: Path, ini: Mapping[str, str], tool: Mapping[str, Any]
) -> tuple[Path, ...]:
    """Return what prepend_sys_path adds to the folders that limbeck imports from anyway.

    Alembic resolves it in the folder where it is called: the project's, or that of the ini file.
    """
    written = ini.get("prepend_sys_path") or tool.get("prepend_sys_path") or ()
    named = ini.get("path_separator")
    if isinstance(written, str):  # as Alembic splits it where no separator is set
        separator = SEPARATORS.get(named or "")
        written = written.split(separator) if separator else re.split(r", *| +|:", written)
    texts = [str(each).replace("%(here)s", str(here)).strip() for each in written]
    paths = [Path(os.path.normpath(top / each)) for each in texts if each for top in (here, root)]
    known = {root, root / "src"}
    return tuple(
        each
        for each in dict.fromkeys(paths)
        # Where the script location is a package "alembic", Alembic is called from elsewhere.
        if each not in known and each.is_dir() and not (each / "alembic" / "__init__.py").exists()
    )


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in {"true", "yes", "on", "y", "t", "1"}


def _below(folder: Path) -> Iterator[Path]:
    """Yield the folders below one that have Python files."""
    paths = (path.parent for path in folder.rglob("*.py") if path.parent != folder)
    yield from sorted(set(paths))


def _path(root: Path, here: Path, written: str | None, inside: str) -> Path:
    text = str(written or "alembic").replace("%(here)s", str(here))
    package, colon, folder = text.partition(":")
    if colon and not Path(text).is_absolute():  # as in "myapp:db:migrations"
        text = "/".join([package.replace(".", "/"), *folder.split(":")])
        return next(
            (top / text for top in (root, root / "src", here) if (top / text).exists()), root / text
        )
    # Alembic starts from the folder in which it is called: the project's, or that of its file.
    # There is a folder "." in both; a script location has an env.py inside.
    places_ = (root / text, here / text)
    return next((each for each in places_ if (each / inside).exists()), places_[0])


def _locations(ini: Mapping[str, str], tool: Mapping[str, Any]) -> Sequence[str]:
    text = ini.get("version_locations", "")
    if not text:
        return [str(each) for each in tool.get("version_locations") or []]
    named = ini.get("path_separator") or ini.get("version_path_separator")
    if named is None:  # Alembic's rule before there was a setting
        return [each for each in re.split(r", *| +", text) if each]
    parts = text.split(SEPARATORS.get(named, os.pathsep))
    return [each.strip() for each in parts if each.strip()]


def sections(path: Path) -> dict[str, dict[str, str]]:
    """Return the sections of an ini file with their values; none where there is no file.

    Raises:
        ConfigurationError: it cannot be read.

    """
    # No interpolation: only %(here)s has a meaning here, and a URL or a format may contain any %.
    parser = configparser.RawConfigParser()
    try:
        # Not parser.read(): its errors repeat the path, as PosixPath('...').
        parser.read_string(path.read_text(encoding="utf-8"), source=path.name)
    except FileNotFoundError:
        return {}
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{shown(path)} cannot be read: {reason}") from error
    return {name: dict(parser[name]) for name in parser.sections()}


def _section(path: Path, name: str, *, needed: bool) -> dict[str, str]:
    read = sections(path)
    if needed and name not in read:
        known = ", ".join(sorted(read)) or "none"
        what = f"{shown(path)} has no section [{name}]" if read else f"there is no {shown(path)}"
        raise ConfigurationError(
            what,
            hint=f"Look at [tool.limbeck] alembic-ini and alembic-section; sections: {known}.",
        )
    return read.get(name, {})
