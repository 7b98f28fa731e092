"""Privileges."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Addressed):
    """The privileges of one role, or PUBLIC, on one object; read only if `Filters.grants` is set.

    `target` is a table, view, sequence, function, type, schema, server or column. `privileges`
    are Postgres' words in alphabetical order, `grantable` those with the grant option. The
    privileges of the owner and the built-in ones of PUBLIC are no Grant. Empty privileges of
    PUBLIC mean that its built-in ones were revoked.
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
    """ALTER DEFAULT PRIVILEGES for one grantee; read only if `Filters.grants` is set.

    `role` is the creator of the objects, "" for the role that migrates. `schema` is "" where it
    applies to all schemas. `on` is table, sequence, function, type, schema or large object.
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
