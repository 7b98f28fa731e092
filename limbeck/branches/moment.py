"""A point in a branch's past: a time or a position in its log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from limbeck.errors import ConfigurationError

# As Neon's own command line takes them.
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
        """As it is written on the command line."""
        return self.lsn or (self.time.isoformat().replace("+00:00", "Z") if self.time else "now")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a branch's content comes from: another branch, now or at a moment.

    `branch` may be `^self` or `^parent`; None is the default branch.
    """

    branch: str | None
    at: Moment | None = None


def parse(text: str) -> Moment | None:
    """The moment that a text is; None when it is none.

    Raises:
        ConfigurationError: a time without a zone, or one that is still to come.
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
        raise ConfigurationError(f"{text} has no time zone", hint=f"in UTC it is {text}Z")
    if time > datetime.now(UTC) + timedelta(minutes=1):
        raise ConfigurationError(f"{text} is still to come", hint="give a time that has been")
    return Moment(time=time.astimezone(UTC))


def parse_source(text: str) -> Source:
    """A branch, a moment of the default branch, or BRANCH@MOMENT; a name may have an @ in it."""
    alone = parse(text)
    if alone is not None:
        return Source(None, alone)
    name, at, rest = text.rpartition("@")
    moment = parse(rest) if at and name else None
    return Source(text) if moment is None else Source(name, moment)


def parse_span(text: str) -> timedelta:
    """A length of time such as 30min, 2h or 7d.

    Raises:
        ConfigurationError: it is none.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ConfigurationError(
            f"{text!r} is no length of time",
            hint="write 30min, 2h or 7d; the units are s, min, h, d",
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def rfc3339(time: datetime) -> str:
    """A time in UTC and whole seconds, which is as exact as the end of a branch can be."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
