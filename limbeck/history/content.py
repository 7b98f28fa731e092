"""Hash everything that a replay of revisions depends on; the shadow's caches are named by it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from limbeck.history.history import History
from limbeck.history.revisions import Revision

# A replay does not read these: it does not go through env.py, and it writes no revision.
UNUSED = {"env.py", "script.py.mako", "README"}


def hashes(
    history: History, upto: str = "head", start: Sequence[str] = ()
) -> list[tuple[Revision, str]]:
    """Return, for each revision up to one, the hash of everything that its replay depends on.

    These are the bytes of the revision files in their order, of the other files under the script
    location (SQL that revisions read), and of the project's own modules that they import. The
    replay starts after the revisions `start`.
    """
    digest, revisions = hashlib.sha256(), history.pending(start, upto)
    for path in _beside(history, revisions):
        digest.update(_content(path))
    after = []
    for revision in revisions:
        digest.update(_content(revision.path))
        after.append((revision, digest.hexdigest()))
    return after


def _content(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _beside(history: History, revisions: Iterable[Revision]) -> list[Path]:
    """Return the files that revisions may read or import, those of the project included."""
    own = {revision.path for revision in history.revisions()}
    places = [history.script_location, *history.folders]
    root = history.script_location.parent
    names = {name for revision in revisions for name in revision.imports}
    for name in names - sys.stdlib_module_names:
        places += [root / name, root / f"{name}.py", root / "src" / name]
    paths = {path for place in places for path in _files(place)}
    return sorted(path for path in paths - own if path.name not in UNUSED)


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    below = place.rglob("*")
    return [path for path in below if path.is_file() and "__pycache__" not in path.parts]
