"""Read files of KEY=value lines, with python-dotenv's parser and without its interpolation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError

_KEY: Final = re.compile(r"[A-Za-z_][\w.-]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a file; the value is None if there is no `=`."""

    key: str
    value: str | None
    line: int


def read(path: Path) -> dict[str, str]:
    """Return the keys with a value.

    Raises:
        ConfigurationError: a line is not KEY=value.

    """
    return {entry.key: entry.value for entry in entries(path) if entry.value}


def entries(path: Path) -> tuple[Entry, ...]:
    """Return every entry of a file; a missing file has none.

    Raises:
        ConfigurationError: a line is not KEY=value. It names the file and the line, and repeats
            nothing of it: a line that was broken may be a part of a password.

    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    except OSError:
        return _read(path, 0, 0)  # raises the error that says why it cannot be read
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1024)
def _read(path: Path, modified: int, size: int) -> tuple[Entry, ...]:  # noqa: ARG001 - the cache's key
    """Return the entries of a file, from memory while its time and size are the same."""
    bindings = tuple(_bindings(path))
    for entry, faulty in bindings:
        if faulty or (entry.key and (entry.value is None or not _KEY.fullmatch(entry.key))):
            raise ConfigurationError(
                f"{shown(path)} line {entry.line} is not KEY=value",
                hint="Quote a value with spaces or #, or begin a comment with #.",
            )
    return tuple(entry for entry, _ in bindings if entry.key)


def shown(path: Path) -> str:
    """Return how messages name a file: `.env`, or a profile with its folder."""
    return path.name if path.name == ".env" else f"{path.parent.name}/{path.name}"


def _bindings(path: Path) -> Iterator[tuple[Entry, bool]]:
    from dotenv.parser import parse_stream  # noqa: PLC0415 - only when a file is read

    try:
        # utf-8-sig: editors on Windows begin a file with a byte order mark
        with path.open(encoding="utf-8-sig") as stream:
            for binding in parse_stream(stream):
                text = binding.original.string
                line = binding.original.line + len(text) - len(text.lstrip("\n"))
                yield Entry(binding.key or "", binding.value, line), binding.error
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"{path} cannot be read: {reason}") from error
