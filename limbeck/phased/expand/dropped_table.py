"""Drop a table: first nobody has to mind it any more, then it goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import quote
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff.operations import AddConstraint, DropConstraint, DropTable
from limbeck.schema.diff.steps import Step

ACTION = re.compile(r" ON DELETE (?:NO ACTION|RESTRICT)")
REFERENCE = re.compile(
    r"( REFERENCES [^(]+\([^)]*\)(?: MATCH \w+)?(?: ON UPDATE [A-Z ]+?)?)(?= |$)"
)


@dataclass(frozen=True, slots=True)
class DroppedTable:
    """A table that goes.

    The new application does not know of it. What it deletes in other tables must not fail because
    a row here refers to it: until the end such rows go along.
    """

    table: Table

    @property
    def uses(self) -> tuple[str, ...]:
        """The table."""
        return (".".join(quote(name) for name in (self.table.schema, self.table.name)),)

    def covers(self, step: Step) -> bool:
        """Tell whether a step drops the table, or what is on it."""
        if isinstance(step.operation, DropTable):
            return step.operation.table.address == self.table.address
        return step.verb == "drop" and step.address[1:3] == self.table.address[1:3]

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse nothing."""
        del before
        return ()

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Let no row be in the way of what it refers to."""
        for one in self._obstacles(before):
            yield Step(DropConstraint(one))
            yield Step(AddConstraint(_cascading(one)))

    def _obstacles(self, before: Catalog) -> Iterator[Constraint]:
        for one in before.of(Constraint):
            here = (one.schema, one.table) == self.table.address[1:3]
            reference = one.reference
            if not here or one.type != "f" or one.inherited or reference is None:
                continue
            stops = reference.on_delete in {"NO ACTION", "RESTRICT"}
            if stops and reference.table != self.table.address:
                yield one

    def backfill(self) -> Sequence[Backfill]:
        """Fill in nothing."""
        return ()

    def contract(self, middle: Catalog, after: Catalog) -> Sequence[Step]:
        """Leave it to the plain change."""
        del middle, after
        return ()

    def rollback(self, middle: Catalog, after: Catalog) -> Sequence[Step]:
        """Leave it to the plain change: the table is there again, its rows are not."""
        del middle, after
        return ()


def _cascading(one: Constraint) -> Constraint:
    text = REFERENCE.sub(r"\1 ON DELETE CASCADE", ACTION.sub("", one.definition), count=1)
    reference = one.reference
    changed = replace(reference, on_delete="CASCADE") if isinstance(reference, Reference) else None
    return replace(one, definition=text, reference=changed)
