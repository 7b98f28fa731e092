"""The pictures in docs/pictures, each from a real run; `make pictures` draws them again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import psycopg

from limbeck.postgres.embedded.server import Server

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
LIMBECK = Path(sys.executable).parent / "limbeck"
COLUMNS, LETTER, ROW = 120, 7.8, 19
STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: #e6edf3; white-space: pre; }
.typed { fill: #7ee787; font-weight: 600; }
"""
STAGE = re.compile(r" on the shadow$|^(replaying|tracing|probing) ")
"""What limbeck prints while it works, which depends on how quick the machine is."""

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


def site(root: Path, shadow: str, urls: Mapping[str, str]) -> Site:
    """Write a project with two tables, which development has."""
    (root / "models.py").write_text(MODELS)
    (root / "pyproject.toml").write_text('[tool.limbeck]\nmodels = "models:Base.metadata"\n')
    names = {f"DATABASE_URL_{name.upper()}": url for name, url in urls.items()}
    left = {"PATH": os.environ["PATH"], "HOME": str(root), "NO_COLOR": "1"}
    made = Site(root, {**left, **names, "SHADOW_DATABASE_URL": shadow})
    made.run("init", "--yes")
    made.run("generate", "-m", "authors and books")
    made.run("migrate", "-e", "development")
    return made


def drawn(place: Site) -> dict[str, str]:
    """Return every picture by the name of its file."""
    with (place.root / "models.py").open("a") as models:
        models.write(CHANGE)
    svg = place.answer("erd", "head", "models", "--format", "svg")
    session = [("generate",), ("migrate", "-e", "development"), ("status",)]
    told = [(words, place.run(*words)) for words in session[:1]]
    locks = place.answer("lint", "-e", "development", "--format", "svg")
    told += [(words, place.run(*words)) for words in session[1:]]
    phases = _phased(place)
    return {"session.svg": terminal(told), "locks.svg": locks, "erd.svg": svg, "phases.svg": phases}


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


def terminal(told: Sequence[tuple[Sequence[str], str]]) -> str:
    """Return a session as a picture: each command with what it printed."""
    lines = [line for words, text in told for line in _lines(words, text)]
    width, height = COLUMNS * LETTER + 32, ROW * len(lines) + 52
    box = f'width="{width:.0f}" height="{height}"'
    view = f'viewBox="0 0 {width:.0f} {height}"'
    dots = enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box} {view}>',
        "<title>A session of limbeck</title>",
        f"<style>{STYLE}</style>",
        f'<rect {box} rx="8" fill="#0d1117"/>',
        *(f'<circle cx="{18 + 18 * n}" cy="18" r="6" fill="{colour}"/>' for n, colour in dots),
        *(
            f'<text x="16" y="{50 + ROW * n}"{kind}>{escape(line)}</text>'
            for n, (line, kind) in enumerate(lines)
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _lines(words: Sequence[str], text: str) -> Iterator[tuple[str, str]]:
    yield f"$ limbeck {' '.join(words)}", ' class="typed"'
    for line in text.rstrip().splitlines():
        if not STAGE.search(line):
            indent = " " * (len(line) - len(line.lstrip()) + 2)
            wrapped = textwrap.wrap(line, COLUMNS, drop_whitespace=False, subsequent_indent=indent)
            yield from ((part, "") for part in wrapped or [""])
    yield "", ""


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


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "server", port=None)
        server.start()
        try:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                for name in ("development", "production"):
                    connection.execute(f"CREATE DATABASE {name}")
            root = Path(folder) / "shop"
            root.mkdir()
            urls = {name: server.url(name) for name in ("development", "production")}
            FOLDER.mkdir(exist_ok=True)
            for file, picture in drawn(site(root, server.url(), urls)).items():
                (FOLDER / file).write_text(picture, encoding="utf-8")
        finally:
            server.stop()
