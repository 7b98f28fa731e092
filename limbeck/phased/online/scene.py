"""Which tables were there before the change, and which of them a step locks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.operations import (
    AddConstraint,
    Comment,
    CreateTable,
    DropConstraint,
    ValidateConstraint,
)
from limbeck.schema.diff.steps import Step

# What belongs to a table by the name in its address.
OF_TABLE = frozenset({"table", "column", "constraint", "trigger", "policy", "rule"})
# Take SHARE UPDATE EXCLUSIVE at most, which stops neither readers nor writers.
# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
WEAK = (Comment, ValidateConstraint)


@dataclass(frozen=True, slots=True)
class Scene:
    """Both sides of a change; `created` is what has a statement that makes it."""

    before: Catalog
    after: Catalog
    created: frozenset[Address]

    @classmethod
    def of(cls, steps: Sequence[Step], before: Catalog, after: Catalog) -> Scene:
        """Return the scene of these steps."""
        made = frozenset(step.address for step in steps if step.verb == "create")
        return cls(before, after, made)

    def stands(self, table: Address) -> bool:
        """Tell whether a table was there before the change, and so may be in use."""
        return table not in self.created and self.table(table) is not None

    def table(self, address: Address) -> Table | None:
        """Return the table of an address, as it shall be or as it was."""
        found = self.after.objects.get(address) or self.before.objects.get(address)
        return found if isinstance(found, Table) else None

    def plain(self, table: Address) -> bool:
        """Tell whether a table is neither partitioned nor foreign."""
        found = self.table(table)
        return found is not None and found.kind == "r"

    def locks(self, step: Step) -> frozenset[Address]:
        """Return the tables in use that a step locks against writers, or against everybody."""
        if isinstance(step.operation, WEAK):
            return frozenset()
        return frozenset(table for table in self._touched(step) if self.stands(table))

    def _touched(self, step: Step) -> Iterator[Address]:
        address = step.address
        if address.kind in OF_TABLE:
            yield Address("table", address.schema, address.name)
        if address.kind == "index":
            found = self.after.objects.get(address) or self.before.objects.get(address)
            if isinstance(found, Index):
                yield found.table
        for constraint in _foreign_keys(step):
            if constraint.reference:
                yield constraint.reference.table


def _foreign_keys(step: Step) -> tuple[Constraint, ...]:
    match step.operation:
        case AddConstraint(constraint) | DropConstraint(constraint):
            return (constraint,)
        case CreateTable(constraints=constraints):
            return constraints
    return ()
