"""Schemas and extensions."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema(Addressed):
    """A namespace."""

    name: str
    comment: str | None = None

    def _place(self) -> Address:
        return Address("schema", "", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension(Addressed):
    """An extension; its members are not objects of their own, and its version is not compared."""

    name: str
    schema: str
    version: str = field(default="", compare=False)

    def _place(self) -> Address:
        return Address("extension", "", self.name)
