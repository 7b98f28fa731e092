"""Constraints of tables."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The target of a foreign key; the actions are NO ACTION, CASCADE, SET NULL (a) ..."""

    table: Address
    columns: tuple[str, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    match: str = "SIMPLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint(Addressed):
    """A constraint of a table; `type` is p, u, f, c or x as in pg_constraint.

    `definition` is the text of pg_get_constraintdef(). `index` is the text of pg_get_indexdef() for
    the index of an exclusion constraint (the definitions of p and u are complete). `inherited`
    means that only a parent or the partitioned table defines it. The fields below
    `replica_identity` are parts of the definition (not compared).
    """

    schema: str
    table: str
    name: str
    type: str
    definition: str
    validated: bool = True
    inherited: bool = False
    comment: str | None = None
    index: str | None = None
    clustered: bool = False
    replica_identity: bool = False
    columns: tuple[str, ...] = field(default=(), compare=False)
    expression: str | None = field(default=None, compare=False)
    reference: Reference | None = field(default=None, compare=False)
    deferrable: bool = field(default=False, compare=False)
    deferred: bool = field(default=False, compare=False)
    enforced: bool = field(default=True, compare=False)
    no_inherit: bool = field(default=False, compare=False)
    include: tuple[str, ...] = field(default=(), compare=False)
    nulls_not_distinct: bool = field(default=False, compare=False)
    options: tuple[str, ...] = field(default=(), compare=False)

    def _place(self) -> Address:
        return Address("constraint", self.schema, self.table, self.name)
