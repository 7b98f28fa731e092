"""Operations: what one statement of a migration does, as a value that renders its own SQL.

`schema.diff` and the phased recipes create them. Whoever asks what a step does looks at the class
of its operation, never at the SQL; `generate.rendering.operations` renders the same values as calls
of Alembic's `op.*`.
"""

from __future__ import annotations

from typing import ClassVar, Generic, Protocol, TypeVar

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.diff import index_definitions, sql
from limbeck.schema.diff.targets import altering, target
from limbeck.schema.sql.quoting import literal, quote

Item = TypeVar("Item", Table, Column, Constraint, Index, Enum)


class Operation(Protocol):
    """What one statement does.

    `verb` is create, alter, drop or rename; `address` is where the object is before the migration,
    or after it if it is new; `sql` ends without a semicolon.
    """

    @property
    def verb(self) -> str: ...
    @property
    def address(self) -> Address: ...
    @property
    def sql(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Execute:
    """A statement that Alembic has no operation for."""

    sql: str
    verb: str
    address: Address


class CreateFunction(Execute):
    """CREATE [OR REPLACE] FUNCTION, PROCEDURE or AGGREGATE."""

    __slots__ = ()


class AddIdentity(Execute):
    """ALTER TABLE ... ALTER COLUMN ... ADD GENERATED ... AS IDENTITY, which creates a sequence."""

    __slots__ = ()


class DropIdentity(Execute):
    """ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY, which drops its sequence."""

    __slots__ = ()


class SetSequence(Execute):
    """SELECT setval(...): the current value of a sequence."""

    __slots__ = ()


class AlterAttributeType(Execute):
    """ALTER TYPE ... ALTER ATTRIBUTE ... SET DATA TYPE, of a composite type that no column has."""

    __slots__ = ()


class AlterViewDefault(Execute):
    """ALTER VIEW ... ALTER COLUMN ... SET DEFAULT or DROP DEFAULT."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class On(Generic[Item]):
    """An operation on one object."""

    item: Item

    @property
    def address(self) -> Address:
        return self.item.address


@dataclass(frozen=True, slots=True)
class CreateTable(On[Table]):
    """CREATE TABLE with the columns and constraints that are part of the statement.

    `body` is what follows the name; `serials` maps a serial column to its own sequence.
    """

    verb: ClassVar[str] = "create"
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    body: str
    serials: tuple[tuple[str, Sequence], ...] = ()

    @property
    def sql(self) -> str:
        unlogged = "UNLOGGED " if self.item.unlogged else ""
        return f"CREATE {unlogged}{target(self.item)}{self.body}"


@dataclass(frozen=True, slots=True)
class DropTable(On[Table]):
    """DROP [FOREIGN] TABLE."""

    verb: ClassVar[str] = "drop"

    @property
    def sql(self) -> str:
        return f"DROP {target(self.item)}"


@dataclass(frozen=True, slots=True)
class RenameTable:
    """ALTER [FOREIGN] TABLE ... RENAME TO, within a schema.

    A step before this one may have moved `table` to that schema; `address` is where it was first.
    """

    verb: ClassVar[str] = "rename"
    table: Table
    name: str
    address: Address

    @property
    def sql(self) -> str:
        return f"{altering(self.table)} RENAME TO {quote(self.name)}"


@dataclass(frozen=True, slots=True)
class AddConstraint(On[Constraint]):
    """ALTER TABLE ... ADD CONSTRAINT."""

    verb: ClassVar[str] = "create"

    @property
    def sql(self) -> str:
        name = f"CONSTRAINT {quote(self.item.name)}"
        return f"{sql.alter_table(self.address)} ADD {name} {self.item.definition}"


@dataclass(frozen=True, slots=True)
class DropConstraint(On[Constraint]):
    """ALTER TABLE [ONLY] ... DROP CONSTRAINT."""

    verb: ClassVar[str] = "drop"
    only: bool = False

    @property
    def sql(self) -> str:
        table = sql.alter_table(self.address, only=self.only)
        return f"{table} DROP CONSTRAINT {quote(self.item.name)}"


@dataclass(frozen=True, slots=True)
class ValidateConstraint:
    """ALTER TABLE ... VALIDATE CONSTRAINT; `address` is a column's for its NOT NULL."""

    verb: ClassVar[str] = "alter"
    name: str
    address: Address

    @property
    def sql(self) -> str:
        return f"{sql.alter_table(self.address)} VALIDATE CONSTRAINT {quote(self.name)}"


@dataclass(frozen=True, slots=True)
class CreateIndex(On[Index]):
    """CREATE INDEX; without CONCURRENTLY it reaches the partitions of its table, too."""

    verb: ClassVar[str] = "create"
    concurrently: bool = False

    @property
    def sql(self) -> str:
        spelled = index_definitions.concurrent if self.concurrently else index_definitions.plain
        return spelled(self.item.definition)


@dataclass(frozen=True, slots=True)
class DropIndex(On[Index]):
    """DROP INDEX."""

    verb: ClassVar[str] = "drop"
    concurrently: bool = False

    @property
    def sql(self) -> str:
        concurrently = "CONCURRENTLY " if self.concurrently else ""
        return f"DROP INDEX {concurrently}{of(self.address)}"


@dataclass(frozen=True, slots=True)
class AddValue(On[Enum]):
    """ALTER TYPE ... ADD VALUE; the new label stands before `before`, or else last."""

    verb: ClassVar[str] = "alter"
    label: str
    before: str | None = None

    @property
    def sql(self) -> str:
        place = f" BEFORE {literal(self.before)}" if self.before is not None else ""
        return f"{altering(self.item)} ADD VALUE {literal(self.label)}{place}"


@dataclass(frozen=True, slots=True)
class Comment:
    """COMMENT ON `on`; `item` has the comment, or a part of it has; `before` is the old comment."""

    verb: ClassVar[str] = "alter"
    on: str
    text: str | None
    address: Address
    item: Object | None = None
    before: str | None = None

    @property
    def sql(self) -> str:
        text = "NULL" if self.text is None else literal(self.text)
        return f"COMMENT ON {self.on} IS {text}"
