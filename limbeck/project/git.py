"""Ask git for files with uncommitted changes, before pull and squash replace or remove files."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path


def uncommitted(paths: Collection[Path]) -> Iterator[Path]:
    """Yield the files whose present content git cannot bring back, if there is git at all."""
    for folder in sorted({path.parent for path in paths}):
        inside = [path for path in paths if path.parent == folder]
        listed = _listed(folder, [path.name for path in inside])
        # A folder of which git knows no file is listed as a whole.
        whole = listed is None or any(name.endswith("/") for name in listed)
        yield from (path for path in inside if whole or path.name in (listed or ()))


def _listed(folder: Path, names: Collection[str]) -> set[str] | None:
    """Return the names that git status lists of these; None without git or a repository."""
    # Nothing is listed for a file that git tracks and that is as it was committed. Ignored files
    # are listed, because they are in no commit either.
    command = ["git", "status", "--porcelain", "-z", "--ignored", "--no-renames", "--", *names]
    try:
        status = subprocess.run(  # noqa: S603 - git, on names of files
            command, cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    if status.returncode:
        return None
    entries = [entry[3:] for entry in status.stdout.split("\0") if entry]  # "XY path"
    return {name if name.endswith("/") else Path(name).name for name in entries}
