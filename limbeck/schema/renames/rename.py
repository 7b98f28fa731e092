"""The one noun: a rename."""

from __future__ import annotations

from dataclasses import dataclass

from limbeck.schema.catalog.names import quote
from limbeck.schema.catalog.objects.address import Address


@dataclass(frozen=True, slots=True)
class Rename:
    """That what lives at one address before is what lives at another one after.

    `before` is the address at the moment of this rename: the renames of its schema and table,
    which come first, are already in it. A label of an enum is the part of the enum's address.
    """

    kind: str
    before: Address
    after: Address

    def __str__(self) -> str:
        """Return the answer to --rename, such as public.users:public.users2."""
        return f"{_name(self.before)}:{_name(self.after)}"


def _name(address: Address) -> str:
    names = (address.schema, address.name, address.part)
    return ".".join(name if name.isidentifier() else quote(name) for name in names if name)
