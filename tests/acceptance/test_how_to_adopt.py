"""docs/how-to/adopt.md on two projects: its commands, its files, and git afterwards."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.acceptance.workplace import BIN, REPOSITORY, Workplace

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server

PAGE = (REPOSITORY / "docs" / "how-to" / "adopt.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(?:ini|python|toml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
CONSOLE = "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [line[2:] for line in CONSOLE.splitlines() if line.startswith("$ ")]
ENV = "migrations/env.py"
MODELS = """from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): pass
class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(index=True)
"""
REVISION = """import sqlalchemy as sa
from alembic import op
revision = {!r}
down_revision = {!r}
def upgrade(): op.create_table({!r}, sa.Column("id", sa.Integer, primary_key=True){})
def downgrade(): op.drop_table({!r})
"""
TITLE = ', sa.Column("title", sa.String, nullable=False)'


@dataclass(frozen=True)
class Layout:
    """Where the service is below the root, and its alembic.ini."""

    folder: str
    ini: str


LAYOUTS = {
    "a version table in a schema": Layout("", "[alembic]\nscript_location = migrations\n"),
    "a monorepo": Layout("backend/", BLOCKS["backend/alembic.ini"]),
}


def files(layout: Layout) -> dict[str, str]:
    """The files of a project that Alembic has migrated so far."""
    versions = f"{layout.folder}migrations/versions"
    return {
        ".gitignore": ".env\n",
        f"{layout.folder}alembic.ini": layout.ini,
        f"{layout.folder}{ENV}": BLOCKS[ENV],
        f"{layout.folder}migrations/script.py.mako": (
            REPOSITORY / "alembic" / "script.py.mako"
        ).read_text(),
        f"{versions}/a.py": REVISION.format("a1", None, "authors", "", "authors"),
        f"{versions}/b.py": REVISION.format("b1", "a1", "books", TITLE, "books"),
        f"{layout.folder}shop/__init__.py": "",
        f"{layout.folder}shop/models.py": MODELS,
    }


def shown_after(command: str) -> list[str]:
    """The lines that the page shows as the output of a command, without paths and questions."""
    output = CONSOLE.partition(f"$ {command}\n")[2].partition("$ ")[0].splitlines()
    return [line for line in output if not line.startswith(("In ", "Write "))]


def alembic(place: Workplace, folder: Path, url: str) -> None:
    """Migrate a database with plain Alembic, as before limbeck."""
    ini = folder / "alembic.ini"
    text = ini.read_text()
    psycopg = url.replace("postgresql:", "postgresql+psycopg:").replace("%", "%%")
    ini.write_text(f"{text}sqlalchemy.url = {psycopg}\n")
    done = place.call(str(BIN / "alembic"), "upgrade", "head", cwd=folder, PYTHONPATH=str(folder))
    assert done.code == 0, done.text
    ini.write_text(text)


def leave_out_tables_of_django(place: Workplace, url: str) -> None:
    """Add the page's setting beside Django, whose tables are drift without it."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE django_session (session_key text PRIMARY KEY)")
        connection.execute("CREATE TABLE polls_choice (id serial PRIMARY KEY)")
    assert place.run("check", "-e", "production").code == 3
    settings = place.root / "pyproject.toml"
    settings.write_text(settings.read_text() + BLOCKS["pyproject.toml"].partition("\n")[2])
    place.good("check", "-e", "production")


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_alembic_project_is_adopted(
    name: str,
    tmp_path: Path,
    variables: dict[str, str],
    server: Server,
    make_database: Callable[[str], Any],
) -> None:
    layout, place = LAYOUTS[name], Workplace(tmp_path / "project", variables)
    for path, text in files(layout).items():
        (place.root / path).parent.mkdir(parents=True, exist_ok=True)
        (place.root / path).write_text(text)
    urls = {name: make_database(name).url for name in ("development", "production")}
    lines = [f"DATABASE_URL_{name.upper()}={url}" for name, url in urls.items()]
    (place.root / ".env").write_text("\n".join([f"SHADOW_DATABASE_URL={server.url()}", *lines]))
    place.call("git", "init", "--quiet")
    place.call("git", "add", "--all")
    alembic(place, place.root / layout.folder, urls["production"])
    before = place.files()

    tried = place.run(*shlex.split(COMMANDS[0])[1:])
    assert tried.code == 3, tried.text
    assert place.files() == before
    initialized = place.run(*shlex.split(COMMANDS[1])[1:], "--yes")
    results = [place.run(*shlex.split(line)[1:]) for line in COMMANDS[2:]]
    checked, accepted, again, status = results
    shown, written = (shown_after(command) for command in COMMANDS[:2])
    if layout.folder == "":  # the page shows this one
        assert [
            line for line in shown if line not in tried.out and "db.example.com" not in line
        ] == []
        assert [line for line in written if line not in initialized.out] == []
    assert "version table internal.shop_version" in initialized.out
    assert (checked.code, accepted.code, again.code, status.code) == (3, 0, 0, 0), status.text
    assert [line for line in shown_after("limbeck check") if line not in checked.out] == []
    row = next(line for line in status.out.splitlines() if line.startswith("production"))
    assert row.split()[3:6] == ["b1", "none", "none"]
    assert "No changes" in place.good("generate").out

    if layout.folder == "":
        leave_out_tables_of_django(place, urls["production"])

    after = {path: text for path, text in place.files().items() if path in before}
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {".gitignore"}
    assert after[".gitignore"].startswith(before[".gitignore"])
