"""Drop a column: first nobody has to write it any more, then it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from limbeck.phased.expand import copies
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import quote
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.diff.casts import base
from limbeck.schema.diff.column_operations import AlterNotNull, DropColumn
from limbeck.schema.diff.operations import DropConstraint, DropIndex
from limbeck.schema.diff.steps import Step

# What a row of the new application has there, so that the old one still finds a value.
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
class DroppedColumn:
    """A column that goes.

    Until the end the old application reads and writes it, and the new one need not know of it. A
    required column gets a default for that, of nothing: 0, an empty text, now; where its type or
    its constraints allow none, it may be NULL.
    """

    column: Column

    @property
    def uses(self) -> tuple[str, ...]:
        """The column."""
        names = (self.column.schema, self.column.table, self.column.name)
        return (".".join(map(quote, names)),)

    def covers(self, step: Step) -> bool:
        """Tell whether a step drops the column, or what is on it."""
        place = (self.column.schema, self.column.table)
        match step.operation:
            case DropColumn(column):
                return column.address == self.column.address
            case DropConstraint(one):
                return (one.schema, one.table) == place and self.column.name in one.columns
            case DropIndex(index):
                keys = {key.column for key in index.keys}
                return index.table[1:3] == place and self.column.name in keys
        return False

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse nothing."""
        del before
        return ()

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Let rows come without a value."""
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
        for one in before.of(Constraint):
            if (one.schema, one.table) == place and self.column.name in one.columns:
                yield one

    def _constrained(self, before: Catalog) -> bool:
        return any(self._constraints(before))

    def _key(self, before: Catalog) -> bool:
        return any(one.type == "p" for one in self._constraints(before))

    def backfill(self) -> Sequence[Backfill]:
        """Fill in nothing."""
        return ()

    def contract(self, middle: Catalog, after: Catalog) -> Sequence[Step]:
        """Leave it to the plain change."""
        del middle, after
        return ()

    def rollback(self, middle: Catalog, after: Catalog) -> Sequence[Step]:
        """Leave it to the plain change: the column is there again, its values are not."""
        del middle, after
        return ()
