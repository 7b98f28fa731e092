"""A small project with a history of its own, and its environment on a new database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from limbeck.history import writing
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.settings import Profile, Project
from tests.postgres import facts

REPOSITORY = Path(__file__).parents[2]
WORKER = "LIMBECK_TEST_WORKER"
"""The variable with which projects of the tests run their code in a worker."""


@dataclass(frozen=True)
class Work:
    """A project in a temporary folder, and what tests do with it."""

    project: Project
    history: History

    @property
    def profile(self) -> Profile:
        """The one environment that it has from the start."""
        return self.project.profile("development")

    def revision(
        self,
        message: str,
        upgrade: str = "",
        downgrade: str = "",
        *,
        down: Revision | None = None,
        imports: tuple[str, ...] = (),
    ) -> Revision:
        """Record a revision; a body that begins with SQL runs as one op.execute."""
        path = writing.write(
            self.history,
            message,
            _body(upgrade),
            _body(downgrade),
            down=[down.id] if down else None,
            imports=imports,
        )
        return next(one for one in self.history.revisions() if one.path == path)

    def models(self, text: str) -> None:
        """Write the models anew."""
        head = "from sqlalchemy import *\n\nmetadata = MetaData()\n"
        (self.project.root / "models.py").write_text(head + text)


def empty_project(root: Path) -> Work:
    """Write a project without models and revisions, with one environment."""
    (root / "alembic" / "versions").mkdir(parents=True)
    for name in ("alembic/env.py", "alembic/script.py.mako", "alembic.ini"):
        shutil.copy(REPOSITORY / name, root / name)
    settings = '[tool.limbeck]\nmodels = "models:metadata"\n'
    if os.environ.get(WORKER):
        # Variables of its own are what limbeck's process does not have.
        settings += 'env-file = "variables.env"\n'
        (root / "variables.env").write_text("")
    (root / "pyproject.toml").write_text(settings)
    (root / "env_profiles").mkdir()
    (root / "env_profiles" / "development.env").write_text("PROTECTED=no\n")
    project = Project.find(root)
    return Work(project, History.of(project))


MakeWork: TypeAlias = Callable[[], Work]


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that no other module uses: what others edit and sweep up there changes counts."""
    server = Server(tmp_path_factory.mktemp("edited"), port=None)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def make_work(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> MakeWork:
    """A function that makes an empty project whose shadow is the run's server."""
    monkeypatch.setenv("SHADOW_DATABASE_URL", server.url())

    def make() -> Work:
        return empty_project(tmp_path / f"project{len(list(tmp_path.iterdir()))}")

    return make


@pytest.fixture
def work(make_work: MakeWork, database: Database, monkeypatch: pytest.MonkeyPatch) -> Work:
    """An empty project whose environment `development` is `database`."""
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", database.url)
    return make_work()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold the facts that a trace reads by difference against those that it would read whole."""
    wrong = facts.comparing(monkeypatch)
    yield
    assert wrong == []


def _body(text: str) -> str:
    sql = text.strip().lower().startswith(("create ", "alter ", "drop ", "insert ", "select "))
    return f"op.execute({text!r})" if sql else text
