"""What a difference comes to: ordered steps, each one statement and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE with what is folded into it; serials maps a column to its own sequence."""

    table: Table
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    serials: tuple[tuple[str, Sequence], ...] = ()


@dataclass(frozen=True, slots=True)
class DropTable:
    """DROP TABLE."""

    table: Table


@dataclass(frozen=True, slots=True)
class AddColumn:
    """ALTER TABLE ... ADD COLUMN; serial is the sequence of a serial column."""

    column: Column
    serial: Sequence | None = None


@dataclass(frozen=True, slots=True)
class DropColumn:
    """ALTER TABLE ... DROP COLUMN."""

    column: Column


@dataclass(frozen=True, slots=True)
class AlterColumn:
    """One ALTER COLUMN: before and after differ in one thing only.

    `using` is the expression of a type change's USING, where it has one.
    """

    before: Column
    after: Column
    using: str | None = None


@dataclass(frozen=True, slots=True)
class AddConstraint:
    """ALTER TABLE ... ADD CONSTRAINT."""

    constraint: Constraint


@dataclass(frozen=True, slots=True)
class DropConstraint:
    """ALTER TABLE ... DROP CONSTRAINT."""

    constraint: Constraint


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """CREATE INDEX."""

    index: Index
    concurrently: bool = False


@dataclass(frozen=True, slots=True)
class DropIndex:
    """DROP INDEX."""

    index: Index
    concurrently: bool = False


@dataclass(frozen=True, slots=True)
class RenameTable:
    """ALTER TABLE ... RENAME TO, within its schema."""

    table: Table
    name: str


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """ALTER TABLE ... RENAME COLUMN."""

    column: Column
    name: str


@dataclass(frozen=True, slots=True)
class CommentOnTable:
    """COMMENT ON TABLE; `before` is the comment that was there."""

    table: Table
    before: str | None


@dataclass(frozen=True, slots=True)
class CommentOnColumn:
    """COMMENT ON COLUMN; `before` is the comment that was there."""

    column: Column
    before: str | None


Operation: TypeAlias = (
    CreateTable
    | DropTable
    | AddColumn
    | DropColumn
    | AlterColumn
    | AddConstraint
    | DropConstraint
    | CreateIndex
    | DropIndex
    | RenameTable
    | RenameColumn
    | CommentOnTable
    | CommentOnColumn
)


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a migration.

    `sql` ends without a semicolon; `verb` is create, alter, drop or rename; `operation` says the
    same as a value where Alembic has an operation for it, else None.
    `outside` means: not in a transaction with what follows (ALTER TYPE ... ADD VALUE that is used
    later, CREATE INDEX CONCURRENTLY); `begins`: in another transaction than what was before it.
    `loses` says in words which data are lost, else None. `note` is a warning for people,
    such as that a cast can fail.
    """

    sql: str
    verb: str
    address: Address
    operation: Operation | None = None
    outside: bool = False
    begins: bool = False
    loses: str | None = None
    note: str | None = None
