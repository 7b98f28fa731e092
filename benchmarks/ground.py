"""What a benchmark beside applications stands on: a server, a project, and its database."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg

from limbeck.postgres.embedded.server import Server


def new_project(program: Path, folder: Path) -> Path:
    """Return a new project of a limbeck, with its models in one module."""
    project = folder / "project"
    subprocess.run([program, "init", project, "--yes"], check=True, capture_output=True)
    settings = project / "pyproject.toml"
    text = settings.read_text().replace("app.models:Base.metadata", "models:metadata")
    settings.write_text(text)
    (project / "env_profiles" / "development.env").write_text("PROTECTED=no\n")
    return project


@dataclass(frozen=True, slots=True)
class Ground:
    """A server, a limbeck, and a project of it whose environment is a database of the server."""

    server: Server
    program: Path
    project: Path
    rows: int

    @property
    def url(self) -> str:
        """The database that is changed."""
        return self.server.url("traffic")

    def limbeck(self, *words: str) -> str:
        """Run a command in the project."""
        done = subprocess.run(
            [self.program, *words],
            cwd=self.project,
            env={**os.environ, "DATABASE_URL_DEVELOPMENT": self.url},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"limbeck {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def begin(self, models: str, role: str = "") -> None:
        """Create the database and the history of these models; `role` is SQL that goes before."""
        for old in (self.project / "alembic" / "versions").glob("*.py"):
            old.unlink()
        self.write(models)
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS traffic WITH (FORCE)")
            connection.execute("CREATE DATABASE traffic")
            connection.execute(role.encode())
        self.limbeck("generate", "-m", "base")
        self.limbeck("migrate", "--yes")

    def write(self, models: str) -> None:
        """Write the models of the project anew."""
        (self.project / "models.py").write_text(models)
