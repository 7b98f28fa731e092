"""Databases for tests: copies of a migrated one, made ahead, dropped afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.errors import DatabaseError, MigrationError
from limbeck.postgres.connect import Connection
from limbeck.shadow import shadow
from limbeck.shadow.replay import Replay
from limbeck.shadow.testing import copies as copies_module
from limbeck.testing import Copies

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work


@pytest.fixture
def shop(work: Work) -> Work:
    """A project with one table and one row in it."""
    work.revision("items", "create table items (id int primary key)", "drop table items")
    work.revision("first item", "insert into items values (1)")
    return work


def rows(database: Database) -> list[int]:
    with psycopg.connect(database.url) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM items ORDER BY 1")]


def names(admin: psycopg.Connection, beginning: str) -> set[str]:
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
    return {row[0] for row in admin.execute(query, [beginning])}


@pytest.fixture(autouse=True)
def made(
    shop: Work, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[set[str]]:
    """The names of the copies that the test made; at its end none of them is there."""
    found: set[str] = set()

    def create(connection: Connection, template: str) -> str:
        name = shadow.create(connection, template)
        if template.startswith(Replay(shop.project).prefix):
            found.add(name)
        return name

    monkeypatch.setattr(copies_module, "create", create)
    yield found
    assert not found & names(admin, "limbeck_scratch_")


def test_each_is_migrated_and_nobody_else_s(shop: Work) -> None:
    with Copies(shop.project) as copies, copies.copy() as one, copies.copy() as two:
        with psycopg.connect(one.url, autocommit=True) as connection:
            connection.execute("INSERT INTO items VALUES (2)")
        assert (rows(one), rows(two)) == ([1, 2], [1])


def test_it_is_dropped_with_its_sessions_when_the_block_ends(shop: Work, made: set[str]) -> None:
    with Copies(shop.project) as copies, copies.copy() as database:
        left_open = psycopg.connect(database.url)
    assert database.dbname in made
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT")
    left_open.close()


def test_the_next_is_there_before_it_is_asked_for(shop: Work, made: set[str]) -> None:
    with Copies(shop.project) as copies, copies.copy() as first:
        copies._next.result()  # noqa: SLF001 # type: ignore[union-attr]
        (ahead,) = made - {first.dbname}
        with copies.copy() as second:
            assert second.dbname == ahead


def test_what_they_are_copies_of_is_made_once_and_kept(
    shop: Work, admin: psycopg.Connection
) -> None:
    def templates() -> set[str]:
        return names(admin, Replay(shop.project).prefix)

    with Copies(shop.project):
        (first,) = templates()
    with Copies(shop.project):
        assert templates() == {first}
    shop.revision("more items", "insert into items values (2)")
    with Copies(shop.project) as copies, copies.copy() as database:
        assert rows(database) == [1, 2]


def test_of_several_that_begin_at_once_one_makes_it(shop: Work, admin: psycopg.Connection) -> None:
    found: list[list[int]] = []

    def use() -> None:
        with Copies(shop.project) as copies, copies.copy() as database:
            found.append(rows(database))

    threads = [threading.Thread(target=use) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [[1], [1]]
    assert len(names(admin, Replay(shop.project).prefix)) == 1


def test_what_was_tidied_up_meanwhile_is_made_again(shop: Work, admin: psycopg.Connection) -> None:
    with Copies(shop.project) as copies:
        with copies.copy():
            pass
        with copies.copy():
            copies._next.result()  # noqa: SLF001 # type: ignore[union-attr]
            (template,) = names(admin, Replay(shop.project).prefix)
            admin.execute(f'DROP DATABASE "{template}" WITH (FORCE)')
        for _ in range(2):
            with copies.copy() as database:
                assert rows(database) == [1]


def test_a_history_that_does_not_run_is_said_at_the_beginning(shop: Work) -> None:
    shop.revision("broken", "insert into nothing values (1)")
    with pytest.raises(MigrationError, match="does not replay"), Copies(shop.project):
        pytest.fail("it has begun")


def test_a_role_that_may_not_create_databases_is_told_so(
    shop: Work, admin: psycopg.Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.execute("CREATE ROLE copies_nobody LOGIN PASSWORD 'x'")
    try:
        url = f"postgresql://copies_nobody:x@127.0.0.1:{admin.info.port}/{database.dbname}"
        monkeypatch.setenv("SHADOW_DATABASE_URL", url)
        with pytest.raises(DatabaseError, match="may not create databases"), Copies(shop.project):
            pytest.fail("it has begun")
    finally:
        admin.execute("DROP ROLE copies_nobody")
