"""The reference application: its tables, their names, and its sessions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from app import session as sessions
from app.models import Author, Base, Book
from limbeck.database import Database, as_sqlalchemy, connect


@pytest.fixture
def running(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The application on an empty database, told by a URL with the scheme that many hosts write."""
    monkeypatch.setenv("DATABASE_URL", database.url.replace("postgresql://", "postgres://"))
    sessions.engine.cache_clear()
    Base.metadata.create_all(sessions.engine())
    yield database
    sessions.engine().dispose()
    sessions.engine.cache_clear()


def test_an_author_has_books_and_a_book_its_author(running: Database) -> None:
    with sessions.session() as session, session.begin():
        session.add(Author(name="Le Guin", books=[Book(title="The Dispossessed")]))
    with sessions.session() as session:
        book = session.scalars(select(Book)).one()
        assert (book.author.name, book.author.books) == ("Le Guin", [book])
        assert book.created_at == book.author.created_at
    assert running.dbname == sessions.engine().url.database


def test_names_are_those_that_postgres_gives_itself(running: Database, database: Database) -> None:
    by_hand = """
        create schema by_hand;
        set local search_path = by_hand;
        create table authors (id serial primary key, name text not null, bio text,
            created_at timestamp default now() not null);
        create table books (id serial primary key, title text not null,
            author_id integer not null references authors, published_year integer,
            created_at timestamp default now() not null);
    """
    names = text(
        "select conname from pg_constraint where connamespace = cast(:schema as regnamespace)"
        " order by conname"
    )
    with connect(database) as connection, as_sqlalchemy(connection) as wrapped:
        wrapped.exec_driver_sql(by_hand)
        ours = wrapped.scalars(names, {"schema": "public"}).all()
        assert ours == wrapped.scalars(names, {"schema": "by_hand"}).all()
        assert {"authors_pkey", "books_author_id_fkey"} <= set(ours)
    assert running == database
