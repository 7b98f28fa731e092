"""Entities for all other objects, by their SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from limbeck.entities.entity import Entity
from limbeck.schema.sql.quoting import literal

if TYPE_CHECKING:
    import sqlalchemy as sa


class Definition(Entity):
    """Any object by its CREATE statement: Definition("OPERATOR", "===(text, text)", "CREATE ...").

    Args:
        kind: the keyword of its kind in DROP and COMMENT ON.
        identity: its name after this keyword, qualified and quoted as necessary.
        definition: the statement that creates it.
        metadata: the MetaData that creates it.
        exists: a condition in SQL for its existence.
        more: comment, before_tables: as for any Entity.

    """

    repeats: ClassVar[bool] = True

    def __init__(
        self,
        kind: str,
        identity: str,
        definition: str,
        *,
        metadata: sa.MetaData,
        exists: str | None = None,
        **more: Any,
    ) -> None:
        self.definition = definition
        self.kind = kind
        self._exists = exists
        super().__init__(identity, metadata=metadata, **more)

    @property
    def identity(self) -> str:
        """The identity as given."""
        return self.name

    def create(self, dialect: sa.Dialect) -> str:
        """Return the definition."""
        del dialect
        return self.definition

    def exists(self) -> str | None:
        """Return the condition as given."""
        return self._exists


class Statistics(Entity):
    """Extended statistics by their CREATE STATISTICS statement."""

    kind = "STATISTICS"
    last: ClassVar[bool] = True

    def __init__(self, name: str, definition: str, *, metadata: sa.MetaData, **more: Any) -> None:
        self.definition = definition
        super().__init__(name, metadata=metadata, **more)

    def create(self, dialect: sa.Dialect) -> str:
        """Return the definition."""
        del dialect
        return self.definition

    def drop(self) -> str | None:
        """Return None: they are dropped with their table."""
        return None

    def exists(self) -> str | None:
        """Return the condition that statistics of this name exist."""
        named = f"stxname = {literal(self.name)}"
        if self.schema:
            place = (
                f"(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {literal(self.schema)})"
            )
            named += f" AND stxnamespace = {place}"
        return f"EXISTS (SELECT FROM pg_catalog.pg_statistic_ext WHERE {named})"


class Statement(Entity):
    """A statement that completes tables or other objects: ALTER TABLE, COMMENT ON, CREATE INDEX ...

    Args:
        sql: the statement.
        metadata: the MetaData whose create_all runs it.
        unless: a condition in SQL that is true after it has run; without one, running it again
            must do no harm.
        undo: the statement that drop_all runs; None where its effect goes with its object.
        before_tables: whether it runs before the tables are created.

    """

    repeats: ClassVar[bool] = True

    def __init__(
        self,
        sql: str,
        *,
        metadata: sa.MetaData,
        unless: str | None = None,
        undo: str | None = None,
        before_tables: bool = False,
    ) -> None:
        self.sql = sql
        self.unless = unless
        self.undo = undo
        super().__init__("", metadata=metadata, before_tables=before_tables)

    def __repr__(self) -> str:
        return f"Statement({self.sql!r})"

    def create(self, dialect: sa.Dialect) -> str:
        """Return the statement."""
        del dialect
        return self.sql

    def drop(self) -> str | None:
        """Return the statement that undoes it, as given."""
        return self.undo

    def exists(self) -> str | None:
        """Return the condition as given."""
        return self.unless
