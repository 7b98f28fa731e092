"""Measure limbeck beside its peers: python benchmarks [--tables N] [--runs N] [WORK ...].

Prints a Markdown table: wall seconds (processor seconds), medians, and the ratio ours / theirs
pair by pair, which is what holds on a machine that other work shares.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pairs import Command, Pair
from schema import write_models

from limbeck.branches.binaries import find

BIN = Path(sys.executable).parent

ALEMBIC_ENV = '''"""Plain Alembic, as its documentation sets it up."""

from __future__ import annotations

import os

from alembic import context
from app.models import Base
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["BENCH_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
'''


def limbeck(*words: str, cwd: Path, exits: tuple[int, ...] = (0,)) -> Command:
    """Return our command."""
    return Command((str(BIN / "limbeck"), *words), cwd, {}, exits)


def _quietly(root: Path, *words: str) -> None:
    subprocess.run(
        [BIN / "limbeck", *words],
        cwd=root,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def prepare(root: Path, tables: int) -> str:
    """Make a project of `tables` tables, generated and migrated; return development's URL."""
    _quietly(root, "init", ".", "--yes")
    for old in (root / "alembic" / "versions").glob("*.py"):
        old.unlink()
    for old in (root / "app" / "models").glob("*.py"):
        old.unlink()
    write_models(root, tables)
    for words in (("generate", "-m", "all"), ("migrate", "-e", "development", "--yes")):
        _quietly(root, *words)
    url = subprocess.run(
        [BIN / "limbeck", "url", "-e", "development"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return url.stdout.strip()


def plain_alembic(root: Path, url: str) -> dict[str, str]:
    """Set plain Alembic up beside the project, on the same revisions; return its environment."""
    folder = root / "plain"
    folder.mkdir()
    (folder / "env.py").write_text(ALEMBIC_ENV)
    (folder / "script.py.mako").write_text((root / "alembic" / "script.py.mako").read_text())
    (folder / "versions").symlink_to(root / "alembic" / "versions")
    (root / "plain.ini").write_text("[alembic]\nscript_location = %(here)s/plain\n")
    return {
        "BENCH_URL": url.replace("postgresql://", "postgresql+psycopg://"),
        "PYTHONPATH": str(root),
    }


def start_up(root: Path) -> Pair:
    """`limbeck --help` beside the import of Click, which it cannot do without."""
    theirs = Command((sys.executable, "-c", "import click"), root, {})
    return Pair("--help", limbeck("--help", cwd=root), "import click", theirs, "≤ 1.5")


def everyday(root: Path, tables: int) -> Iterator[Pair]:
    """Yield the everyday commands beside plain Alembic's and pg_dump's."""
    url = prepare(root, tables)
    env = plain_alembic(root, url)
    alembic = (str(BIN / "alembic"), "-c", "plain.ini")
    check = Command((*alembic, "check"), root, env, (0, 255))
    yield Pair(
        f"generate, nothing changed, {tables} tables",
        limbeck("generate", cwd=root),
        "alembic check",
        check,
        "≤ 0.2",
    )
    yield Pair(
        f"migrate, nothing pending, {tables} tables",
        limbeck("migrate", "-e", "development", cwd=root),
        "alembic upgrade head",
        Command((*alembic, "upgrade", "head"), root, env),
        "≤ 0.5",
    )

    dump = Command((str(find().program("pg_dump")), "--schema-only", url), root, {})
    yield Pair(
        f"pull with its proof, {tables} tables",
        limbeck("pull", "--url", url, "--out", "pulled.py", cwd=root),
        "pg_dump -s",
        dump,
        "≤ 2",
    )


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    print("| work | limbeck s | peer s | ratio | aim |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="limbeck-bench-") as folder:
        root = Path(folder)
        print(start_up(root).compare(chosen.runs).row(), flush=True)
        for pair in everyday(root, chosen.tables):
            print(pair.compare(chosen.runs).row(), flush=True)
        _quietly(root, "local", "stop")
    return 0


if __name__ == "__main__":
    sys.exit(main())
