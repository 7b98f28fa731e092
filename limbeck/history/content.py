"""What decides what a replay makes, as a hash."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.history.revisions import Revision, imported

if TYPE_CHECKING:
    from limbeck.history.chain import Chain

# What a replay does not read: it goes around env.py, and writes nothing.
UNUSED = {"env.py", "script.py.mako", "README"}


def hashes(history: Chain, revisions: Sequence[Revision]) -> list[tuple[Revision, str]]:
    """Return the hash after each of the revisions, which are in the order they run."""
    digest = hashlib.sha256()
    for path in _beside(history, revisions):
        digest.update(_content(path))
    found = []
    for one in revisions:
        digest.update(_content(one.path))
        found.append((one, digest.hexdigest()))
    return found


def _content(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _beside(history: Chain, revisions: Iterable[Revision]) -> list[Path]:
    """The files that revisions may read or import: beside them, and the project's own modules."""
    ours = {one.path for one in history.revisions()}
    under = [history.script_location, history.folder]
    root = history.script_location.parent
    for name in {name for one in revisions for name in imported(one)} - sys.stdlib_module_names:
        under += [root / name, root / f"{name}.py", root / "src" / name]
    found = {path for place in under for path in _files(place)}
    return sorted(path for path in found - ours if path.name not in UNUSED)


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    found = place.rglob("*")
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]
