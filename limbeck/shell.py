"""Commands to type next, in hints: names in them come from databases and files."""

from __future__ import annotations

import re
import shlex
from typing import Final

# Words that stand for what the user has to write, such as NAME or ^self@TIME.
_PLACEHOLDER: Final = re.compile(r"[A-Z]+(?::[A-Z]+)?|\^self@TIME")


def command(*words: object) -> str:
    """Return a command line for a POSIX shell, each word quoted where the shell needs it."""
    return " ".join(map(_quoted, map(str, words)))


def _quoted(word: str) -> str:
    return word if _PLACEHOLDER.fullmatch(word) else shlex.quote(word)
