"""Recipe: drop a column, which rows of the new application must be able to omit first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand import copies
from limbeck.phased.expand.recipe import Recipe
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff.casts import base
from limbeck.schema.diff.column_operations import AlterNotNull, DropColumn
from limbeck.schema.diff.operations import DropConstraint, DropIndex
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import quote

# The default of a required column until it is dropped, so that the old application reads a value
# of the type in rows of the new one.
NOTHING = {
    "smallint": "0",
    "integer": "0",
    "bigint": "0",
    "numeric": "0",
    "real": "0",
    "double precision": "0",
    "boolean": "false",
    "text": "''",
    "character varying": "''",
    "character": "''",
    "bytea": "''",
    "json": "'{}'",
    "jsonb": "'{}'",
    "date": "CURRENT_DATE",
    "timestamp without time zone": "LOCALTIMESTAMP",
    "timestamp with time zone": "CURRENT_TIMESTAMP",
    "interval": "'0'",
}


@dataclass(frozen=True, slots=True)
class DroppedColumn(Recipe):
    """A column that is dropped.

    Until the contract the old application reads and writes it, and the new one inserts rows
    without it. A required column therefore gets a neutral default (0, an empty text, now), or
    becomes nullable if its type or its constraints permit no such default.
    """

    column: Column

    @property
    def uses(self) -> tuple[str, ...]:
        """The column."""
        names = (self.column.schema, self.column.table, self.column.name)
        return (".".join(map(quote, names)),)

    def covers(self, step: Step) -> bool:
        """Return whether a step drops the column or an object on it."""
        place = (self.column.schema, self.column.table)
        match step.operation:
            case DropColumn(column):
                return column.address == self.column.address
            case DropConstraint(dropped):
                there = (dropped.schema, dropped.table) == place
                return there and self.column.name in dropped.columns
            case DropIndex(index):
                keys = {key.column for key in index.keys}
                return index.table[1:3] == place and self.column.name in keys
        return False

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Yield the step that lets an INSERT omit the column."""
        column = self.column
        filled = column.default is not None or column.identity is not None
        if column.not_null is None or filled or self._key(before):
            return
        nothing = NOTHING.get(base(column.type))
        if nothing is not None and not self._constrained(before):
            yield copies.with_default(column, nothing)
        else:
            yield Step(AlterNotNull(column, replace(column, not_null=None)))

    def _constraints(self, before: Catalog) -> Iterator[Constraint]:
        place = (self.column.schema, self.column.table)
        for constraint in before.of(Constraint):
            here = (constraint.schema, constraint.table) == place
            if here and self.column.name in constraint.columns:
                yield constraint

    def _constrained(self, before: Catalog) -> bool:
        return any(self._constraints(before))

    def _key(self, before: Catalog) -> bool:
        return any(constraint.type == "p" for constraint in self._constraints(before))
