"""Enums, domains, composite and range types, collations."""

from __future__ import annotations

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum(Addressed):
    """An enumerated type; the order of its labels matters."""

    schema: str
    name: str
    labels: tuple[str, ...]
    comment: str | None = None

    def _place(self) -> Address:
        return Address("enum", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCheck:
    """A CHECK constraint of a domain; `definition` is "CHECK (...)", maybe with NOT VALID."""

    name: str
    definition: str
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain(Addressed):
    """A domain; `not_null_name` is None before Postgres 17."""

    schema: str
    name: str
    type: str
    collation: str | None = None
    default: str | None = None
    not_null: bool = False
    not_null_name: str | None = None
    checks: tuple[DomainCheck, ...] = ()
    comment: str | None = None

    def _place(self) -> Address:
        return Address("domain", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A field of a composite type."""

    name: str
    type: str
    collation: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite(Addressed):
    """A stand-alone composite type."""

    schema: str
    name: str
    attributes: tuple[Attribute, ...]
    comment: str | None = None

    def _place(self) -> Address:
        return Address("composite", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Addressed):
    """A range type; `multirange` is the qualified name of its multirange type."""

    schema: str
    name: str
    subtype: str
    subtype_opclass: str | None = None
    collation: str | None = None
    canonical: str | None = None
    subtype_diff: str | None = None
    multirange: str | None = None
    comment: str | None = None

    def _place(self) -> Address:
        return Address("range", self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collation(Addressed):
    """A collation; `provider` is libc, icu or builtin."""

    schema: str
    name: str
    provider: str
    deterministic: bool = True
    locale: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None
    rules: str | None = None
    comment: str | None = None

    def _place(self) -> Address:
        return Address("collation", self.schema, self.name)
