"""One schema of any size in every tool's words: 8 columns, a key, a reference, 2 indexes a table.

The tables stand in modules of fifty. A change is one more column of the last table.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

A_MODULE = 50

SQLALCHEMY_BASE = '''"""The models' base."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )
'''
SQLALCHEMY_HEAD = '''"""Some tables."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
'''
SQLALCHEMY_TABLE = '''

class Item{n}(Base):
    """Table {n}."""

    __tablename__ = "item_{n}"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    note: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"), index=True)
    amount: Mapped[int | None]
    before_id: Mapped[int | None] = mapped_column(ForeignKey("item_{before}.id"))
'''
SQLALCHEMY_COLUMN = "    {column}: Mapped[str | None]\n"

DRIZZLE_HEAD = """import { boolean, index, integer, numeric, pgTable, serial, text, timestamp,
  type AnyPgColumn, varchar } from "drizzle-orm/pg-core";
"""
DRIZZLE_TABLE = """
export const item{n} = pgTable("item_{n}", {{
  id: serial("id").primaryKey(),
  name: varchar("name").notNull(),
  note: text("note"),
  price: numeric("price", {{ precision: 10, scale: 2 }}),
  active: boolean("active").notNull().default(true),
  madeAt: timestamp("made_at").notNull().defaultNow(),
  amount: integer("amount"),
  beforeId: integer("before_id").references((): AnyPgColumn => item{before}.id),
{extra}}}, (table) => [
  index("ix_item_{n}_name").on(table.name), index("ix_item_{n}_made_at").on(table.madeAt),
]);
"""
DRIZZLE_COLUMN = '  {column}: varchar("{column}"),\n'

DJANGO_TABLE = """

class Item{n}(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(db_index=True)
    note = models.TextField(null=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    active = models.BooleanField(db_default=True)
    made_at = models.DateTimeField(db_default=Now(), db_index=True)
    amount = models.IntegerField(null=True)
    before = models.ForeignKey(
        "Item{before}", models.DO_NOTHING, null=True, db_index=False, related_name="+")
{extra}
    class Meta:
        db_table = "item_{n}"
"""
DJANGO_HEAD = "from django.db import models\nfrom django.db.models.functions import Now\n"
DJANGO_COLUMN = "    {column} = models.CharField(null=True)\n"


@dataclass(slots=True)
class Modules:
    """The modules of one tool, and the text of the last one, where a change is made."""

    folder: Path
    tables: int
    suffix: str
    head: str
    table: str
    column: str
    edits: int = 0

    def write(self) -> None:
        """Write all modules."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for number in range(len(self.names)):
            self._module(number).write_text(self._text(number, ""))

    @property
    def names(self) -> list[str]:
        """The names of the modules."""
        return [f"items_{number}" for number in range((self.tables - 1) // A_MODULE + 1)]

    def edit(self, column: str) -> None:
        """Give the last table one more column; an empty name removes it again."""
        last = len(self.names) - 1
        extra = self.column.format(column=column) if column else ""
        path = self._module(last)
        path.write_text(self._text(last, extra))
        # Bytecode is kept by the second and the size: two edits may not look alike.
        self.edits += 1
        past = path.stat().st_mtime - 1_000_000 + self.edits
        os.utime(path, (past, past))

    def _module(self, number: int) -> Path:
        return self.folder / f"{self.names[number]}{self.suffix}"

    def _text(self, number: int, extra: str) -> str:
        first = number * A_MODULE
        numbers = range(first, min(first + A_MODULE, self.tables))
        last = self.tables - 1
        text = self.head
        if number and self.suffix == ".ts":
            text += f'import {{ item{first - 1} }} from "./items_{number - 1}";\n'
        if "{extra}" not in self.table and extra:
            return text + "".join(self._table(n, "") for n in numbers) + extra
        return text + "".join(self._table(n, extra if n == last else "") for n in numbers)

    def _table(self, n: int, extra: str) -> str:
        return self.table.format(n=n, before=max(n - 1, 0), extra=extra)


def sqlalchemy(root: Path, tables: int) -> Modules:
    """Write the package app.models of SQLAlchemy."""
    folder = root / "app" / "models"
    modules = Modules(folder, tables, ".py", SQLALCHEMY_HEAD, SQLALCHEMY_TABLE, SQLALCHEMY_COLUMN)
    modules.write()
    (root / "app" / "__init__.py").touch()
    (folder / "base.py").write_text(SQLALCHEMY_BASE)
    (folder / "__init__.py").write_text(
        f"from app.models import {', '.join(modules.names)}\n"
        'from app.models.base import Base\n\n__all__ = ["Base"]\n'
    )
    return modules


def drizzle(root: Path, tables: int) -> Modules:
    """Write the folder schema of drizzle-kit."""
    modules = Modules(root / "schema", tables, ".ts", DRIZZLE_HEAD, DRIZZLE_TABLE, DRIZZLE_COLUMN)
    modules.write()
    return modules


def django(root: Path, tables: int) -> Modules:
    """Write the package items.models of Django."""
    folder = root / "items" / "models"
    modules = Modules(folder, tables, ".py", DJANGO_HEAD, DJANGO_TABLE, DJANGO_COLUMN)
    modules.write()
    (root / "items" / "__init__.py").touch()
    (folder / "__init__.py").write_text(
        "".join(f"from items.models.{name} import *\n" for name in modules.names)
    )
    return modules
