"""List the revision files of folders with what tells whether one has changed; for `History`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from limbeck.version import __version__

# Like Alembic, without editors' lock files (.#name) and the package marker.
REVISION_FILE: Final = re.compile(r"(?!\.#|__init__).*\.py$")
_TICK: Final = 2_000_000_000
"""Nanoseconds within which a file system may give two writes the same time; FAT has the longest."""


class File(NamedTuple):
    """A revision file, and what tells whether it has changed."""

    path: str
    modified: int
    changed: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> File:
        """Return a file in the state that the file system reports."""
        times = (status.st_mtime_ns, status.st_ctime_ns)
        return cls(path, *times, status.st_size, status.st_ino)

    def is_settled(self) -> bool:
        """Return whether its next write will get another time: clocks of file systems tick."""
        return time.time_ns() - max(self.modified, self.changed) > _TICK


class Listing(NamedTuple):
    """The revision files, and whether all of them were settled when they were listed."""

    files: tuple[File, ...]
    settled: bool

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Listing:
        """Return the files of folders, in each by their names."""
        files = tuple(file for folder in folders for file in _files(folder))
        return cls(files, all(file.is_settled() for file in files))

    def hash(self) -> str | None:
        """Return a hash of the state of all files, or None where their next write may not show."""
        return _hash(self.files) if self.settled else None


def _hash(files: Sequence[File]) -> str:
    return hashlib.sha256(json.dumps([__version__, files]).encode()).hexdigest()


def _files(folder: Path) -> Iterator[File]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if REVISION_FILE.fullmatch(entry.name):
                yield File.of(entry.path, entry.stat())
