"""The rarer kinds of objects."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Addressed):
    """An object that a catalog knows by its whole CREATE statement only.

    `kind` is operator, operator_family, operator_class, cast, text_search_parser,
    text_search_template, text_search_dictionary, text_search_configuration,
    foreign_data_wrapper, server, event_trigger, publication or conversion. `drop` is the DROP
    statement for `create` (not compared). Several statements are joined by ";" and a line feed.
    """

    kind: str
    schema: str
    name: str
    create: str
    drop: str = field(default="", compare=False)
    comment: str | None = None

    def _place(self) -> Address:
        return Address(self.kind, self.schema, self.name)
