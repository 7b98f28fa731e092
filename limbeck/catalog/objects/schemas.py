"""Schemas and extensions."""

from __future__ import annotations

from dataclasses import dataclass, field

from limbeck.catalog.objects.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A namespace."""

    name: str
    comment: str | None = None

    @property
    def address(self) -> Address:
        return Address("schema", "", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension; its members are nobody's objects. The version is not compared."""

    name: str
    schema: str
    version: str = field(default="", compare=False)

    @property
    def address(self) -> Address:
        return Address("extension", "", self.name)
