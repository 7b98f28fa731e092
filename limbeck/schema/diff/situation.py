"""The change that a statement is part of, as far as the SQL of one statement depends on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.diff.part import Part
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Situation:
    """Both sides of a change and what is decided about them.

    Attributes:
        before: The parts of the schema that the change starts from, after all renames.
        after: The parts of the schema that it leads to.
        created: The parts that are created, or dropped and created again.
        asides: The temporary names of replaced types, until no column is of them any more.
        retyped: The columns that change their type only because a type is replaced.
        parked: The types that columns have while a type inside of their own is changed.
        using: The expressions that compute the values of a new type, by column.

    """

    before: Parts
    after: Parts
    created: frozenset[Address] = frozenset()
    asides: Mapping[Address, str] = field(default_factory=dict)
    retyped: frozenset[Address] = frozenset()
    parked: Mapping[Address, str] = field(default_factory=dict)
    using: Mapping[Address, str] = field(default_factory=dict)

    @property
    def major(self) -> int:
        """The lowest major that must accept the statements."""
        return min(self.before.catalog.lowest_major, self.after.catalog.lowest_major)

    def stays(self, address: Address) -> bool:
        """Return whether a part exists on both sides and is not re-created."""
        return address in self.before and address not in self.created

    def original(self, column: Column) -> Column:
        """Return a column as it was before, with its default, NOT NULL and identity."""
        item = self.before.catalog.objects.get(column.address)
        return item if isinstance(item, Column) else column

    def chooses(self, column: Column) -> bool:
        """Return whether Postgres would choose the name that a column's NOT NULL has.

        It chooses none that another constraint of the schema has: ChooseConstraintName() in
        src/backend/catalog/pg_constraint.c.
        """
        required = column.not_null
        if required is None or required.name is None:
            return True
        usual = chosen_name(column.table, column.name, "not_null")
        return required.name == usual and self._free(column.schema, usual, column.table)

    def chooses_for(self, domain: Domain) -> bool:
        """Return whether Postgres would choose the name that a domain's NOT NULL has."""
        usual = chosen_name(domain.name, "", "not_null")
        if domain.not_null_name != usual or domain.address in self.asides:
            return False
        return self._free(domain.schema, usual, domain.name)

    def _free(self, schema: str, name: str, owner: str) -> bool:
        """Return whether no other table or domain has a constraint of this name."""
        return self.before.named[schema, name] | self.after.named[schema, name] <= {owner}


@dataclass(frozen=True, slots=True)
class Alteration:
    """The steps that change a part in place; with `hard`, its users are dropped meanwhile."""

    steps: tuple[Step, ...] = ()
    hard: bool = False


Members: TypeAlias = Sequence[Part]
"""The parts that are folded into the statement of another one."""
