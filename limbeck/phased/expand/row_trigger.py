"""A row trigger with its function: how recipes fill columns while both applications run."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.operations import CreateFunction, Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.quoting import dollar_quoted, qualified, quote


@dataclass(frozen=True, slots=True)
class RowTrigger:
    """A row trigger of a table and its function, which have the same name.

    `body` are the function's statements before `RETURN NEW`, indented by four spaces. `when` is
    the trigger's WHEN clause with the white space before it, or empty. `path` is the search_path
    under which names in the body are looked up.
    """

    table: Address
    name: str
    body: str
    event: str = "BEFORE INSERT OR UPDATE"
    when: str = ""
    path: str = "''"

    def create(self) -> Iterator[Step]:
        """Yield the steps that create the function and the trigger."""
        table, name, function = of(self.table), quote(self.name), self._function
        # The search_path is fixed: the function runs in sessions of any application, and must
        # find the same objects in each.
        body = dollar_quoted(f"\nBEGIN\n{self.body}\n    RETURN NEW;\nEND\n")
        text = (
            f"CREATE FUNCTION {function}() RETURNS trigger\n"
            f"LANGUAGE plpgsql SET search_path = {self.path} AS {body}"
        )
        yield Step(CreateFunction(text, "create", self._function_address))
        fired = (
            f"CREATE TRIGGER {name} {self.event} ON {table}\n    FOR EACH ROW{self.when}\n"
            f"    EXECUTE FUNCTION {function}()"
        )
        yield Step(Execute(fired, "create", self.address))
        # An ordinary trigger does not fire for rows that logical replication applies or that
        # pg_restore loads with session_replication_role = replica.
        enabled = f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
        yield Step(Execute(enabled, "alter", self.address))

    def drop(self) -> Iterator[Step]:
        """Yield the steps that drop the trigger and then its function."""
        dropped = f"DROP TRIGGER {quote(self.name)} ON {of(self.table)}"
        yield Step(Execute(dropped, "drop", self.address))
        yield Step(Execute(f"DROP FUNCTION {self._function}()", "drop", self._function_address))

    @property
    def _function(self) -> str:
        return qualified(self.table.schema, self.name)

    @property
    def address(self) -> Address:
        """The address of the trigger."""
        return Address("trigger", self.table.schema, self.table.name, self.name)

    @property
    def _function_address(self) -> Address:
        return Address("function", self.table.schema, f"{self.name}()")
