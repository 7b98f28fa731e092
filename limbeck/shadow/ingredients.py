"""What a project's models are made of: each file, folder and variable that their import read.

A hash of the package's files would be simpler. But it would miss the files outside of the package
and what a subprocess or a database answered, which `recording` sees. Neither sees the clock,
chance, and whether a file exists that nobody opened in a folder that nobody listed.
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
# Stands among the names of variables for all of them.
ALL = "*"
# Shells count and remember in these.
RESTLESS = {"_", "OLDPWD", "SHLVL"}
CACHES = {"__pycache__", ".limbeck"}


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Paths, and names of environment variables (no values: some are secret).

    Files count by their content. `folders` count by the names of their entries, because a new
    file may be a new module. `sites` are folders of installed packages; they count by their time,
    too, because installing a version of a package once more replaces its .dist-info.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    sites: tuple[str, ...]
    variables: tuple[str, ...]

    def state(self, project: Project, environment: Mapping[str, str]) -> str:
        """Return a hash of all that is named here, as it is now, and of how Python runs."""
        others = sorted(environment.keys() - RESTLESS) if ALL in self.variables else ()
        parts = [
            f"{sys.version} {sys.executable} {sys.flags} {os.path.dirname(sys.argv[0])}",  # noqa: PTH120 - "" is no folder
            f"{environment.get('PYTHONPATH')} {os.getcwd()}",  # noqa: PTH109 - as it is, links and all
            f"{project.root} {project.models} {asdict(self)}",
            *(content(path) for path in self.files),
            *(f"{names(path)}" for path in self.folders),
            *(f"{names(path)} {_installed(path)}" for path in self.sites),
            *(f"{name}={environment.get(name)}" for name in (*self.variables, *others)),
        ]
        digest = hashlib.sha256()
        for part in parts:  # each hashed by itself, so that no part runs into the next
            digest.update(hashlib.sha256(part.encode(errors="surrogatepass")).digest())
        return digest.hexdigest()


def load(project: Project) -> Ingredients | None:
    """Return the ingredients at the last import of the models; None where they are unknown."""
    try:
        fields = json.loads((cache.folder(project) / FILE).read_bytes())
        return Ingredients(**{name: tuple(values) for name, values in fields.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def save(project: Project, ingredients: Ingredients) -> None:
    """Save the names for `load`."""
    cache.write(cache.folder(project) / FILE, json.dumps(asdict(ingredients)).encode())


def content(path: str) -> str:
    """Return a hash of a file's bytes; "" where there is no file."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def names(path: str) -> list[str] | None:
    """Return the names of a folder's entries without caches; None where there is no folder."""
    try:
        return sorted(name for name in os.listdir(path) if name not in CACHES)  # noqa: PTH208 - one call a folder
    except OSError:
        return None


def _installed(path: str) -> int:
    """Return when an entry was added to a folder or removed, in nanoseconds since the epoch."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - beside os.listdir above
    except OSError:
        return 0
