"""Renames: what is the same object under another name."""

from __future__ import annotations

from dataclasses import dataclass

from limbeck.catalog.objects import Address


@dataclass(frozen=True, slots=True)
class Rename:
    """That what lives at one address before is what lives at another one after.

    The label of an enum is the part of the enum's address. `kind` is the kind of the addresses.
    """

    kind: str
    before: Address
    after: Address
