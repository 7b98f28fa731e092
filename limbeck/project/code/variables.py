"""Find the environment variables whose absence makes an import fail."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

# pydantic-settings: a line with the name of each field, and below it what is wrong with it.
FIELD: Final = re.compile(r"^(\w+)\n\s+Field required", re.MULTILINE)
# decouple, environs, django-environ, starlette, and what people raise themselves.
NAMED: Final = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
ABSENT: Final = re.compile(
    r"not set|unset|not found|missing|required|environment|undefined|envvar", re.IGNORECASE
)
# A line that reads a variable which may be missing: os.getenv("X"), os.environ.get("X").
READ: Final = re.compile(r"(?:getenv|environ(?:\.get)?)\W{1,3}(\w+)[\"']")
NONE: Final = re.compile(r"\bNone(?:Type)?\b")


def missing(
    text: str, files: Iterable[str] = (), environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Return the variables that an error of an import asks for, in their order.

    Args:
        text: the message of the error.
        files: the project's files that it passed through; where something is None, the variables
            that these read and that are not set.
        environment: the variables that are set.

    """
    names = FIELD.findall(text)
    if not names and ABSENT.search(text):
        names = NAMED.findall(text)
    if not names and NONE.search(text):
        names = [name for file in files for name in READ.findall(_text(file))]
        names = [name for name in names if name not in environment]
    return tuple(dict.fromkeys(names))


def hint(names: Iterable[str]) -> str:
    """Return how to set variables."""
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    return f'Set {listed}, or name a file that does: env-file = ".env" in [tool.limbeck].'


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
