"""What a case of the diff is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """Two schemas and what one must become the other by.

    `rows` are put into `before` and must all be there afterwards; `holds` maps a question asked
    afterwards to its answer; `says` must stand in the script, `never` must not. Where the way
    back cannot be exact for rows (a value that no longer fits), `back` is False.
    """

    name: str
    before: str
    after: str
    renames: tuple[str, ...] = ()
    rows: str = ""
    holds: tuple[tuple[str, object], ...] = ()
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    back: bool = True
