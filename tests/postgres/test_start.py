"""What a command loads and computes before its own work begins: counted, as seconds vary."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import MakeWork, Work

# `run` ends the process as soon as the command has its answer.
PROGRAM = """
import gc, json, os, sys
from types import FunctionType
from limbeck.cli import run

def collections():
    return sum(generation["collections"] for generation in gc.get_stats())

def report(code):
    modules = [name for name, module in sys.modules.items() if module]
    own = [vars(sys.modules[name]) for name in modules if name.startswith("limbeck")]
    values = [each for names in own for each in names.values() if hasattr(each, "__match_args__")]
    classes = {each for each in values if isinstance(each, type) and "__getstate__" in vars(each)}
    compiled = [each for each in classes if isinstance(vars(each)["__init__"], FunctionType)]
    counts = [code, modules, len(classes), len(compiled), collections() - before]
    print(json.dumps(counts), file=sys.stderr)

os._exit = report
before = collections()
run()
"""
TABLE = "Table('t{}', metadata, Column('id', Integer, primary_key=True), Column('name', Text))"


class Counts(NamedTuple):
    """What a command has loaded, how many frozen dataclasses, and how many of them had values."""

    modules: set[str]
    classes: int
    compiled: int
    collections: int

    def of(self, *packages: str) -> set[str]:
        """Return what was loaded of some packages."""
        return {name for name in self.modules if f"{name}.".startswith(packages)}


def counts(work: Work, *words: str) -> Counts:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--project", str(work.project.root), *words],
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules, *others = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return Counts(set(modules), *others)


@pytest.fixture
def generated(make_work: MakeWork) -> Work:
    """A project of ten tables whose models and history are equal, and cached."""
    work = make_work()
    work.models("\n".join(TABLE.format(number) for number in range(10)))
    counts(work, "generate")
    counts(work, "generate")
    return work


def test_generate_loads_what_it_needs(generated: Work) -> None:
    same = counts(generated, "generate")
    assert same.of("sqlalchemy.", "alembic.", "mako.", "models.") == set()
    assert same.of("limbeck.schema.catalog.", "limbeck.schema.diff.", "limbeck.engine.") == set()
    assert len(same.of("limbeck.")) <= 93

    models = generated.project.root / "models.py"
    models.write_text(models.read_text().replace("Text)", "Text), Column('late', Integer)", 1))
    changed = counts(generated, "generate", "-m", "late")
    # They are for terminals only; and Mako would load Pygments for its error pages.
    assert changed.of("rich.", "pygments.", "markdown_it.", "limbeck.cli.drawing.") == set()
    assert changed.of("limbeck.cli.progress.", "limbeck.cli.live.") == set()
    later = ("limbeck.phased.backfill.", "limbeck.phased.gates.", "limbeck.phased.undo.")
    assert (
        changed.of(*later, "limbeck.run.", "limbeck.lint.rules.", "limbeck.models.pull.") == set()
    )
    assert changed.of("limbeck.phased.expand.candidates.", "limbeck.lint.trace.", "httpx.") == set()
    assert len(changed.of("limbeck.")) <= 337
    # Compiling the functions of a dataclass takes longer than all else that its module does.
    assert changed.compiled < changed.classes / 2
    # All that a command allocates lives until it ends; one collection takes 20 ms.
    assert changed.collections <= 1


def test_migrate_without_pending_revisions_loads_what_it_needs(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", database.url)
    work.revision("one", "create table one ()")
    counts(work, "migrate", "-e", "development")
    same = counts(work, "migrate", "-e", "development")
    assert same.of("sqlalchemy.", "alembic.", "models.", "httpx.") == set()
    assert same.of("limbeck.schema.catalog.", "limbeck.lint.", "limbeck.shadow.") == set()
    # psycopg would load them for its own version.
    assert same.of("importlib.metadata.", "email.") == set()
    assert same.of("rich.", "pygments.") == set()
    assert len(same.of("limbeck.")) <= 110
