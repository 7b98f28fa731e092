"""Triggers, policies and rules."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(Addressed):
    """A trigger of a table or view; `enabled` is O, D, R or A, as in pg_trigger."""

    schema: str
    table: str
    name: str
    definition: str
    enabled: str = "O"
    inherited: bool = False
    comment: str | None = None

    def _place(self) -> Address:
        return Address("trigger", self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Addressed):
    """A row-level security policy; `command` is ALL, SELECT, INSERT, UPDATE or DELETE."""

    schema: str
    table: str
    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None = None
    check: str | None = None
    comment: str | None = None

    def _place(self) -> Address:
        return Address("policy", self.schema, self.table, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Addressed):
    """A rewrite rule, except for those that define views."""

    schema: str
    table: str
    name: str
    definition: str
    enabled: str = "O"
    comment: str | None = None

    def _place(self) -> Address:
        return Address("rule", self.schema, self.table, self.name)
