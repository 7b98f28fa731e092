"""The cached catalog of the models is used while all that they read is the same, never after."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from limbeck.settings import Project
from limbeck.shadow import ingredients, keys
from limbeck.shadow.unchanged import unchanged
from tests.postgres.conftest import empty_project

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import MakeWork

FILES = {
    "pyproject.toml": '[tool.limbeck]\nmodels = "shop.models:metadata"\n',
    "shop/__init__.py": "",
    "shop/models/__init__.py": """
import os, pkgutil
from importlib import import_module
from pathlib import Path
from sqlalchemy import *
from shop.base import metadata
for found in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{found.name}")
prefix = os.environ.get("SHOP_PREFIX", "")
os.environ.setdefault("SHOP_SET_HERE", "1")
Table(prefix + "listed", metadata, Column("id", Integer, primary_key=True))
for line in (Path(__file__).parents[1] / "columns.txt").read_text().split():
    metadata.tables[prefix + "listed"].append_column(Column(line, Text))
try:
    exec((Path(__file__).parents[1] / "local.txt").read_text())
except FileNotFoundError:
    pass
for path in sorted((Path(__file__).parents[1] / "more").glob("*.txt")):
    Table(path.stem, metadata, Column("id", Integer, primary_key=True))
""",
    "shop/base.py": "from sqlalchemy import MetaData\n\nmetadata = MetaData()\n",
    "shop/models/books.py": """
from sqlalchemy import *
from shop.base import metadata
Table("books", metadata, Column("id", Integer, primary_key=True))
""",
    "shop/columns.txt": "one two",
    "shop/more/first.txt": "",
}
# Variables of its own are what limbeck's process does not have.
IN_WORKER = FILES["pyproject.toml"] + 'env-file = "variables.env"\n'
BOOKS = Path("shop/models/books.py")


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def limbeck(root: Path, *words: str) -> str:
    """Run the command in a process of its own, which has imported nothing of the project."""
    done = subprocess.run(
        [Path(sys.executable).with_name("limbeck"), *words],
        cwd=root,
        # As everywhere: Python writes its __pycache__ while the models are watched.
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def recreated(root: Path, *words: str) -> bool:
    """Return whether `generate` created the models again, to find that nothing has changed."""
    output = limbeck(root, "generate", *words)
    assert "No changes" in output
    return "creating the models" in output


@pytest.fixture
def project(make_work: MakeWork) -> Project:
    """A project whose models are cached."""
    root = make_work().project.root
    put(root, FILES)
    limbeck(root, "generate")
    return Project.find(root)


@pytest.fixture(scope="module", params=["in this process", "in a worker"])
def shared(
    server: Server, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Project]:
    """The same for tests that leave everything as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHADOW_DATABASE_URL", server.url())
        project = empty_project(tmp_path_factory.mktemp("shared")).project
        put(project.root, FILES)
        if request.param == "in a worker":
            put(project.root, {"pyproject.toml": IN_WORKER, "variables.env": ""})
        limbeck(project.root, "generate")
        yield Project.find(project.root)


@dataclass(frozen=True)
class Change:
    """A change of one ingredient, and how it is undone."""

    name: str
    do: Callable[[Path], object]
    undo: Callable[[Path], object]


def same_size_and_time(path: Path, old: str, new: str) -> None:
    """Change a file as nobody sees who looks at its size and time only."""
    before = path.stat()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = (
    Change(
        "a file that was imported is another",
        lambda root: same_size_and_time(root / BOOKS, "books", "looks"),
        lambda root: same_size_and_time(root / BOOKS, "looks", "books"),
    ),
    Change(
        "a file that was imported is gone",
        lambda root: (root / BOOKS).rename(root / "away"),
        lambda root: (root / "away").rename(root / BOOKS),
    ),
    Change(
        "a module is added to a package that imports all of its own",
        lambda root: (root / "shop/models/authors.py").write_text(""),
        lambda root: (root / "shop/models/authors.py").unlink(),
    ),
    Change(
        "a module is added that hides an installed one",
        lambda root: (root / "sqlalchemy.py").write_text(""),
        lambda root: (root / "sqlalchemy.py").unlink(),
    ),
    Change(
        "a file that was opened is another",
        lambda root: (root / "shop/columns.txt").write_text("one three"),
        lambda root: (root / "shop/columns.txt").write_text("one two"),
    ),
    Change(
        "a file is there that was looked for in vain",
        lambda root: (root / "shop/local.txt").write_text(""),
        lambda root: (root / "shop/local.txt").unlink(),
    ),
    Change(
        "a folder that was listed has one file more",
        lambda root: (root / "shop/more/second.txt").write_text(""),
        lambda root: (root / "shop/more/second.txt").unlink(),
    ),
    Change(
        "a variable that was read is set",
        lambda _: os.environ.update(SHOP_PREFIX="a_"),
        lambda _: os.environ.pop("SHOP_PREFIX"),
    ),
    Change(
        "a variable that was read and set by the models is set before",
        lambda _: os.environ.update(SHOP_SET_HERE="2"),
        lambda _: os.environ.pop("SHOP_SET_HERE"),
    ),
)


