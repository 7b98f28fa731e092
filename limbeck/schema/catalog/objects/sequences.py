"""Sequences."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceOptions:
    """The options of a sequence, as in pg_sequence; `type` is smallint, integer or bigint."""

    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Addressed):
    """A sequence that belongs to no identity column; `owned_by` is the address of a column."""

    schema: str
    name: str
    options: SequenceOptions
    owned_by: Address | None = None
    unlogged: bool = False
    comment: str | None = None

    def _place(self) -> Address:
        return Address("sequence", self.schema, self.name)
