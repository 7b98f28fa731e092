"""One history of any length in every tool's words.

Each tenth revision creates a table of three columns, each other one adds a column to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

A_TABLE = 10  # revisions
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)

ALEMBIC = '''"""Revision {n}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {undo}
'''
ALEMBIC_TABLE = """op.create_table(
        "t{t}",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("t{t}_pkey")),
    )"""
MODELS = '''"""All tables."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables."""
'''
MODEL = '''

class T{t}(Base):
    """Table {t}."""

    __tablename__ = "t{t}"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    note: Mapped[str | None] = mapped_column(Text)
'''
DJANGO = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{before}]
    operations = [{operation}]
"""
DJANGO_TABLE = """migrations.CreateModel("T{t}", [
        ("id", models.AutoField(primary_key=True)),
        ("name", models.CharField()),
        ("note", models.TextField(null=True)),
    ], options={{"db_table": "t{t}"}})"""
DJANGO_MODEL = """

class T{t}(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField()
    note = models.TextField(null=True)
{columns}
    class Meta:
        db_table = "t{t}"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A revision: the number decides the table, and the column that it adds, if any."""

    n: int

    @property
    def table(self) -> int:
        """The number of its table."""
        return self.n // A_TABLE

    @property
    def column(self) -> str | None:
        """The column that it adds."""
        return f"c{self.n % A_TABLE}" if self.n % A_TABLE else None

    @property
    def name(self) -> str:
        """Its identifier."""
        return f"r{self.n:05}"

    @property
    def stamp(self) -> str:
        """Its moment, as names of files have it."""
        return f"{BEGIN + timedelta(seconds=self.n):%Y%m%d%H%M%S}"

    @property
    def sql(self) -> str:
        """Its statement."""
        if self.column:
            return f"ALTER TABLE t{self.table} ADD COLUMN {self.column} integer;"
        return (
            f"CREATE TABLE t{self.table} (id serial PRIMARY KEY, name varchar NOT NULL, note text);"
        )


def steps(revisions: int) -> Iterator[Step]:
    """Yield the revisions of a history."""
    return (Step(n) for n in range(revisions))


def alembic(versions: Path, revisions: int) -> None:
    """Write the files of Alembic, which are limbeck's too."""
    for step in steps(revisions):
        t, column = step.table, step.column
        up = f'op.add_column("t{t}", sa.Column("{column}", sa.Integer(), nullable=True))'
        undo = f'op.drop_column("t{t}", "{column}")'
        text = ALEMBIC.format(
            n=step.n,
            name=step.name,
            down=f'"{Step(step.n - 1).name}"' if step.n else None,
            up=up if column else ALEMBIC_TABLE.format(t=t),
            undo=undo if column else f'op.drop_table("t{t}")',
        )
        (versions / f"{step.name}.py").write_text(text)


def sqlalchemy(root: Path, revisions: int) -> None:
    """Write the models that the history leads to."""
    folder = root / "app" / "models"
    folder.mkdir(parents=True)
    (root / "app" / "__init__.py").touch()
    text = MODELS
    for step in steps(revisions):
        text += f"    {step.column}: Mapped[int | None]\n" if step.column else ""
        text += "" if step.column else MODEL.format(t=step.table)
    (folder / "__init__.py").write_text(text)


def drizzle(folder: Path, revisions: int) -> None:
    """Write the folder of drizzle-kit 0.31: SQL files and a journal."""
    (folder / "meta").mkdir(parents=True)
    entries = []
    for step in steps(revisions):
        (folder / f"{step.name}.sql").write_text(step.sql + "\n")
        when = int((BEGIN + timedelta(seconds=step.n)).timestamp() * 1000)
        entries.append(
            {"idx": step.n, "version": "7", "when": when, "tag": step.name, "breakpoints": True}
        )
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    (folder / "meta" / "_journal.json").write_text(json.dumps(journal))


def drizzle_1(folder: Path, revisions: int) -> None:
    """Write the folders of drizzle-kit 1.0: each revision has one."""
    for step in steps(revisions):
        place = folder / f"{step.stamp}_{step.name}"
        place.mkdir(parents=True)
        (place / "migration.sql").write_text(step.sql + "\n")


def django(root: Path, revisions: int) -> None:
    """Write the app items of Django: its migrations, and the models they lead to."""
    folder = root / "items" / "migrations"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (root / "items" / "__init__.py").touch()
    columns: dict[int, str] = {}
    for step in steps(revisions):
        t, column = step.table, step.column
        columns.setdefault(t, "")
        operation = DJANGO_TABLE.format(t=t)
        if column:
            operation = f'migrations.AddField("T{t}", "{column}", models.IntegerField(null=True))'
            columns[t] += f"    {column} = models.IntegerField(null=True)\n"
        before = f'("items", "{Step(step.n - 1).name}")' if step.n else ""
        text = DJANGO.format(before=before, operation=operation)
        (folder / f"{step.name}.py").write_text(text)
    models = (DJANGO_MODEL.format(t=t, columns=text) for t, text in columns.items())
    (root / "items" / "models.py").write_text("from django.db import models\n" + "".join(models))


def dbmate(folder: Path, revisions: int) -> None:
    """Write the files of dbmate."""
    folder.mkdir(parents=True)
    for step in steps(revisions):
        text = f"-- migrate:up\n{step.sql}\n\n-- migrate:down\n"
        (folder / f"{step.stamp}_{step.name}.sql").write_text(text)


def sqitch(root: Path, revisions: int) -> None:
    """Write the plan and the scripts of sqitch."""
    (root / "deploy").mkdir(parents=True)
    (root / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    lines = ["%syntax-version=1.0.0", "%project=bench", ""]
    for step in steps(revisions):
        stamp = f"{BEGIN + timedelta(seconds=step.n):%Y-%m-%dT%H:%M:%SZ}"
        lines.append(f"{step.name} {stamp} Bench <bench@example.org> # revision {step.n}")
        script = f"BEGIN;\n{step.sql}\nCOMMIT;\n"
        (root / "deploy" / f"{step.name}.sql").write_text(script)
    (root / "sqitch.plan").write_text("\n".join(lines) + "\n")


def psql(path: Path, revisions: int) -> None:
    """Write one script, a transaction for each revision."""
    path.write_text("".join(f"BEGIN;\n{step.sql}\nCOMMIT;\n" for step in steps(revisions)))
