"""Privileges."""

from __future__ import annotations

from dataclasses import dataclass

from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Addressed):
    """What one role, or PUBLIC, may do with one object; read only where a setting says so.

    `target` is a table, view, sequence, function, type, schema, server or a column. `privileges`
    are Postgres' words in alphabetical order, `grantable` those with the grant option. What the
    owner may do, and what PUBLIC may do without being told, is no Grant; no privileges at all
    say that PUBLIC has lost what it usually has.
    """

    target: Address
    grantee: str
    privileges: tuple[str, ...]
    grantable: tuple[str, ...] = ()

    def _place(self) -> Address:
        kind, schema, name, part = self.target
        words = f"{kind} {part} to" if part else f"{kind} to"
        return Address("grant", schema, name, f"{words} {self.grantee}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultGrant(Addressed):
    """What ALTER DEFAULT PRIVILEGES says of one grantee; read only where a setting says so.

    `role` is whose objects it is about, "" for those of the role that migrates; `schema` is ""
    where it holds for all; `on` is table, sequence, function, type or schema.
    """

    role: str
    schema: str
    on: str
    grantee: str
    privileges: tuple[str, ...]
    grantable: tuple[str, ...] = ()

    def _place(self) -> Address:
        by = f"by {self.role} " if self.role else ""
        return Address("default_grant", self.schema, self.on, f"{by}to {self.grantee}")
