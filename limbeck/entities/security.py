"""Row-level security."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limbeck.entities.entity import Entity
from limbeck.entities.sql import TableLike, place, qualified, regclass
from limbeck.schema.sql.quoting import in_quotes, literal

if TYPE_CHECKING:
    import sqlalchemy as sa


class RowSecurity(Entity):
    """Row-level security of a table; force=True applies it to the owner as well."""

    kind = "TABLE"
    last = True

    def __init__(self, table: TableLike, *, metadata: sa.MetaData, force: bool = False) -> None:
        schema, name = place(table)
        self.force = force
        super().__init__(name, metadata=metadata, schema=schema)

    def create(self, dialect: sa.Dialect) -> str:
        """Return ALTER TABLE ... ENABLE ROW LEVEL SECURITY."""
        del dialect
        force = ", FORCE ROW LEVEL SECURITY" if self.force else ""
        return f"ALTER TABLE {self.identity} ENABLE ROW LEVEL SECURITY{force}"

    def drop(self) -> str | None:
        """Return None: it is dropped with its table."""
        return None


class Policy(Entity):
    """A policy of row-level security; it takes effect with RowSecurity.

    Args:
        name: its name.
        table: the table: "books", "shop.books", a Table or a mapped class.
        metadata: the MetaData that creates it.
        command: ALL, SELECT, INSERT, UPDATE or DELETE.
        using: the condition on existing rows.
        check: the condition on written rows.
        roles: the roles that it applies to.
        permissive: whether it is permissive, not restrictive.
        more: comment, before_tables: as for any Entity.

    """

    kind = "POLICY"
    last = True

    def __init__(
        self,
        name: str,
        table: TableLike,
        *,
        metadata: sa.MetaData,
        command: str = "ALL",
        using: str | None = None,
        check: str | None = None,
        roles: Sequence[str] = ("public",),
        permissive: bool = True,
        **more: Any,
    ) -> None:
        self.table = place(table)
        self.command = command
        self.using = using
        self.check = check
        self.roles = tuple(roles)
        self.permissive = permissive
        super().__init__(name, metadata=metadata, schema=self.table[0], **more)

    @property
    def identity(self) -> str:
        """The name and the table, as DROP has them: name ON table."""
        return f"{in_quotes(self.name)} ON {qualified(*self.table)}"

    def create(self, dialect: sa.Dialect) -> str:
        """Return CREATE POLICY."""
        del dialect
        roles = (role if role == "public" else in_quotes(role) for role in self.roles)
        words = [f"CREATE POLICY {self.identity}"]
        words += [] if self.permissive else ["AS RESTRICTIVE"]
        words += [f"FOR {self.command} TO {', '.join(roles)}"]
        words += [f"USING ({self.using})"] if self.using is not None else []
        words += [f"WITH CHECK ({self.check})"] if self.check is not None else []
        return " ".join(words)

    def drop(self) -> str | None:
        """Return None: it is dropped with its table."""
        return None

    def exists(self) -> str | None:
        """Return the condition that the table has a policy of this name."""
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_policy "
            f"WHERE polrelid = {regclass(*self.table)} AND polname = {literal(self.name)})"
        )
