"""Paths in messages, and the files of limbeck's caches."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def shown(path: Path) -> str:
    """Return a path relative to the working folder if it lies below it, else absolute."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def write_whole(path: Path, *content: bytes | memoryview) -> None:
    """Write a file of a cache as a whole or not at all; an error is ignored.

    Another command may read the file at the same time, so it is renamed into place. A folder that
    cannot be written to only costs the time that the cache would have saved.
    """
    unfinished = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.writelines(content)
        unfinished.replace(path)
