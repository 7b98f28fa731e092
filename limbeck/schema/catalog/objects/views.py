"""Views and materialized views."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewColumn:
    """A column of a view, with the properties that the query does not determine."""

    name: str
    type: str
    default: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Addressed):
    """A view or materialized view; `definition` is the query without a final semicolon."""

    schema: str
    name: str
    definition: str
    materialized: bool = False
    options: tuple[str, ...] = ()
    columns: tuple[ViewColumn, ...] = ()
    populated: bool = True
    access_method: str | None = None
    comment: str | None = None

    def _place(self) -> Address:
        return Address("view", self.schema, self.name)
