"""Recipe: make a column NOT NULL; a backfill and a trigger replace NULL by a value first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.phased.expand import copies, naming
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.row_trigger import RowTrigger
from limbeck.phased.expand.values import is_steady, of_row
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff.column_operations import AddNotNull, AlterDefault, AlterNotNull
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import qualified, quote

# Sorts after the user's own triggers, and after those of sync.py: a value may name a copy. Those of
# hidden columns come last.
PREFIX = "zz_value"


@dataclass(frozen=True, slots=True)
class RequiredColumn(Recipe):
    """A column that becomes NOT NULL, and the expression over its row that replaces NULL.

    `names` are all columns of its table between the phases, those that are dropped and those that
    are new, and `computed` the generated ones with their expressions. The column may be new.
    `swapped` says that it changes its type as well: the recipe of that requires the values of the
    new column, and drops the trigger when it has taken the place of this one.
    """

    column: Column
    value: str
    names: tuple[str, ...]
    computed: tuple[tuple[str, str], ...] = ()
    swapped: bool = False

    @property
    def _table(self) -> str:
        return qualified(self.column.schema, self.column.table)

    @property
    def trigger(self) -> RowTrigger:
        """The trigger that replaces NULL."""
        column, schema = quote(self.column.name), self.column.schema
        value = of_row("NEW", self.value, self.names, self.computed)
        return RowTrigger(
            Address("table", schema, self.column.table),
            naming.trigger(PREFIX, self.column.table, self.column.name),
            f"    NEW.{column} := {value};",
            when=f" WHEN (NEW.{column} IS NULL)",
            path=quote(schema),
        )

    def covers(self, step: Step) -> bool:
        """Return whether a step requires values; adding the column is a harmless step by itself."""
        required = isinstance(step.operation, AddNotNull | AlterNotNull)
        return required and step.address == self.column.address

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Return the steps that create the trigger."""
        del before
        return self.trigger.create()

    def backfill(self) -> Sequence[Backfill]:
        """Return the backfill of NULL in rows that existed before the trigger."""
        column = quote(self.column.name)
        sets = ((self.column.name, self.value),)
        return (Backfill(self._table, sets, f"{column} IS NULL"),)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Fill remaining rows, set NOT NULL, and drop the trigger.

        The trigger goes last: until NOT NULL holds, the old application may still write NULL, and
        the new one needs its default then.
        """
        yield from copies.left(self.backfill())
        if self.swapped:
            return
        yield Step(AlterNotNull(replace(self.column, not_null=None), self.column))
        yield from self._default(middle, after)
        yield from self.trigger.drop()

    def _default(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Yield the step to another default; one that calls something waits for what it calls."""
        now, then = (each.objects.get(self.column.address) for each in (middle, after))
        if isinstance(now, Column) and isinstance(then, Column) and not then.generated:
            default = then.default
            if default and default != now.default and is_steady(default):
                yield Step(AlterDefault(now, replace(now, default=default)))
