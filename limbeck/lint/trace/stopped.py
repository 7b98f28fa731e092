"""Why the rest of a revision could not be traced, and the line at which its Python stopped."""

from __future__ import annotations

import traceback
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.history.revisions import Revision


@dataclass(frozen=True, slots=True)
class Stopped:
    """The reason in words, and the line of the revision's file; 0 where no line of it ran."""

    reason: str
    line: int = 0


def stopped(revision: Revision, error: Exception) -> Stopped:
    """Return where and why the Python of a revision stopped."""
    return Stopped(f"its Python fails on the shadow: {described(error)}", _line(revision, error))


def described(error: Exception) -> str:
    """Return an exception in one line, with its kind unless the text begins with it."""
    from limbeck.engine.remote import RevisionRaisedError  # noqa: PLC0415 - only where one failed
    from limbeck.errors import LimbeckError  # noqa: PLC0415 - as above

    text = " ".join(str(error).split())
    if isinstance(error, RevisionRaisedError | LimbeckError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _line(revision: Revision, error: Exception) -> int:
    where = getattr(error, "where", None)  # of a worker's error, as file:line
    if isinstance(where, str):
        number = where.rpartition(":")[2]
        return int(number) if number.isdigit() else 0
    frames = traceback.extract_tb(error.__traceback__)
    lines = [each.lineno for each in frames if Path(each.filename) == revision.path]
    return lines[-1] or 0 if lines else 0
