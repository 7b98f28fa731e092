"""Code that runs in the database: functions, procedures, aggregates, triggers, rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from limbeck.entities.entity import Entity
from limbeck.entities.sql import TableLike, place, qualified, regclass
from limbeck.schema.sql.quoting import in_quotes, literal

if TYPE_CHECKING:
    import sqlalchemy as sa


_FIRING = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


class Function(Entity):
    """A function by its complete CREATE OR REPLACE statement.

    Args:
        signature: name and arguments, such as "slug(text)", as DROP FUNCTION takes them.
        definition: the statement; it replaces an existing function.
        metadata: the MetaData that creates it.
        more: schema, comment, before_tables: as for any Entity. A function precedes the tables;
            one whose arguments or result are rows of a table needs before_tables=False.

    """

    kind = "FUNCTION"
    usually_before_tables = True

    def __init__(
        self, signature: str, definition: str, *, metadata: sa.MetaData, **more: Any
    ) -> None:
        self.definition = definition
        super().__init__(signature, metadata=metadata, **more)

    @property
    def identity(self) -> str:
        """The signature, qualified where a schema is given."""
        return f"{in_quotes(self.schema)}.{self.name}" if self.schema else self.name

    def create(self, dialect: sa.Dialect) -> str:
        """Return the definition."""
        del dialect
        return self.definition


class Procedure(Function):
    """A procedure; otherwise the same as a Function."""

    kind = "PROCEDURE"


class Aggregate(Function):
    """An aggregate; otherwise the same as a Function."""

    kind = "AGGREGATE"

    def exists(self) -> str | None:
        """Return the condition that it exists, in which CREATE AGGREGATE fails."""
        return f"pg_catalog.to_regprocedure({literal(self.identity)}) IS NOT NULL"


class _OfTable(Entity):
    last = True

    def __init__(
        self,
        name: str,
        table: TableLike,
        definition: str,
        *,
        metadata: sa.MetaData,
        enabled: str = "O",
        **more: Any,
    ) -> None:
        self.table = place(table)
        self.definition = definition
        self.enabled = enabled
        super().__init__(name, metadata=metadata, schema=self.table[0], **more)

    @property
    def identity(self) -> str:
        """The name and the table, as DROP has them: name ON table."""
        return f"{in_quotes(self.name)} ON {qualified(*self.table)}"

    def create(self, dialect: sa.Dialect) -> str:
        """Return the definition."""
        del dialect
        return self.definition

    def statements(self, dialect: sa.Dialect) -> Iterator[str]:
        """Yield its CREATE statement, and ALTER TABLE for when it fires."""
        yield from super().statements(dialect)
        if self.enabled != "O":
            words = f"{_FIRING[self.enabled]} {self.kind} {in_quotes(self.name)}"
            yield f"ALTER TABLE {qualified(*self.table)} {words}"

    def drop(self) -> str | None:
        """Return None: it is dropped with its table."""
        return None


class Trigger(_OfTable):
    """A trigger.

    Args:
        name: its name.
        table: its table or view: "books", "shop.books", a Table or a mapped class.
        definition: its complete CREATE TRIGGER statement.
        metadata: the MetaData that creates it.
        enabled: when it fires: O(rigin and local), R(eplica), A(lways) or D(isabled).
        more: comment, before_tables: as for any Entity.

    """

    kind = "TRIGGER"

    def exists(self) -> str | None:
        """Return the condition that the table has a trigger of this name."""
        table = regclass(*self.table)
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_trigger "
            f"WHERE tgrelid = {table} AND tgname = {literal(self.name)})"
        )


class Rule(_OfTable):
    """A rewrite rule: name, table and complete CREATE RULE statement, as for a Trigger."""

    kind = "RULE"

    def exists(self) -> str | None:
        """Return the condition that the table has a rule of this name."""
        table = regclass(*self.table)
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_rewrite "
            f"WHERE ev_class = {table} AND rulename = {literal(self.name)})"
        )
