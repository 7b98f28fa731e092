"""Operations on columns: see `operations` for what an operation is."""

from __future__ import annotations

from typing import ClassVar

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.diff import sql
from limbeck.schema.diff.operations import On
from limbeck.schema.diff.targets import altering
from limbeck.schema.sql.quoting import quote


@dataclass(frozen=True, slots=True)
class AddColumn(On[Column]):
    """ALTER TABLE ... ADD COLUMN; `serial` is the sequence of a serial column."""

    verb: ClassVar[str] = "create"
    definition: str
    serial: Sequence | None = None

    @property
    def sql(self) -> str:
        return f"{sql.alter_table(self.item)} ADD COLUMN {self.definition}"


@dataclass(frozen=True, slots=True)
class DropColumn(On[Column]):
    """ALTER TABLE [ONLY] ... DROP COLUMN."""

    verb: ClassVar[str] = "drop"
    only: bool = False

    @property
    def sql(self) -> str:
        table = sql.alter_table(self.item, only=self.only)
        return f"{table} DROP COLUMN {quote(self.item.name)}"


@dataclass(frozen=True, slots=True)
class RenameColumn(On[Column]):
    """ALTER TABLE ... RENAME COLUMN."""

    verb: ClassVar[str] = "rename"
    name: str

    @property
    def sql(self) -> str:
        names = f"{quote(self.item.name)} TO {quote(self.name)}"
        return f"{sql.alter_table(self.item)} RENAME COLUMN {names}"


@dataclass(frozen=True, slots=True)
class AddNotNull(On[Column]):
    """ALTER TABLE ... ADD CONSTRAINT ... NOT NULL, with the name and the state of the column's."""

    verb: ClassVar[str] = "alter"

    @property
    def sql(self) -> str:
        return f"{sql.alter_table(self.item)} ADD {not_null(self.item)}"


def not_null(column: Column) -> str:
    """Return the named NOT NULL of a column as a constraint of its table (Postgres 18)."""
    required = column.not_null
    name = quote((required and required.name) or "")
    text = f"CONSTRAINT {name} NOT NULL {quote(column.name)}"
    if required and required.no_inherit:
        text += " NO INHERIT"
    return text if required and required.validated else f"{text} NOT VALID"


@dataclass(frozen=True, slots=True)
class AlterType:
    """ALTER COLUMN ... SET DATA TYPE; `using` is the expression of USING.

    `parks` is whether the column leaves its type only until that is changed, or comes back to it.
    """

    verb: ClassVar[str] = "alter"
    before: Column
    after: Column
    using: str | None = None
    parks: bool = False

    @property
    def address(self) -> Address:
        return self.after.address

    @property
    def sql(self) -> str:
        return f"{sql.alter_table(self.after)} {self.action}"

    @property
    def action(self) -> str:
        """The statement without the name of the table."""
        after = self.after
        text = f"ALTER COLUMN {quote(after.name)} SET DATA TYPE {after.type}"
        text += f" COLLATE {after.collation}" if after.collation else ""
        return f"{text} USING {self.using}" if self.using else text


@dataclass(frozen=True, slots=True)
class AlterTypes:
    """SET DATA TYPE of several columns of a table in one statement, which rewrites it once.

    `changes` are the type changes, each with the values that it loses, in words.
    """

    verb: ClassVar[str] = "alter"
    changes: tuple[tuple[AlterType, str | None], ...]

    @property
    def address(self) -> Address:
        return self.changes[0][0].address

    @property
    def sql(self) -> str:
        actions = ",\n".join(f"    {change.action}" for change, _ in self.changes)
        return f"{sql.alter_table(self.changes[0][0].after)}\n{actions}"


@dataclass(frozen=True, slots=True)
class Change:
    """A column or a domain before and after an operation that changes one thing about it."""

    before: Column | Domain
    after: Column | Domain

    @property
    def address(self) -> Address:
        return self.after.address


@dataclass(frozen=True, slots=True)
class AlterDefault(Change):
    """SET DEFAULT or DROP DEFAULT of a column or a domain.

    Of two equal columns none changes in the catalog: a new partition drops its parent's default.
    """

    verb: ClassVar[str] = "alter"

    @property
    def sql(self) -> str:
        if self.after.default is None:
            return f"{altering(self.after)} DROP DEFAULT"
        return f"{altering(self.after)} SET DEFAULT {self.after.default}"


@dataclass(frozen=True, slots=True)
class AlterNotNull(Change):
    """SET NOT NULL or DROP NOT NULL of a column or a domain.

    Of two equal columns none changes: what a column inherits becomes its own as well.
    """

    verb: ClassVar[str] = "alter"

    @property
    def sql(self) -> str:
        return f"{altering(self.after)} {'SET' if self.after.not_null else 'DROP'} NOT NULL"
