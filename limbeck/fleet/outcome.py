"""Where a database of a fleet is, and what a run has done there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError, LockNotAcquiredError, UnavailableError
from limbeck.masking.mask import masked
from limbeck.visible import visible

if TYPE_CHECKING:
    from limbeck.engine.starting import Start

State: TypeAlias = Literal["read", "head", "done", "waiting", "failed", "unreachable", "left"]
"""What became of a database: "read" only has its start, "head" needed nothing, "done" was changed,
"waiting" has a contract on hold, "left" was not begun because the run stopped."""

FAILED: tuple[State, ...] = ("failed", "unreachable")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one database of a fleet.

    Args:
        member: Its name in the fleet.
        destination: Its address, without the password.
        state: What became of it.
        start: Where it stood before; None where it could not be read.
        after: The rows of its version table then.
        applied: The revisions that were run.
        seconds: How long it took.
        reason: Why it failed, in words that are the same for all that failed for this reason.
        message: The whole message.
        hint: What to do about it.
        contents: A hash of its catalog, if that was asked for.

    """

    member: str
    destination: str = ""
    state: State = "read"
    start: Start | None = None
    after: tuple[str, ...] | None = None
    applied: tuple[str, ...] = ()
    seconds: float = 0.0
    reason: str | None = None
    message: str | None = None
    hint: str | None = None
    contents: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure."""
        return self.state in FAILED

    @property
    def current(self) -> tuple[str, ...] | None:
        """The revisions that it is at, as far as they are known."""
        if self.after is not None:
            return self.after
        return self.start.recorded if self.start else None


def failure(member: str, destination: str, error: Exception, secret: str = "") -> Outcome:
    """Return the outcome of a database where something was raised.

    Args:
        member: Its name in the fleet.
        destination: Its address.
        error: What was raised; its message may have a password in it.
        secret: The password of the database.

    """
    text = error.message if isinstance(error, LimbeckError) else f"{type(error).__name__}: {error}"
    message = visible(masked(text, *filter(None, [secret])))
    return Outcome(
        member,
        destination,
        "unreachable" if isinstance(error, UnavailableError) else "failed",
        reason=_reason(message, member, destination, error),
        message=message,
        hint=error.hint if isinstance(error, LimbeckError) else None,
    )


# What differs between databases that fail for the same reason.
_OWN = re.compile(r"\b(?:pid \d+|\d+(?:\.\d+)? ?m?s\b|[0-9a-f]{8}-[0-9a-f-]{27})")
_REQUEST = re.compile(r" \((?:GET|POST|PATCH|DELETE) \S+: [^()]*\)$")
"""A request to Neon, and its number."""


def _reason(message: str, member: str, destination: str, error: Exception) -> str:
    """Return the line of a message that says why, without the names of the database."""
    if isinstance(error, LockNotAcquiredError):
        return "another migrator is running"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reported = next((line for line in lines if line.startswith("Postgres: ")), None)
    words = (reported or (lines[0] if lines else "no message")).removeprefix("Postgres: ")
    dbname = destination.rpartition("/")[2]
    names = sorted({destination, dbname, member}, key=len, reverse=True)
    for name in filter(None, names):
        words = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", "DATABASE", words)
    return _OWN.sub("...", _REQUEST.sub("", words))
