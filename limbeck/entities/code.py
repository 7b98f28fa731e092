"""Code that runs in the database: functions, triggers, rules."""

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
    """A function, by its whole CREATE OR REPLACE statement.

    Args:
        signature: name and arguments, such as "slug(text)", as DROP FUNCTION takes them.
        definition: the statement; where the function is there already, it is replaced.
        metadata: the MetaData that creates it.
        more: schema, comment, before_tables: as of any entity. Functions come before the tables,
            unless their arguments or result are rows of one: then before_tables=False.

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
    """A procedure; the same as a Function in all else."""

    kind = "PROCEDURE"


class Aggregate(Function):
    """An aggregate; the same as a Function in all else."""

    kind = "AGGREGATE"

    def exists(self) -> str | None:
        """Return whether it is there, for CREATE AGGREGATE does not replace it."""
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
        """The name ON the table."""
        return f"{in_quotes(self.name)} ON {qualified(*self.table)}"

    def create(self, dialect: sa.Dialect) -> str:
        """Return the definition."""
        del dialect
        return self.definition

    def statements(self, dialect: sa.Dialect) -> Iterator[str]:
        """Yield what creates it, and what says when it fires."""
        yield from super().statements(dialect)
        if self.enabled != "O":
            words = f"{_FIRING[self.enabled]} {self.kind} {in_quotes(self.name)}"
            yield f"ALTER TABLE {qualified(*self.table)} {words}"

    def drop(self) -> str | None:
        """Return None: it goes with its table."""
        return None


class Trigger(_OfTable):
    """A trigger.

    Args:
        name: its name.
        table: the table or view it is on: "books", "shop.books", a Table or a mapped class.
        definition: its whole CREATE TRIGGER statement.
        metadata: the MetaData that creates it.
        enabled: when it fires: O(rigin and local), R(eplica), A(lways) or D(isabled).
        more: comment, before_tables: as of any entity.

    """

    kind = "TRIGGER"

    def exists(self) -> str | None:
        """Return whether the table has a trigger of this name."""
        table = regclass(*self.table)
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_trigger "
            f"WHERE tgrelid = {table} AND tgname = {literal(self.name)})"
        )


class Rule(_OfTable):
    """A rewrite rule: name, table and the whole CREATE RULE statement, as of a Trigger."""

    kind = "RULE"

    def exists(self) -> str | None:
        """Return whether the table has a rule of this name."""
        table = regclass(*self.table)
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_rewrite "
            f"WHERE ev_class = {table} AND rulename = {literal(self.name)})"
        )
