"""Points in the past of a branch, a time or an LSN, and durations, as users write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError

# The notation of Neon's command line.
_LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?")
_SPAN = re.compile(r"(\d+)\s*(s|min|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Moment:
    """Either an LSN, such as `0/1E88838`, or a time in UTC."""

    lsn: str | None = None
    time: datetime | None = None

    def __str__(self) -> str:
        """Return the notation of the command line."""
        return self.lsn or (self.time.isoformat().replace("+00:00", "Z") if self.time else "now")


class Source(NamedTuple):
    """The source of a branch's content: another branch, now or at a moment.

    `branch` may be `^self` or `^parent`; None is the default branch.
    """

    branch: str | None
    at: Moment | None = None


def parse(text: str) -> Moment | None:
    """Return the moment that a text names, None if it names none.

    Raises:
        ConfigurationError: it is a time without a zone, or in the future.

    """
    if _LSN.fullmatch(text):
        return Moment(lsn=text.upper())
    if not _TIME.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is None:
        raise ConfigurationError(f"{text} has no time zone", hint=f"For UTC, write {text}Z.")
    if time > datetime.now(UTC) + timedelta(minutes=1):
        raise ConfigurationError(f"{text} is in the future", hint="Give a time in the past.")
    return Moment(time=time.astimezone(UTC))


def parse_source(text: str) -> Source:
    """Return the source for BRANCH, BRANCH@MOMENT, or a moment alone, of the default branch.

    A branch's name may have an @ in it.
    """
    alone = parse(text)
    if alone is not None:
        return Source(None, alone)
    name, at, rest = text.rpartition("@")
    moment = parse(rest) if at and name else None
    return Source(text) if moment is None else Source(name, moment)


def parse_span(text: str) -> timedelta:
    """Return a duration such as 30min, 2h or 7d.

    Raises:
        ConfigurationError: it is no duration, or zero.

    """
    match = _SPAN.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise ConfigurationError(
            f"{text!r} is no duration", hint="Write 30min, 2h or 7d; the units are s, min, h, d."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def rfc3339(time: datetime) -> str:
    """Return a time in UTC and whole seconds, the precision of a branch's expiration."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
