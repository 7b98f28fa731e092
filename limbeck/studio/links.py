"""Where a link of a page leads: to an address of the server, or to a place of the same file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

from limbeck.dataclass import dataclass


class Links(Protocol):
    """What finds the target of a link by the kind of a page and what it is about."""

    def to(self, kind: str, **about: object) -> str | None:
        """Return the target, or None where there is no such page."""


class Addresses:
    """The links of the server; names stand in the query, where any character may be one."""

    def to(self, kind: str, **about: object) -> str:
        """Return the address of a page."""
        query = urlencode({key: value for key, value in about.items() if value != ""})
        return f"/{kind}?{query}" if query else f"/{kind}"


@dataclass(frozen=True, slots=True)
class Anchors:
    """The links of a report: `ids` of its sections, by the address that they have on the server."""

    ids: Mapping[str, str]

    def to(self, kind: str, **about: object) -> str | None:
        """Return the section, or None where the report has none."""
        id_ = self.ids.get(Addresses().to(kind, **about))
        return f"#{id_}" if id_ else None
