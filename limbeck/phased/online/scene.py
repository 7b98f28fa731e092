"""The tables in use during a change, and which of them a step locks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.dataclass import dataclass
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

# Kinds whose address has the name of their table.
OF_TABLE = frozenset({"table", "column", "constraint", "trigger", "policy", "rule"})
# Operations that take SHARE UPDATE EXCLUSIVE at most, which stops neither readers nor writers.
# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
WEAK = (Comment, ValidateConstraint)


@dataclass(frozen=True, slots=True)
class Scene:
    """Both sides of a change; `created` are the objects that its steps create."""

    before: Catalog
    after: Catalog
    created: frozenset[Address]

    @classmethod
    def of(cls, steps: Sequence[Step], before: Catalog, after: Catalog) -> Scene:
        """Return the scene of these steps."""
        created = frozenset(step.address for step in steps if step.verb == "create")
        return cls(before, after, created)

    def in_use(self, table: Address) -> bool:
        """Return whether a table existed before the change, so that applications may use it."""
        return table not in self.created and self.table(table) is not None

    def table(self, address: Address) -> Table | None:
        """Return the table at an address, as it will be or as it was."""
        item = self.after.objects.get(address) or self.before.objects.get(address)
        return item if isinstance(item, Table) else None

    def plain(self, table: Address) -> bool:
        """Return whether a table is neither partitioned nor foreign."""
        item = self.table(table)
        return item is not None and item.kind == "r"

    def locks(self, step: Step) -> frozenset[Address]:
        """Return the tables in use that a step locks against writers, or against everybody."""
        if isinstance(step.operation, WEAK):
            return frozenset()
        return frozenset(table for table in self._touched(step) if self.in_use(table))

    def _touched(self, step: Step) -> Iterator[Address]:
        address = step.address
        if address.kind in OF_TABLE:
            yield Address("table", address.schema, address.name)
        if address.kind == "index":
            index = self.after.objects.get(address) or self.before.objects.get(address)
            if isinstance(index, Index):
                yield index.table
        # ADD and DROP of a foreign key lock the referenced table as well.
        for constraint in _constraints(step):
            if constraint.reference:
                yield constraint.reference.table


def _constraints(step: Step) -> tuple[Constraint, ...]:
    match step.operation:
        case AddConstraint(constraint) | DropConstraint(constraint):
            return (constraint,)
        case CreateTable(constraints=constraints):
            return constraints
    return ()