def state(project: Project) -> str:
    known = ingredients.load(project)
    assert known is not None
    return known.state(project, os.environ)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_everything_that_the_models_read_counts(shared: Project, change: Change) -> None:
    before = state(shared)
    change.do(shared.root)
    try:
        assert state(shared) != before
    finally:
        change.undo(shared.root)
    assert state(shared) == before


def test_a_variable_that_nobody_read_does_not_count(
    shared: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(shared)
    monkeypatch.setenv("SHOP_OTHER", "1")
    assert state(shared) == before


def test_no_value_of_a_variable_is_written_down(
    shared: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PREFIX", "hush_hush")
    limbeck(shared.root, "diff", "models", "models")
    text = (shared.home / "cache" / "ingredients.json").read_text()
    assert "SHOP_PREFIX" in text
    assert "hush" not in text


def test_models_in_memory_are_not_judged_by_their_files(
    shared: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared.models.startswith("shop.")
    assert keys.models(shared, "server") is not None
    monkeypatch.setitem(sys.modules, "shop", type(sys)("shop"))
    assert keys.models(shared, "server") is None
    assert not unchanged(shared)


def test_a_cache_without_the_number_of_tables_counts(shared: Project) -> None:
    """As an earlier version has written it."""
    limbeck(shared.root, "generate")
    for path in (shared.home / "cache").glob("replay-*"):
        line, end, catalog = path.read_bytes().partition(b"\n")
        path.write_bytes(line.split()[0] + end + catalog)
    program = Path(sys.executable).with_name("limbeck")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [program, "generate"],
        cwd=shared.root,
        env={**environment, "PYTHONPROFILEIMPORTTIME": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "No changes" in done.stdout
    assert "limbeck.generate.writing" not in done.stderr


def test_models_are_created_again_only_after_a_change(project: Project) -> None:
    root = project.root
    assert recreated(root, "--no-cache")
    (root / BOOKS).write_text((root / BOOKS).read_text() + "# only a comment\n")
    assert recreated(root)
    assert not recreated(root)
    limbeck(root, "check")
    (root / "shop/columns.txt").write_text("one two three")
    assert "listed.three" in limbeck(root, "diff", "head", "models")
    assert "three" in limbeck(root, "generate")
    assert not recreated(root)


def test_models_that_are_what_they_were_start_no_interpreter(
    make_work: MakeWork, tmp_path: Path
) -> None:
    root, starts = make_work().project.root, tmp_path / "starts"
    program = f"#!/bin/sh\necho \"$2\" >> '{starts}'\nexec '{sys.executable}' \"$@\"\n"
    put(root, {**FILES, "python": program})
    (root / "python").chmod(0o755)
    put(root, {"pyproject.toml": FILES["pyproject.toml"] + 'python = "python"\n'})

    def started(*words: str) -> int:
        starts.write_text("")
        limbeck(root, *words)
        return starts.read_text().split().count("models")

    assert started("generate") == 1
    assert started("generate") == 0
    assert started("generate", "--no-cache") == 1
    (root / "python").write_text(f"{program}# another interpreter\n")
    assert started("generate") == 1


def test_models_that_ask_elsewhere_are_never_cached(make_work: MakeWork) -> None:
    root = make_work().project.root
    put(root, {**FILES, str(BOOKS): FILES[str(BOOKS)] + "import os\nos.system('true')\n"})
    limbeck(root, "generate")
    assert recreated(root)


RECORDED = """
import json, os, socket, sqlite3, subprocess, sys
from sqlalchemy import create_engine
from limbeck.project.code.recording import recording
from limbeck.shadow.creation import noticing_connections
for line in sys.argv[1:]:
    with recording() as recorded, noticing_connections(recorded):
        exec(line)
    print(recorded.unsound or json.dumps(recorded.read()["variables"]))
"""
HEARD = {
    "subprocess.run(['true'])": "subprocess.Popen",
    "os.fork() or os._exit(0)": "os.fork",
    "sqlite3.connect(':memory:')": "sqlite3.connect",
    "create_engine('sqlite://').connect()": "an engine connected",
    "socket.socket().connect_ex(('127.0.0.1', 9))": "socket.connect",
    "os.environ.get('A'), os.getenv('B'), 'C' in os.environ": '["A", "B", "C"]',
    "dict(os.environ)": '["*"',
    "os.environ['SET_HERE'] = '1'": "[]",
}


def test_a_recording_hears_what_is_asked_elsewhere_and_which_variables_are_read(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", RECORDED, *HEARD]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    for heard, line in zip(HEARD.values(), lines, strict=True):
        assert line.startswith(heard)
