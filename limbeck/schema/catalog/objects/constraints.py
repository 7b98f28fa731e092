"""Constraints of tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from limbeck.schema.catalog.objects.address import Address, Addressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a foreign key points at; the actions are NO ACTION, CASCADE, SET NULL (a) ..."""

    table: Address
    columns: tuple[str, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    match: str = "SIMPLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint(Addressed):
    """A table's constraint; type is p, u, f, c or x as in pg_constraint.

    `definition` is pg_get_constraintdef's text; `index` the index behind x as
    pg_get_indexdef spells it (the definitions of p and u say all of theirs). The fields below
    `replica_identity` take the definition apart (not compared). `inherited` says that it only
    comes from a parent or partitioned table.
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
