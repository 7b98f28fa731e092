"""The state of one reading: the rows, and the objects that were built of them so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import NotNull
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import SequenceOptions
from limbeck.schema.catalog.objects.types import DomainCheck
from limbeck.schema.catalog.pipeline import Row

Key: TypeAlias = tuple[int, int, int]
"""What pg_depend and pg_description point with: catalog, oid, column."""
Place: TypeAlias = tuple[int, int]
"""A relation's oid and a column's number."""


@dataclass(slots=True)
class Reading:
    """The objects built so far, and the oids by which Postgres knows them.

    `rows` are the answers by the name of their query. `schemas` maps oids to names, `relations`
    the oids of tables and views that are read to addresses, `columns` relations (of extensions,
    too) to the names of their columns by number.
    Parts wait until their owner is built: `collations`, `defaults`, `not_nulls` and `identities`
    by (relation, number), `domain_checks` and `domain_not_nulls` by domain, `parents` by child
    as (schema, name).
    """

    server: int
    filters: Filters
    rows: dict[str, Sequence[Row]]
    comments: dict[Key, str] = field(default_factory=dict)
    schemas: dict[int, str] = field(default_factory=dict)
    relations: dict[int, Address] = field(default_factory=dict)
    columns: dict[int, dict[int, str]] = field(default_factory=dict)
    collations: dict[Place, int] = field(default_factory=dict)
    defaults: dict[Place, str] = field(default_factory=dict)
    not_nulls: dict[Place, NotNull] = field(default_factory=dict)
    identities: dict[Place, tuple[str, SequenceOptions]] = field(default_factory=dict)
    domain_checks: dict[int, list[DomainCheck]] = field(default_factory=dict)
    domain_not_nulls: dict[int, str] = field(default_factory=dict)
    parents: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    objects: dict[Address, Object] = field(default_factory=dict)
    addresses: dict[Key, Address] = field(default_factory=dict)

    def add(self, catalog: int, oid: int, item: Object) -> None:
        """Add an object under its address and its oid in one of Postgres' catalogs."""
        address = item.address
        if self.filters.within and not address.schema:
            return
        self.objects[address] = item
        self.addresses[catalog, oid, 0] = address

    def comment(self, catalog: int, oid: int, column: int = 0) -> str | None:
        """Return the comment on an object, or on one of its columns."""
        return self.comments.get((catalog, oid, column))


def options(values: Iterable[str] | None) -> tuple[str, ...]:
    """Return reloptions and the like, sorted: their order in Postgres is that of the ALTERs."""
    return tuple(sorted(values)) if values else ()


def vector(text: str | None) -> list[int]:
    """Return the numbers of an int2vector or oidvector."""
    return [*map(int, text.split())] if text else []
