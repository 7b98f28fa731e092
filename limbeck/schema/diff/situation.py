"""What a statement has to know of the change it is part of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.diff import sql
from limbeck.schema.diff.part import Part
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Situation:
    """Both sides; what gets created anew; the names of types that were renamed out of the way."""

    before: Parts
    after: Parts
    created: frozenset[Address] = frozenset()
    asides: Mapping[Address, str] = field(default_factory=dict)
    retyped: frozenset[Address] = frozenset()

    def kept(self, address: Address) -> bool:
        """Tell whether what lives at an address was there and stays."""
        return address in self.before and address not in self.created

    def original(self, column: Column) -> Column:
        """Return a column as it was, with all that belongs to it."""
        found = self.before.catalog.objects.get(column.address)
        return found if isinstance(found, Column) else column

    def chooses(self, column: Column) -> bool:
        """Tell whether Postgres itself would give the column's NOT NULL the name it has.

        It takes no name that another constraint of the schema has, as ChooseConstraintName().
        """
        required = column.not_null
        if required is None or required.name is None:
            return True
        usual = sql.chosen_name(column.table, column.name, "not_null")
        return required.name == usual and self._free(column.schema, usual, column.table)

    def chooses_for(self, domain: Domain) -> bool:
        """Tell whether Postgres itself would give a domain's NOT NULL the name it has."""
        usual = sql.chosen_name(domain.name, "", "not_null")
        if domain.not_null_name != usual or domain.address in self.asides:
            return False
        return self._free(domain.schema, usual, domain.name)

    def _free(self, schema: str, name: str, owner: str) -> bool:
        """Tell whether no other table or domain has a constraint of that name."""
        return self.before.named[schema, name] | self.after.named[schema, name] <= {owner}


@dataclass(frozen=True, slots=True)
class Alteration:
    """How to change a part in place; `hard` says that what uses it has to give way meanwhile."""

    steps: tuple[Step, ...] = ()
    hard: bool = False


Members: TypeAlias = Sequence[Part]
"""The parts that are folded into the statement of another one."""
