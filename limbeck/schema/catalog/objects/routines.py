"""Functions, procedures and aggregates."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Addressed):
    """A function, procedure, window function or aggregate: `kind` is f, p, w or a.

    `definition` is the whole CREATE statement, `identity` the name with identity arguments.
    `name`, `arguments`, `result` and `language` are parts of them (not compared).
    """

    schema: str
    identity: str
    kind: str
    definition: str
    comment: str | None = None
    name: str = field(default="", compare=False)
    arguments: str = field(default="", compare=False)
    result: str | None = field(default=None, compare=False)
    language: str = field(default="", compare=False)

    def _place(self) -> Address:
        return Address("function", self.schema, self.identity)
