"""Scaffolded projects to run the installed command in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from limbeck.project import scaffold
from tests.acceptance.workplace import BIN, REPOSITORY, Workplace

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty HOME and nothing of the caller's."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "HOME": str(home),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
    }


@pytest.fixture
def empty_project(tmp_path: Path, variables: dict[str, str]) -> Workplace:
    """What `init` writes, with this repository's history: authors and books."""
    root = tmp_path / "project"
    scaffold.write(scaffold.plan(root))
    versions = root / "alembic" / "versions"
    for path in sorted((REPOSITORY / "alembic" / "versions").glob("*.py")):
        shutil.copy2(path, versions)
    return Workplace(root, variables)


@pytest.fixture
def project(
    empty_project: Workplace, server: Server, make_database: Callable[[str], Any]
) -> Workplace:
    """The same, its two environments on databases of the run's own server, which is the shadow."""
    urls = {name: make_database(name).url for name in ("development", "production")}
    lines = [f"SHADOW_DATABASE_URL={server.url()}"]
    lines.extend(f"DATABASE_URL_{name.upper()}={url}" for name, url in urls.items())
    (empty_project.root / ".env").write_text("\n".join(lines) + "\n")
    return empty_project
