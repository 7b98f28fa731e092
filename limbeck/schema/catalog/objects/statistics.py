"""Extended statistics."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics(Addressed):
    """Extended statistics; `target` is None where it is the default."""

    schema: str
    name: str
    definition: str
    target: int | None = None
    comment: str | None = None

    def _place(self) -> Address:
        return Address("statistics", self.schema, self.name)
