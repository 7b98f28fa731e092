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


class Addressed:
    """Something that has an address, which is made when it is first asked for and then kept."""

    __slots__ = ("_address",)
    _address: Address

    @property
    def address(self) -> Address:
        """Where it lives."""
        try:
            return self._address
        except AttributeError:
            # Frozen, it would refuse; and being no field, this is no difference.
            object.__setattr__(self, "_address", self._place())
            return self._address

    def _place(self) -> Address:
        raise NotImplementedError
