"""Save what the heads of revision files say, so that a command reads only the files that changed.

`History` reads its folder with it. A file counts as unchanged while its name, size, inode, and both
times are the same: the time of its status changes with every write, whatever tool sets the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from limbeck.history.folder import File
from limbeck.history.revisions import Revision, read
from limbeck.paths import write_whole
from limbeck.project.project import Project
from limbeck.version import __version__

_PATH: Final = [field.name for field in fields(Revision)].index("path")
_NAMES: Final = [field.name for field in fields(Revision) if field.name != "path"]
_IMPORTS: Final = _NAMES.index("imports")
# To be raised whenever `read` finds something else in the same file.
_FORM: Final = f"{__version__} 1 {' '.join(_NAMES)}"
# To read a few short files takes no longer than to read what was saved of them. The first revision
# of 5,000 tables is a file of 5 MB, whose head takes 0.1 s: all of it is hashed and searched.
_FEWEST: Final = 50
_SHORTEST: Final = 200_000  # bytes
_WIDTH: Final = len(File._fields)


def place(project: Project | None, folder: Path) -> Path | None:
    """Return the file in which a folder's revisions are saved; None where the cache is off."""
    if project is None or not project.cache:
        return None
    key = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return project.home / "cache" / f"history-{key}"


def revisions(place_: Path | None, files: Sequence[File]) -> Iterator[Revision]:
    """Yield what `read` returns of each of the files, and save it if they are many or long.

    Args:
        place_: Where it is saved; None to neither use nor save anything.
        files: The revision files.

    """
    is_little = len(files) < _FEWEST and sum(file.size for file in files) < _SHORTEST
    if place_ is None or is_little:
        yield from map(_unchanged, files)
        return
    known = _saved(place_)
    read_ = [known.get(file) or _unchanged(file) for file in files]
    yield from read_
    settled = {file: each for file, each in zip(files, read_, strict=True) if file.is_settled()}
    if settled.keys() - known.keys():
        write_whole(place_, _dumped(settled))


@cache
def _unchanged(file: File) -> Revision:
    return read(Path(file.path))


def _dumped(settled: Mapping[File, Revision]) -> bytes:
    rows = [
        [*file, *(getattr(revision, name) for name in _NAMES)] for file, revision in settled.items()
    ]
    return json.dumps([_FORM, rows], default=sorted).encode()


def _saved(place_: Path) -> dict[File, Revision]:
    """Return the saved revisions; none of a file that was cut off, or of another version."""
    try:
        form, rows = json.loads(place_.read_bytes())
        return dict(map(_loaded, rows)) if form == _FORM else {}
    except (OSError, ValueError, TypeError):
        return {}


def _loaded(row: Sequence[Any]) -> tuple[File, Revision]:
    file, values = File._make(row[:_WIDTH]), row[_WIDTH:]
    values = [tuple(value) if isinstance(value, list) else value for value in values]
    values[_IMPORTS] = frozenset(values[_IMPORTS])
    values.insert(_PATH, Path(file.path))
    return file, Revision(*values)
