"""A project to measure in, ours and plain Alembic's beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pairs import Command
from schema import write_models

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


def quietly(root: Path, *words: str) -> None:
    """Run our command, which has to succeed."""
    subprocess.run(
        [BIN / "limbeck", *words],
        cwd=root,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def prepare(root: Path, tables: int) -> str:
    """Make a project of `tables` tables, generated and migrated; return development's URL."""
    quietly(root, "init", ".", "--yes")
    for old in (root / "alembic" / "versions").glob("*.py"):
        old.unlink()
    for old in (root / "app" / "models").glob("*.py"):
        old.unlink()
    write_models(root, tables)
    for words in (("generate", "-m", "all"), ("migrate", "-e", "development", "--yes")):
        quietly(root, *words)
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
