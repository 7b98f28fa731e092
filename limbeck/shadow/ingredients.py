"""What models are made of: every file, folder and variable that importing them read.

A list of their names is kept; the state of what it names, hashed, is what a catalog of the models
is kept under. Not seen are the clock, chance, and whether a file exists that nobody opened in a
folder that nobody listed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from limbeck.project.project import Project
from limbeck.shadow import cache

FILE = "ingredients.json"
# Shells count and remember in these.
RESTLESS = {"_", "OLDPWD", "SHLVL"}
CACHES = {"__pycache__", ".limbeck"}


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Paths, and names of environment variables, None for all of them.

    `folders` count by the names of their entries; `sites` are folders of installed packages,
    which count by the packages' versions and times of installation.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    sites: tuple[str, ...]
    variables: tuple[str, ...] | None

    def state(self, project: Project, environment: Mapping[str, str]) -> str:
        """Return a hash of all that is named here, as it is now, and of how Python runs."""
        digest = hashlib.sha256()
        parts = [
            f"{sys.version} {sys.executable} {sys.flags} {os.path.dirname(sys.argv[0])}",  # noqa: PTH120 - "" is no folder
            f"{environment.get('PYTHONPATH')} {os.getcwd()}",  # noqa: PTH109 - as it is, links and all
            f"{project.root} {project.models} {asdict(self)}",
            *(content(path) for path in self.files),
            *(str(names(path)) for path in self.folders),
            *(str(_installed(path)) for path in self.sites),
            str(_variables(self.variables, environment)),
        ]
        for part in parts:
            digest.update(hashlib.sha256(part.encode(errors="surrogatepass")).digest())
        return digest.hexdigest()


def load(project: Project) -> Ingredients | None:
    """Return what the models were made of when they were imported last, if that is known."""
    try:
        found = json.loads((cache.folder(project) / FILE).read_bytes())
        variables = found["variables"]
        return Ingredients(
            tuple(found["files"]),
            tuple(found["folders"]),
            tuple(found["sites"]),
            None if variables is None else tuple(variables),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save(project: Project, ingredients: Ingredients) -> None:
    """Keep the list for `load`; it has no values of variables, which may be secret."""
    cache.write(cache.folder(project) / FILE, json.dumps(asdict(ingredients)).encode())


def content(path: str) -> str:
    """Return a hash of a file's bytes; "" where there is none."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def names(path: str) -> list[str] | None:
    """Return the names of a folder's entries, but for caches; None where there is none."""
    try:
        return sorted(name for name in os.listdir(path) if name not in CACHES)  # noqa: PTH208 - one call a folder
    except OSError:
        return None


def _installed(path: str) -> list[tuple[str, int]]:
    """Return a folder of packages: its names, and when each distribution was put there."""
    try:
        with os.scandir(path) as entries:
            return sorted(
                (entry.name, entry.stat().st_mtime_ns if _is_metadata(entry.name) else 0)
                for entry in entries
                if entry.name not in CACHES
            )
    except OSError:
        return []


def _is_metadata(name: str) -> bool:
    return name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))


def _variables(
    chosen: tuple[str, ...] | None, environment: Mapping[str, str]
) -> list[tuple[str, str | None]]:
    wanted = sorted(environment.keys() - RESTLESS) if chosen is None else chosen
    return [(name, environment.get(name)) for name in wanted]
