"""Nouns that agree with their number, for messages and reports."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: "1 table", "2,000 tables", "no tables"."""
    return f"{number:,} {nouns(number, noun, plural)}" if number else f"no {nouns(0, noun, plural)}"


def nouns(number: int, noun: str, plural: str | None = None) -> str:
    """Return a noun in the singular or the plural, without the number."""
    return noun if number == 1 else plural or f"{noun}s"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Return the first names with commas between them, and how many more there are."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])
