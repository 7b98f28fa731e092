"""A rename of one object, column or enum label."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.quoting import quote


@dataclass(frozen=True, slots=True)
class Rename:
    """An object that stays, under another address.

    `before` is its address when this rename runs: renames of its schema and table come first, and
    are already in it. A label of an enum is the part of the enum's address.
    """

    kind: str
    before: Address
    after: Address

    def __str__(self) -> str:
        """Return the rename as --rename takes it, such as public.users:public.people."""
        return f"{_name(self.before)}:{_name(self.after)}"


def _name(address: Address) -> str:
    names = (address.schema, address.name, address.part)
    return ".".join(name if name.isidentifier() else quote(name) for name in names if name)
