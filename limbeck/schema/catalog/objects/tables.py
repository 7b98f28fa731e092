"""Tables."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Addressed):
    """A table: `kind` is "r" (plain), "p" (partitioned) or "f" (foreign).

    `columns` has the names of the columns in order (not compared). `replica_identity` is d, n, f
    or i; for i the index or constraint has a mark of its own.
    """

    schema: str
    name: str
    kind: str = "r"
    unlogged: bool = False
    options: tuple[str, ...] = ()
    partition_key: str | None = None
    partition_of: Address | None = None
    partition_bound: str | None = None
    inherits: tuple[Address, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: str = "d"
    access_method: str | None = None
    of_type: str | None = None
    server: str | None = None
    server_options: tuple[str, ...] = ()
    columns: tuple[str, ...] = field(default=(), compare=False)
    comment: str | None = None

    def _place(self) -> Address:
        return Address("table", self.schema, self.name)
