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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.paths import write_whole
from limbeck.project.code.recording import ALL, changed_since, names
from limbeck.project.project import Project
from limbeck.shadow import cache

FILE = "ingredients.json"
# Shells count and remember in these.
RESTLESS = {"_", "OLDPWD", "SHLVL"}
_OWN = f"{Path(__file__).parents[1]}{os.sep}"


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Paths, and names of environment variables (no values: some are secret).

    Files count by their content, those of an editable limbeck by their time. `folders` count by
    the names of their entries, because a new file may be a new module. `sites` are folders of
    installed packages; they count by their time, too, because installing a version of a package
    once more replaces its .dist-info.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    sites: tuple[str, ...]
    variables: tuple[str, ...]

    @classmethod
    def of(cls, read: Mapping[str, Sequence[str]]) -> Ingredients:
        """Return what a recording has read."""
        return cls(**{each.name: tuple(read[each.name]) for each in fields(cls)})

    def state(self, project: Project, environment: Mapping[str, str]) -> str:
        """Return a hash of all that is named here, as it is now, and of how Python runs."""
        others = sorted(environment.keys() - RESTLESS) if ALL in self.variables else ()
        parts = [
            _python(project),
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
    saved = _saved(project)
    return saved[0] if saved else None


def prepare(project: Project) -> None:
    """Start the project's interpreter, if the models need one and are not what they were."""
    code = project.code
    if code.models_outside and not _are_same(project):
        code.of_models().prepare("models")


def _are_same(project: Project) -> bool:
    """Return whether the models are made of what they were made of at their last import."""
    if not project.cache or (saved := _saved(project)) is None:
        return False
    return saved[0].state(project, environment(project)) == saved[1]


def save(project: Project, ingredients: Ingredients, state: str) -> None:
    """Save the names for `load`, and their state."""
    text = json.dumps({**asdict(ingredients), "state": state})
    write_whole(cache.folder(project) / FILE, text.encode())


def _saved(project: Project) -> tuple[Ingredients, str] | None:
    try:
        saved = json.loads((cache.folder(project) / FILE).read_bytes())
        return Ingredients.of(saved), saved.get("state", "")
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None


def taken(
    project: Project,
    read: Mapping[str, Sequence[str]] | None,
    began: float,
    variables: Mapping[str, str],
) -> tuple[Ingredients, str] | None:
    """Return what an import has read, and its state; None where that is not known for sure.

    Args:
        project: whose models were imported.
        read: what the recording has.
        began: when it began: a file that has changed since may have been read before.
        variables: the environment when it began.

    """
    if read is None:
        return None
    ingredients = Ingredients.of(read)
    state = ingredients.state(project, variables)
    return None if changed_since(began, ingredients.files) else (ingredients, state)


def environment(project: Project) -> Mapping[str, str]:
    """Return the variables that the models see when they are imported."""
    return {**dict(project.code.environment), **os.environ}


def content(path: str) -> str:
    """Return a hash of a file's bytes; "" where there is no file.

    The hundreds of files of limbeck, which count in a clone of it, are told from others by size and
    time: to read them all would take as long as everything else.
    """
    try:
        if path.startswith(_OWN):
            status = os.stat(path)  # noqa: PTH116 - one of hundreds
            return f"{status.st_size} {status.st_mtime_ns}"
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def _python(project: Project) -> str:
    """Return what tells one Python from another, and how it runs the models."""
    if not project.code.outside:
        start = os.path.dirname(sys.argv[0])  # noqa: PTH120 - "" is no folder
        return f"{sys.version} {sys.executable} {sys.flags} {start}"
    python = project.code.interpreter
    return f"{python} {python.resolve()} {python.stat().st_mtime_ns}"


def _installed(path: str) -> int:
    """Return when an entry was added to a folder or removed, in nanoseconds since the epoch."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - beside os.listdir above
    except OSError:
        return 0
