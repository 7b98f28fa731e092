"""The parts that a catalog is compared by: its objects, and what can change without its object.

A default, a NOT NULL, an identity, a partition's attachment, an inheritance, the owner of a
sequence and the CHECK of a domain are parts of their own: each of them can be created, dropped and
depended on while its column, table, sequence or domain stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, Identity, NotNull
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Trigger
from limbeck.schema.catalog.objects.types import Domain, DomainCheck


@dataclass(frozen=True, slots=True)
class Default:
    """The DEFAULT of a column of a table; a generation expression belongs to its column."""

    column: Column = field(compare=False)
    expression: str


@dataclass(frozen=True, slots=True)
class Required:
    """The NOT NULL of a column."""

    column: Column = field(compare=False)
    constraint: NotNull


@dataclass(frozen=True, slots=True)
class Generator:
    """The identity of a column."""

    column: Column = field(compare=False)
    identity: Identity


@dataclass(frozen=True, slots=True)
class Attachment:
    """The attachment of a partition to its partitioned table."""

    table: Table = field(compare=False)
    parent: Address
    bound: str


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The inheritance of a table from one of its parents."""

    table: Table = field(compare=False)
    parent: Address


@dataclass(frozen=True, slots=True)
class Ownership:
    """The column that a sequence belongs to."""

    sequence: Sequence = field(compare=False)
    column: Address


@dataclass(frozen=True, slots=True)
class DomainRule:
    """A CHECK of a domain."""

    domain: Domain = field(compare=False)
    check: DomainCheck


Part: TypeAlias = (
    Object | Default | Required | Generator | Attachment | Inheritance | Ownership | DomainRule
)


def sub(address: Address, kind: str) -> Address:
    """Return the address of a part of a column, table or sequence: its default, its owner ..."""
    return address._replace(kind=kind)


def owner(address: Address) -> Address:
    """Return the address of the table of a column, a constraint, a default ..."""
    return Address("table", address.schema, address.name)


def derived(part: Part) -> bool:
    """Return whether a part only exists because a parent table has it."""
    if isinstance(part, Required):
        return part.constraint.inherited
    if isinstance(part, Index):
        return part.parent is not None
    return isinstance(part, Column | Constraint | Trigger) and part.inherited


def split(item: Object) -> Iterator[tuple[Address, Part]]:
    """Yield the parts of an object, the object itself without them first."""
    if isinstance(item, Column):
        yield from _split_column(item)
    elif isinstance(item, Table):
        yield from _split_table(item)
    elif isinstance(item, Domain):
        yield item.address, replace(item, checks=())
        for check in item.checks:
            at = Address("domain_check", item.schema, item.name, check.name)
            yield at, DomainRule(item, check)
    elif isinstance(item, Sequence) and item.owned_by:
        yield item.address, replace(item, owned_by=None)
        yield sub(item.address, "ownership"), Ownership(item, item.owned_by)
    else:
        yield item.address, item


def _split_column(item: Column) -> Iterator[tuple[Address, Part]]:
    expression = item.default if item.generated else None
    bare = replace(item, not_null=None, default=expression, identity=None)
    yield item.address, bare
    if item.default is not None and not item.generated:
        yield sub(item.address, "default"), Default(bare, item.default)
    if item.not_null is not None:
        yield sub(item.address, "not_null"), Required(bare, item.not_null)
    if item.identity is not None:
        yield sub(item.address, "identity"), Generator(bare, item.identity)


def _split_table(item: Table) -> Iterator[tuple[Address, Part]]:
    yield item.address, replace(item, partition_of=None, partition_bound=None, inherits=())
    if item.partition_of is not None:
        at = sub(item.address, "attachment")
        yield at, Attachment(item, item.partition_of, item.partition_bound or "")
    for parent in item.inherits:
        # A table can have several parents, so the parent is part of the address.
        at = Address("inheritance", item.schema, item.name, of(parent))
        yield at, Inheritance(item, parent)
