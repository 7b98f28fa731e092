"""Indexes."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of an index: a column, or an expression (then `column` is None).

    `opclass` (with parameters) and `collation` are None where they are the defaults.
    """

    column: str | None
    expression: str | None
    opclass: str | None = None
    collation: str | None = None
    descending: bool = False
    nulls_first: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is a column in the default order, and nothing else."""
        own = self.opclass or self.collation or self.descending or self.nulls_first
        return self.column is not None and not own


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Addressed):
    """An index that no constraint owns; `definition` is the text of pg_get_indexdef().

    `parent` is the partitioned index that it is attached to. `statistics` has the (number of the
    key, target) pairs of ALTER INDEX ... SET STATISTICS. The fields below it are parts of the
    definition (not compared).
    """

    schema: str
    name: str
    table: Address
    definition: str
    valid: bool = True
    clustered: bool = False
    replica_identity: bool = False
    parent: Address | None = None
    comment: str | None = None
    statistics: tuple[tuple[int, int], ...] = ()
    unique: bool = field(default=False, compare=False)
    method: str = field(default="btree", compare=False)
    keys: tuple[Key, ...] = field(default=(), compare=False)
    include: tuple[str, ...] = field(default=(), compare=False)
    where: str | None = field(default=None, compare=False)
    options: tuple[str, ...] = field(default=(), compare=False)
    nulls_not_distinct: bool = field(default=False, compare=False)

    def _place(self) -> Address:
        return Address("index", self.schema, self.name)
