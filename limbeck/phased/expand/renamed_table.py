"""Recipe: rename a table; until the contract a view has the new name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.dataclass import dataclass
from limbeck.phased.expand.grants import grants
from limbeck.phased.expand.recipe import Recipe
from limbeck.phased.expand.switching import unit_of
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import sql
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql import forms
from limbeck.schema.sql.quoting import literal, quote


@dataclass(frozen=True, slots=True)
class RenamedTable(Recipe):
    """A table that is renamed, possibly with some of its columns.

    The view has the new names while both applications run. It is automatically updatable; only
    COPY and TRUNCATE need the table. `columns` has (old name, new name) of the renamed columns.
    """

    table: Table
    name: Address
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def uses(self) -> tuple[str, ...]:
        """The table under its old name."""
        return (".".join(quote(name) for name in (self.table.schema, self.table.name)),)

    def covers(self, step: Step) -> bool:
        """Return whether a step renames the table or one of its columns."""
        if step.verb != "rename":
            return False
        column = Address("column", self.name.schema, self.name.name, step.address.part)
        of_it = step.address == column and step.address.part in dict(self.columns)
        return of_it or step.address == self.table.address

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse a view that would show rows which the policies of the table hide.

        Without security_invoker, the policies apply to the view's owner, who may bypass them.
        """
        if not self.table.row_security or forms.SECURITY_INVOKER.exists(before.lowest_major):
            return ()
        form = forms.SECURITY_INVOKER
        reason = (
            f"{self.table.address} has row level security, which a view under its new name could "
            f"not keep: {form.name} exists since Postgres {form.since}"
        )
        return (reason,)

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Yield the steps that create the view and grant on it what is granted on the table."""
        new = dict(self.columns)
        selected = [
            f"{quote(name)} AS {quote(new[name])}" if name in new else quote(name)
            for name in self.table.columns
        ]
        invoker = forms.SECURITY_INVOKER.exists(before.lowest_major)
        options = " WITH (security_invoker = true)" if invoker else ""
        columns = sql.indented(selected)
        text = f"CREATE VIEW {of(self.name)}{options} AS\nSELECT\n{columns}\n"
        view, table = self._view, of(self.table.address)
        yield Step(Execute(f"{text}FROM {table}", "create", view))
        granted = grants(
            "pg_class c, aclexplode(c.relacl) acl",
            f"c.oid = {literal(table)}::regclass AND acl.grantee <> c.relowner",
            f" ON {of(view)}",
        )
        yield Step(Execute(granted, "alter", view))

    @property
    def _view(self) -> Address:
        return self.name._replace(kind="view")

    def switch(self) -> Iterator[Step]:
        """Drop the view; the plain diff then renames the table."""
        yield Step(Execute(f"DROP VIEW {of(self._view)}", "drop", self._view))

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Rename the table back, and create the view again."""
        unit = unit_of(self.table.address)
        yield from (step.in_unit(unit) for step in self._back(middle, after))

    def _back(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        old, new = self.table.address, self.name
        schema = Address("schema", "", old.schema)
        if schema not in after.objects:
            yield Step(Execute(f"CREATE SCHEMA {quote(old.schema)}", "create", schema))
        for before, renamed in self.columns:
            text = f"ALTER TABLE {of(new)} RENAME COLUMN {quote(renamed)} TO {quote(before)}"
            yield Step(Execute(text, "rename", new))
        if new.name != old.name:
            text = f"ALTER TABLE {of(new)} RENAME TO {quote(old.name)}"
            yield Step(Execute(text, "rename", new))
        if new.schema != old.schema:
            here = new._replace(name=old.name)
            text = f"ALTER TABLE {of(here)} SET SCHEMA {quote(old.schema)}"
            yield Step(Execute(text, "rename", here))
        yield from self.expand(middle)
