"""The pictures in docs/pictures, each from a real run; `make pictures` draws them again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from limbeck.postgres.embedded.server import Server
from tests import recording
from tests.recording import END_OF_FILE, Scene, Typing

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
LIMBECK = Path(sys.executable).parent / "limbeck"
MODELS = """from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
"""
CHANGE = """    isbn: Mapped[str | None] = mapped_column(unique=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"), index=True)
"""


CONFIRMED = Typing("Type production to continue: ", "production\n")


@dataclass(frozen=True)
class Site:
    """A project in a folder, and the variables that its commands get."""

    root: Path
    variables: Mapping[str, str]

    def run(self, *words: str) -> str:
        """Run limbeck and return what it printed, on both streams in their order."""
        done = subprocess.run(
            [str(LIMBECK), *words],
            cwd=self.root,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 3}, done.stdout
        return done.stdout

    def answer(self, *words: str) -> str:
        """Run limbeck and return its answer alone."""
        return subprocess.run(
            [str(LIMBECK), *words],
            cwd=self.root,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    def scene(self, *words: str, answers: Iterable[Typing] = ()) -> Scene:
        """Run limbeck on a terminal."""
        shown = recording.typed([str(LIMBECK), *words], answers, self.root, self.variables)
        return Scene(f"limbeck {' '.join(words)}", shown, tuple(answers))

    def edited(self, lines: str) -> Scene:
        """Append lines to the models, on a terminal."""
        command = "cat >> models.py"
        keys = Typing("", lines + END_OF_FILE)
        shown = recording.typed(["sh", "-c", command], [keys], self.root, self.variables)
        return Scene(command, shown)


def site(root: Path, shadow: str, urls: Mapping[str, str]) -> Site:
    """Write a project with two tables, which both environments have."""
    (root / "models.py").write_text(MODELS)
    (root / "pyproject.toml").write_text('[tool.limbeck]\nmodels = "models:Base.metadata"\n')
    names = {f"DATABASE_URL_{name.upper()}": url for name, url in urls.items()}
    left = {"PATH": os.environ["PATH"], "HOME": str(root), "NO_COLOR": "1"}
    made = Site(root, {**left, **names, "SHADOW_DATABASE_URL": shadow})
    made.run("init", "--yes")
    made.run("generate", "-m", "authors and books")
    made.run("migrate", "-e", "development")
    made.run("migrate", "-e", "production", "--yes")
    return made


def drawn(place: Site) -> dict[str, str]:
    """Return every picture by the name of its file."""
    session = [place.edited(CHANGE)]
    svg = place.answer("erd", "head", "models", "--format", "svg")
    session.append(place.scene("generate"))
    locks = place.answer("lint", "-e", "development", "--format", "svg")
    session.append(place.scene("migrate", "-e", "development"))
    session.append(place.scene("status"))
    session.append(place.scene("migrate", "-e", "production", answers=[CONFIRMED]))
    pictures = {"session.svg": recording.drawn(session), "locks.svg": locks, "erd.svg": svg}
    return {**pictures, "phases.svg": _phased(place)}


def _phased(place: Site) -> str:
    """Rename a column without downtime, as far as the backfill of development."""
    models = place.root / "models.py"
    models.write_text(models.read_text().replace("    title:", "    heading:"))
    rename = "public.books.title:public.books.heading"
    with psycopg.connect(place.variables["DATABASE_URL_DEVELOPMENT"]) as connection:
        connection.execute("INSERT INTO books (title) SELECT 'x' FROM generate_series(1, 100)")
    place.run("generate", "--zero-downtime", "--rename", rename, "-m", "name the heading")
    place.run("migrate", "-e", "development")
    place.run("backfill", "-e", "development")
    return place.answer("status", "--format", "svg")


def masked(picture: str) -> str:
    """Return a picture without what differs from run to run: ids, dates, times, addresses."""
    for pattern, mask in (
        (r"(?<![0-9a-f])(?=[0-9a-f]*\d)[0-9a-f]{12}(?![0-9a-f])", "ID"),
        (r"\d{4}_\d\d_\d\d_", "DATE_"),
        (r"\d+\.\d\d s", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "WHEN"),
        (r"[\w-]+@127\.0\.0\.1:\d+/\w*", "DATABASE"),
    ):
        picture = re.sub(pattern, mask, picture)
    return picture


@contextmanager
def shop(folder: Path) -> Iterator[Site]:
    """Yield a site with a server of its own, so that its databases have these very names."""
    server = Server(folder / "server", port=None)
    server.start()
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for name in ("development", "production"):
                connection.execute(f"CREATE DATABASE {name}")
        root = folder / "shop"
        root.mkdir()
        urls = {name: server.url(name) for name in ("development", "production")}
        yield site(root, server.url(), urls)
    finally:
        server.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, shop(Path(folder)) as place:
        for file, picture in drawn(place).items():
            (FOLDER / file).write_text(picture, encoding="utf-8")
