"""Durations in the notation of Postgres' timeouts."""

from __future__ import annotations

# A number without a unit means milliseconds, as in all timeouts of Postgres.
_UNITS = {"": 1e-3, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """Return the seconds of "500ms", "2s" or "5min"."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    return float(number) * _UNITS[text.removeprefix(number).strip()]
