"""The address of an object within a database."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """The kind, schema and name of an object: ("column", "public", "books", "title").

    `schema` is "" for objects that are in none. The `name` of a function includes its identity
    arguments: "f(integer, text)". `part` is the name of a column, constraint or trigger of `name`.
    """

    kind: str
    schema: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        names = (self.schema, self.name, self.part)
        return f"{self.kind} {'.'.join(name for name in names if name)}"


class Addressed:
    """An object with an address, which is computed at its first use and then kept."""

    __slots__ = ("_address",)
    _address: Address

    @property
    def address(self) -> Address:
        """The address of this object."""
        try:
            return self._address
        except AttributeError:
            # Frozen, it would refuse; and being no field, this is no difference.
            object.__setattr__(self, "_address", self._place())
            return self._address

    def _place(self) -> Address:
        raise NotImplementedError
