"""A database that somebody made by hand goes into an application that has some models already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from limbeck.project import scaffold
from tests.acceptance.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from limbeck.postgres.embedded.server import Server

BY_HAND = """
    CREATE TABLE authors (
        id serial PRIMARY KEY, name varchar(100) NOT NULL, bio text,
        created_at timestamp DEFAULT now() NOT NULL);
    CREATE TABLE books (
        id serial PRIMARY KEY, title varchar(200) NOT NULL,
        author_id integer NOT NULL REFERENCES authors (id), published_year integer);
    CREATE INDEX ON books (author_id);
    INSERT INTO authors (name) VALUES ('Ursula');
    INSERT INTO books (title, author_id) VALUES ('x', 1);
    """

BASE = """from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
"""

AUTHOR = '''from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Author(Base):
    """Who writes."""

    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    # As it stands on the cover.
    name: Mapped[str] = mapped_column(String(100))

    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split())
'''

PACKAGE = """from app.models.author import Author
from app.models.base import Base

__all__ = ["Author", "Base"]
"""


def test_a_database_made_by_hand_is_merged_into_an_application_that_has_a_part_of_it(
    tmp_path: Path,
    variables: dict[str, str],
    server: Server,
    make_database: Callable[[str], Any],
) -> None:
    source, place = make_database("source"), tmp_path / "project"
    with psycopg.connect(source.url, autocommit=True) as connection:
        connection.execute(BY_HAND)
    models = place / "app" / "models"
    models.mkdir(parents=True)
    (place / "app" / "__init__.py").touch()
    for name, text in (("__init__", PACKAGE), ("base", BASE), ("author", AUTHOR)):
        (models / f"{name}.py").write_text(text)
    scaffold.write(scaffold.plan(place))
    urls = f"SHADOW_DATABASE_URL={server.url()}\nDATABASE_URL_DEVELOPMENT={source.url}\n"
    (place / ".env").write_text(urls)
    work = Workplace(place, variables)
    who = ("-c", "user.name=who", "-c", "user.email=who@example.org")
    for words in (("init", "-q"), ("add", "app"), (*who, "commit", "-qm", "what there was")):
        assert work.call("git", *words).code == 0

    shown = work.good("pull", "-e", "development").out
    assert "class Book(Base):" in shown
    assert (models / "author.py").read_text() == AUTHOR
    assert "exact" in work.good("pull", "-e", "development", "--write").out
    author = (models / "author.py").read_text()
    for kept in ('"""Who writes."""', "# As it stands on the cover.", "def initials(self)"):
        assert kept in author
    assert "bio: Mapped[str | None]" in author
    assert "is stamped" in work.good("pull", "-e", "development", "--baseline", "--yes").out
    assert (models / "author.py").read_text() == author
    assert "No changes" in work.good("generate").out
    work.good("check", "-e", "development")
    with psycopg.connect(source.url) as connection:
        assert connection.execute("SELECT count(*) FROM books JOIN authors ON true").fetchone() == (
            1,
        )
