"""Rename a table: for a while it has two names, of which one is a view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of, quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import sql
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.steps import Step

SECURITY_INVOKER = 15  # the first major whose views can ask for the caller's own rights
# What was granted on the table is granted on the view, whoever it was granted to.
GRANTS = """\
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT acl.privilege_type AS may,
            CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
            AS who
        FROM pg_class c, aclexplode(c.relacl) acl
        WHERE c.oid = {table}::regclass AND acl.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT %s ON {view} TO %s', one.may, one.who);
    END LOOP;
END
$$"""


@dataclass(frozen=True, slots=True)
class RenamedTable:
    """A table that gets another name, and some of its columns with it.

    The view has the new names while both applications run. Postgres writes through it by itself;
    only COPY and TRUNCATE need the table. `columns` has (old name, new name) of those renamed.
    """

    table: Table
    name: Address
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def uses(self) -> tuple[str, ...]:
        """The table under its old name."""
        return (".".join(quote(name) for name in (self.table.schema, self.table.name)),)

    def covers(self, step: Step) -> bool:
        """Tell whether a step renames the table, or columns of it."""
        if step.verb != "rename":
            return False
        column = Address("column", self.name.schema, self.name.name, step.address.part)
        of_it = step.address == column and step.address.part in dict(self.columns)
        return of_it or step.address == self.table.address

    def validate(self, before: Catalog) -> Sequence[str]:
        """Refuse nothing: every table can be seen through a view."""
        del before
        return ()

    def expand(self, before: Catalog) -> Iterator[Step]:
        """Create the view."""
        new = dict(self.columns)
        told = [
            f"{quote(one)} AS {quote(new[one])}" if one in new else quote(one)
            for one in self.table.columns
        ]
        options = " WITH (security_invoker = true)" if before.major >= SECURITY_INVOKER else ""
        columns = sql.indented(told)
        text = f"CREATE VIEW {of(self.name)}{options} AS\nSELECT\n{columns}\n"
        view, table = self._view, of(self.table.address)
        yield Step(Execute(f"{text}FROM {table}", "create", view))
        granted = GRANTS.format(table=sql.literal(table), view=of(view).replace("'", "''"))
        yield Step(Execute(granted, "alter", view))

    @property
    def _view(self) -> Address:
        return self.name._replace(kind="view")

    def backfill(self) -> Sequence[Backfill]:
        """Fill in nothing: there are no two copies of a row."""
        return ()

    def contract(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Drop the view; the plain change then renames the table."""
        del middle, after
        yield Step(Execute(f"DROP VIEW {of(self._view)}", "drop", self._view))

    def rollback(self, middle: Catalog, after: Catalog) -> Iterator[Step]:
        """Rename the table back, and create the view again."""
        old, new = self.table.address, self.name
        schema = Address("schema", "", old.schema)
        if schema not in after.objects:
            yield Step(Execute(f"CREATE SCHEMA {quote(old.schema)}", "create", schema))
        for one, other in self.columns:
            text = f"ALTER TABLE {of(new)} RENAME COLUMN {quote(other)} TO {quote(one)}"
            yield Step(Execute(text, "rename", new))
        if new.name != old.name:
            text = f"ALTER TABLE {of(new)} RENAME TO {quote(old.name)}"
            yield Step(Execute(text, "rename", new))
        if new.schema != old.schema:
            here = new._replace(name=old.name)
            text = f"ALTER TABLE {of(here)} SET SCHEMA {quote(old.schema)}"
            yield Step(Execute(text, "rename", here))
        yield from self.expand(middle)
