"""Measure limbeck beside its peers: python benchmarks [--tables N] [--runs N] [WORK ...].

Prints a Markdown table: wall seconds (processor seconds), medians, and the ratio ours / theirs
pair by pair, which is what holds on a machine that other work shares.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pairs import Command, Pair
from project import BIN, limbeck, plain_alembic, prepare, quietly

from limbeck.postgres.embedded.binaries import find


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
        f"pull --no-prove, {tables} tables",
        limbeck("pull", "--url", url, "--out", "pulled.py", "--no-prove", "--force", cwd=root),
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
        quietly(root, "local", "stop")
    return 0


if __name__ == "__main__":
    sys.exit(main())
