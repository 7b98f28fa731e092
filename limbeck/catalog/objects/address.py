"""The place of an object."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """Where an object lives: ("column", "public", "books", "title").

    `schema` is "" for what lives in none; the `name` of a function holds its identity arguments:
    "f(integer, text)"; `part` names what belongs to `name`: a column, a constraint, a trigger.
    """

    kind: str
    schema: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        names = (self.schema, self.name, self.part)
        return f"{self.kind} {'.'.join(name for name in names if name)}"
