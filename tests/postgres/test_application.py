"""The reference application: its tables, their names, and its sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from app import session as sessions
from app.models import Author, Book
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.postgres.database import Database
from limbeck.settings import Profile, Project
from limbeck.testing import Copies

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server


@pytest.fixture(scope="session")
def limbeck_project() -> Project:
    """The application's own history; nothing is kept in its folder."""
    return replace(Project.find(Path(__file__).parent), cache=False)


@pytest.fixture(scope="session")
def limbeck_profile(server: Server) -> Profile:
    """The run's own server as the shadow."""
    return Profile("development", "development", shadow_url=server.url())


@pytest.fixture(scope="module")
def limbeck_databases(limbeck_project: Project, limbeck_profile: Profile) -> Iterator[Copies]:
    """As in the plug-in, but gone with this module: others count the server's databases."""
    with Copies(limbeck_project, limbeck_profile) as copies:
        yield copies


@pytest.fixture
def running(limbeck_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The application on a database of its own, told by a URL with a scheme that hosts write."""
    url = limbeck_database.url.replace("postgresql://", "postgres://")
    monkeypatch.setenv("DATABASE_URL", url)
    sessions.engine.cache_clear()
    yield limbeck_database
    sessions.engine().dispose()
    sessions.engine.cache_clear()


def test_an_author_has_books_and_a_book_its_author(running: Database) -> None:
    with sessions.session() as session, session.begin():
        session.add(Author(name="Le Guin", books=[Book(title="The Dispossessed")]))
    with sessions.session() as session:
        book = session.scalars(select(Book)).one()
        assert book.author is not None
        assert (book.author.name, book.author.books) == ("Le Guin", [book])
        assert book.created_at == book.author.created_at
    assert running.dbname == sessions.engine().url.database


def test_a_book_may_have_no_author(running: Database) -> None:
    with sessions.session() as session, session.begin():
        session.add(Book(title="Beowulf"))
    with sessions.session() as session:
        assert session.scalars(select(Book.author_id)).one() is None
    assert running.dbname == sessions.engine().url.database


def test_names_are_those_that_postgres_gives_itself(running: Database) -> None:
    by_hand = """
        create schema by_hand;
        set local search_path = by_hand;
        create table authors (id serial primary key, name text not null, bio text,
            created_at timestamp default now() not null);
        create table books (id serial primary key, title text not null,
            author_id integer references authors, published_year integer,
            created_at timestamp default now() not null);
    """
    names = text(
        "select conname from pg_constraint where connamespace = cast(:schema as regnamespace)"
        " and conname not like 'alembic%' order by conname"
    )
    with connect(running) as connection, as_sqlalchemy(connection) as wrapped:
        wrapped.exec_driver_sql(by_hand)
        ours = wrapped.scalars(names, {"schema": "public"}).all()
        assert ours == wrapped.scalars(names, {"schema": "by_hand"}).all()
        assert {"authors_pkey", "books_author_id_fkey"} <= set(ours)
