"""Make a column NOT NULL: what is NULL gets a value first, of old rows and of new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from limbeck.phased.expand import copies
from limbeck.phased.expand.naming import trigger
from limbeck.phased.expand.values import of_row
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of, qualified, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.diff.column_operations import AddNotNull, AlterNotNull
from limbeck.schema.diff.operations import CreateFunction, Execute
from limbeck.schema.diff.steps import Step

PREFIX = "zz_fill"


@dataclass(frozen=True, slots=True)
class RequiredColumn:
    """A column that shall not be NULL, and what stands for NULL until the old application is gone.

    `names` are all columns of its table. The value is an expression over the row. The column may
    be new.
    """

    column: Column
    value: str
    names: tuple[str, ...]

    @property
    def uses(self) -> tuple[str, ...]:
        """Nothing: the column stays."""
        return ()

    @property
    def _table(self) -> str:
        return qualified(self.column.schema, self.column.table)

    @property
    def _name(self) -> str:
        return trigger(PREFIX, self.column.table, self.column.name)

    def covers(self, step: Step) -> bool:
        """Tell whether a step asks for values; a new column is added without that."""
        asks = isinstance(step.operation, AlterNotNull | AddNotNull)
        return asks and step.address == self.column.address

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse nothing."""
        del before
        return ()

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Let NULL become the value."""
        del before
        name, function = quote(self._name), qualified(self.column.schema, self._name)
        column = quote(self.column.name)
        value = of_row("NEW", self.value, self.names)
        schema = quote(self.column.schema)
        text = (
            f"CREATE FUNCTION {function}() RETURNS trigger\n"
            f"LANGUAGE plpgsql SET search_path = {schema} AS $$\nBEGIN\n"
            f"    NEW.{column} := {value};\n    RETURN NEW;\nEND\n$$"
        )
        at = Address("function", self.column.schema, f"{self._name}()")
        yield Step(CreateFunction(text, "create", at))
        fired = (
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {self._table}\n    FOR EACH ROW"
            f" WHEN (NEW.{column} IS NULL)\n    EXECUTE FUNCTION {function}()"
        )
        yield Step(Execute(fired, "create", self._trigger))
        enabled = f"ALTER TABLE {self._table} ENABLE ALWAYS TRIGGER {name}"
        yield Step(Execute(enabled, "alter", self._trigger))

    @property
    def _trigger(self) -> Address:
        return Address("trigger", self.column.schema, self.column.table, self._name)

    def backfill(self) -> Sequence[Backfill]:
        """Give the rows of before the value."""
        column = quote(self.column.name)
        return (Backfill(self._table, ((column, self.value),), f"{column} IS NULL"),)

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Ask for values; only then the trigger goes."""
        del middle, after
        yield from copies.left(self.backfill())
        yield Step(AlterNotNull(replace(self.column, not_null=None), self.column))
        dropped = f"DROP TRIGGER {quote(self._name)} ON {self._table}"
        yield Step(Execute(dropped, "drop", self._trigger))
        at = Address("function", self.column.schema, f"{self._name}()")
        text = f"DROP FUNCTION {of(at._replace(name=self._name))}()"
        yield Step(Execute(text, "drop", at))

    def rollback(self, middle: Catalog, after: Catalog) -> Sequence[Step]:
        """Leave it to the plain change, which creates the trigger again."""
        del middle, after
        return ()
