"""The same schema and the same change by limbeck and drizzle-kit: python benchmarks/drizzle.py.

[--tables N] [--runs N]. Needs node and npm, which fetch drizzle-kit into a temporary folder.
Prints the table that `python benchmarks` prints. What is done is not quite the same: drizzle-kit
compares two descriptions and writes; limbeck also replays the history, creates the models and
proves the revision on a real Postgres, both ways.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pairs import Command, Pair
from project import limbeck, prepare, quietly
from schema import write_models

PACKAGES = {"drizzle-kit": "0.31.11", "drizzle-orm": "0.45.2", "pg": "8.20.0"}
EXTRA = "\n    extra: Mapped[str | None]\n"
CONFIG = """
import { defineConfig } from "drizzle-kit";
export default defineConfig({
  dialect: "postgresql", schema: "./schema.ts", out: "./drizzle",
  dbCredentials: { url: process.env.BENCH_URL! },
});
"""
HEAD = """
import { boolean, index, integer, numeric, pgTable, serial, text, timestamp, varchar,
  type AnyPgColumn } from "drizzle-orm/pg-core";
"""
TABLE = """
export const item{n} = pgTable("item_{n}", {{
  id: serial("id").primaryKey(),
  name: varchar("name").notNull(),
  note: text("note"),
  price: numeric("price", {{ precision: 10, scale: 2 }}),
  active: boolean("active").notNull().default(true),
  madeAt: timestamp("made_at").notNull().defaultNow(),
  amount: integer("amount"),
  beforeId: integer("before_id").references((): AnyPgColumn => item{before}.id),{extra}
}}, (table) => [
  index("ix_item_{n}_name").on(table.name), index("ix_item_{n}_made_at").on(table.madeAt),
]);
"""
COLUMN = '\n  extra: varchar("extra"),'


def write_schema(root: Path, tables: int, *, extra: str = "") -> None:
    """Write schema.ts with the tables that schema.write_models writes; `extra` is for the last."""
    bodies = [
        TABLE.format(n=n, before=max(n - 1, 0), extra=extra if n == tables - 1 else "")
        for n in range(tables)
    ]
    (root / "schema.ts").write_text(HEAD + "".join(bodies))


def prepare_drizzle(root: Path, tables: int, url: str) -> dict[str, str]:
    """Install drizzle-kit, generate and migrate the same tables in a database of their own."""
    root.mkdir()
    package = {"name": "bench", "private": True, "dependencies": PACKAGES}
    (root / "package.json").write_text(json.dumps(package))
    (root / "drizzle.config.ts").write_text(CONFIG)
    write_schema(root, tables)
    env = {"BENCH_URL": url.rpartition("/")[0] + "/drizzle"}
    subprocess.run(["npm", "install", "--silent", "--no-audit"], cwd=root, check=True)
    quietly(root.parent / "ours", "branches", "create", "drizzle", "--parent", "production")
    for verb in ("generate", "migrate"):
        drizzle(root, env, verb).run()
    return env


def drizzle(root: Path, env: dict[str, str], verb: str, *, then: str = "true") -> Command:
    """Return drizzle-kit's command; `then` is run by the shell after it."""
    return Command(("sh", "-c", f"node_modules/.bin/drizzle-kit {verb} && {then}"), root, env)


def everyday(folder: Path, tables: int) -> Iterator[Pair]:
    """Yield the everyday commands beside drizzle-kit's."""
    ours, theirs = folder / "ours", folder / "theirs"
    ours.mkdir()
    env = prepare_drizzle(theirs, tables, prepare(ours, tables))
    yield Pair(
        f"generate, nothing changed, {tables} tables",
        limbeck("generate", cwd=ours),
        "drizzle-kit generate",
        drizzle(theirs, env, "generate"),
        "≤ 1",
    )
    yield Pair(
        f"migrate, nothing pending, {tables} tables",
        limbeck("migrate", "-e", "development", cwd=ours),
        "drizzle-kit migrate",
        drizzle(theirs, env, "migrate"),
        "≤ 1",
    )
    write_models(ours, tables, extra=EXTRA)
    write_schema(theirs, tables, extra=COLUMN)
    # A new name each time: what is kept of the models is of no use, as after any edit.
    rename = 'sed -i "s/    extra[0-9]*:/    extra$(date +%N):/" app/models/items.py'
    generate = " ".join(limbeck("generate", "-m", "one", cwd=ours).words)
    line = f"{rename} && {generate} && rm alembic/versions/*one.py"
    subprocess.run(["cp", "-r", "drizzle", "before"], cwd=theirs, check=True)
    yield Pair(
        f"generate, one column added, {tables} tables, proved by ours",
        Command(("sh", "-c", line), ours, {}),
        "drizzle-kit generate",
        drizzle(theirs, env, "generate", then="rm -r drizzle && cp -r before drizzle"),
        "≤ 2",
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks/drizzle.py", description=__doc__)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    print("| work | limbeck s | peer s | ratio | aim |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="limbeck-bench-") as folder:
        for pair in everyday(Path(folder), chosen.tables):
            print(pair.compare(chosen.runs).row(), flush=True)
        quietly(Path(folder) / "ours", "local", "stop")
    return 0


if __name__ == "__main__":
    sys.exit(main())
