"""Read files of KEY=value lines, with python-dotenv's parser and without its interpolation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a file; the value is None if there is no `=`."""

    key: str
    value: str | None
    line: int


def read(path: Path) -> dict[str, str]:
    """Return the keys with a value; invalid lines are skipped: other tools may own the file."""
    return {entry.key: entry.value for entry, _ in _bindings(path) if entry.value}


def read_strictly(path: Path) -> tuple[Entry, ...]:
    """Return every entry of a file that is limbeck's own.

    Raises:
        ConfigurationError: a line is not KEY=value; names the file and the line.

    """
    entries = []
    for entry, faulty in _bindings(path):
        if faulty or (entry.key and entry.value is None):
            raise ConfigurationError(
                f"{path.parent.name}/{path.name} line {entry.line} is not KEY=value",
                hint="Quote a value with spaces or #.",
            )
        if entry.key:
            entries.append(entry)
    return tuple(entries)


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
