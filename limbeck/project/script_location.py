"""Find the folder of the history: from alembic.ini, from [tool.alembic], or alembic/."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from limbeck.errors import ConfigurationError
from limbeck.paths import shown

# https://alembic.sqlalchemy.org/en/latest/tutorial.html, path_separator
SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}


def places(root: Path, tool: Mapping[str, Any]) -> tuple[Path, Path | None]:
    """Return the script location, and the folder of the revision files if it is another one.

    Args:
        root: the folder of the project.
        tool: [tool.alembic] of its pyproject.toml.

    Raises:
        ConfigurationError: alembic.ini cannot be read, or the revisions are in several folders.

    """
    ini = _from_ini(root / "alembic.ini")
    script_location = _path(root, ini.get("script_location") or tool.get("script_location"))
    folders = [_path(root, text) for text in _locations(ini, tool)]
    if len(folders) > 1:
        raise ConfigurationError(
            f"alembic.ini has revisions in {len(folders)} folders: "
            f"{', '.join(folder.name for folder in folders)}; limbeck keeps a history in one",
            hint="Move the files into one of them, and set version_locations to it.",
        )
    usual = (script_location / "versions").resolve()
    (folder,) = folders or [usual]
    return script_location, None if folder.resolve() == usual else folder


def _path(root: Path, written: str | None) -> Path:
    text = str(written or "alembic").replace("%(here)s", str(root))
    package, colon, folder = text.partition(":")
    if colon and not Path(text).is_absolute():  # as in "myapp:migrations"
        return root / package.replace(".", "/") / folder
    return root / text


def _locations(ini: Mapping[str, str], tool: Mapping[str, Any]) -> Sequence[str]:
    text = ini.get("version_locations", "")
    if not text:
        return [str(each) for each in tool.get("version_locations") or []]
    named = ini.get("path_separator") or ini.get("version_path_separator")
    if named is None:  # Alembic's rule before there was a setting
        return [each for each in re.split(r", *| +", text) if each]
    parts = text.split(SEPARATORS.get(named, os.pathsep))
    return [each.strip() for each in parts if each.strip()]


def _from_ini(path: Path) -> dict[str, str]:
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
    return dict(parser["alembic"]) if parser.has_section("alembic") else {}
