"""Which files git does not have as they are; asked before files are overwritten."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path


def uncommitted(paths: Collection[Path]) -> Iterator[Path]:
    """Yield the files with uncommitted changes; without git or a repository, all of them."""
    for folder in sorted({path.parent for path in paths}):
        inside = [path for path in paths if path.parent == folder]
        listed = _listed(folder, [path.name for path in inside])
        # git lists an untracked folder as a whole, with a slash at the end.
        whole = listed is None or any(name.endswith("/") for name in listed)
        yield from (path for path in inside if whole or path.name in (listed or ()))


def _listed(folder: Path, names: Collection[str]) -> set[str] | None:
    """Return the names that git status lists of these, None without git or a repository."""
    # Nothing is printed for a file that git knows and that is as it was committed.
    command = ["git", "status", "--porcelain", "-z", "--ignored", "--no-renames", "--", *names]
    try:
        result = subprocess.run(  # noqa: S603 - git, on paths
            command, cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    if result.returncode:
        return None
    entries = [entry[3:] for entry in result.stdout.split("\0") if entry]
    return {name if name.endswith("/") else Path(name).name for name in entries}
