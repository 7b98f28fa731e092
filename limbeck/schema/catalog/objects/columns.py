"""Columns, and their parts."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed
from limbeck.schema.catalog.objects.sequences import SequenceOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """GENERATED ALWAYS (or BY DEFAULT) AS IDENTITY; `sequence` is a qualified name."""

    always: bool
    sequence: str
    options: SequenceOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNull:
    """A NOT NULL constraint; `name` is None before Postgres 18."""

    name: str | None
    no_inherit: bool = False
    validated: bool = True
    inherited: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Addressed):
    """A column of a table.

    `default` is its DEFAULT, or the expression if `generated` is "s" (stored) or "v" (virtual);
    Catalog.depends has the dependencies of the expression under Address("default", ...).
    `storage`, `compression` and `collation` are None where they are those of the type.
    `inherited` means that only a parent or the partitioned table defines it.
    `server_options` are those of a column of a foreign table.
    `position` counts from 1 without dropped columns (not compared).
    """

    schema: str
    table: str
    name: str
    type: str
    not_null: NotNull | None = None
    default: str | None = None
    generated: str = ""
    identity: Identity | None = None
    collation: str | None = None
    storage: str | None = None
    compression: str | None = None
    statistics: int | None = None
    options: tuple[str, ...] = ()
    server_options: tuple[str, ...] = ()
    inherited: bool = False
    comment: str | None = None
    position: int = field(default=0, compare=False)

    def _place(self) -> Address:
        return Address("column", self.schema, self.table, self.name)
