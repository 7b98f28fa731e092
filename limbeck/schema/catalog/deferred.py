"""What a catalog asks of objects that are built only when somebody looks at them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from limbeck.schema.catalog.objects.address import Address

if TYPE_CHECKING:
    from limbeck.schema.catalog.objects.object import Object

Kind = TypeVar("Kind", bound="Object")
_LARGEST = 2**256


class Deferred(Mapping[Address, "Object"]):
    """The objects of a catalog, of which most are not built yet; `parted` has the only kind."""

    @abstractmethod
    def digest(self) -> int:
        """Return the digest of all objects."""

    @abstractmethod
    def differing(self, other: Deferred) -> set[Address]:
        """Return the addresses of all objects that may differ, and perhaps of some others."""

    @abstractmethod
    def every(self, kind: type[Kind]) -> Iterable[Kind]:
        """Return the objects of one class, in no particular order."""


def digest(items: Iterable[Object]) -> int:
    """Return a hash of everything that is compared of some objects.

    It is the sum of the hashes of each, so that the order does not count, and what some tables
    have in common with other ones is not hashed again.
    """
    import hashlib  # noqa: PLC0415 - loads OpenSSL, and few commands need it

    hashes = (hashlib.sha256(_compared(item).encode()).digest() for item in items)
    return added(int.from_bytes(each, "big") for each in hashes)


def added(digests: Iterable[int]) -> int:
    """Return the digest of several sets of objects together."""
    return sum(digests) % _LARGEST


def _compared(item: Any) -> str:
    fields = item.__dataclass_fields__.values()
    values = {field.name: getattr(item, field.name) for field in fields if field.compare}
    return f"{type(item).__name__} {values!r}"
