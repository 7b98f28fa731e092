"""Recipe: drop a table, whose foreign keys must not stop the new application first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand.recipe import Recipe
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.operations import AddConstraint, DropConstraint, DropTable
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote

# Both take apart a definition as pg_get_constraintdef() prints it: ON DELETE follows MATCH and
# ON UPDATE, and precedes DEFERRABLE and NOT VALID.
ACTION = re.compile(r" ON DELETE (?:NO ACTION|RESTRICT)")
REFERENCE = re.compile(
    r"( REFERENCES [^(]+\([^)]*\)(?: MATCH \w+)?(?: ON UPDATE [A-Z ]+?)?)(?= |$)"
)


@dataclass(frozen=True, slots=True)
class DroppedTable(Recipe):
    """A table that is dropped.

    The new application does not know it. A DELETE in another table must not fail because a row of
    this one refers to the deleted row, so until the contract such rows are deleted, too.
    """

    table: Table

    @property
    def uses(self) -> tuple[str, ...]:
        """The table."""
        return (".".join(quote(name) for name in (self.table.schema, self.table.name)),)

    def covers(self, step: Step) -> bool:
        """Return whether a step drops the table or an object on it."""
        if isinstance(step.operation, DropTable):
            return step.operation.item.address == self.table.address
        return step.verb == "drop" and step.address[1:3] == self.table.address[1:3]

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Yield the steps that replace foreign keys by ones with ON DELETE CASCADE."""
        for key in self._restricting(before):
            yield Step(DropConstraint(key))
            yield Step(AddConstraint(_cascading(key)))

    def _restricting(self, before: Catalog) -> Iterator[Constraint]:
        """Yield the foreign keys to other tables that would refuse a DELETE there."""
        for key in before.of(Constraint):
            here = (key.schema, key.table) == self.table.address[1:3]
            reference = key.reference
            if not here or key.type != "f" or key.inherited or reference is None:
                continue
            stops = reference.on_delete in {"NO ACTION", "RESTRICT"}
            if stops and reference.table != self.table.address:
                yield key


def _cascading(key: Constraint) -> Constraint:
    text = REFERENCE.sub(r"\1 ON DELETE CASCADE", ACTION.sub("", key.definition), count=1)
    reference = key.reference
    changed = replace(reference, on_delete="CASCADE") if isinstance(reference, Reference) else None
    return replace(key, definition=text, reference=changed)
