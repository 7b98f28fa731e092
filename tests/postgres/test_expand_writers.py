"""Applications write at the very moment that rows are filled in: nothing of it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from limbeck.engine import running, version_table
from limbeck.engine.terms import Terms
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.schema.sql.quoting import quote
from tests.postgres.test_expand import BOOKS, DETAILS, Case, generated, rows, wrong

if TYPE_CHECKING:
    from limbeck.history.revisions import Revision
    from tests.postgres.conftest import MakeWork

MOVE = Case(
    "move a column",
    BOOKS.format('Column("blurb", Text)') + DETAILS.format("").replace(", unique=True", ""),
    BOOKS.format("") + DETAILS.format('Column("text", Text)').replace(", unique=True", ""),
    values={"public.details.text": "books.blurb"},
)
APART = "SELECT count(*) FROM books b JOIN details d ON b.id = book_id WHERE {} IS DISTINCT FROM {}"


def waits(watcher: psycopg.Connection, other: psycopg.Connection) -> bool:
    """Tell whether a session waits for another one."""
    query = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
    return bool(watcher.execute(query, [other.info.backend_pid]).fetchall()[0][0])


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread, which has to end well after the block."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()
    if failed:
        raise failed[0]


def meanwhile(database: Database, write: str, other: str) -> None:
    """Let another session wait for one that has written, and then commit."""
    with (
        psycopg.connect(database.url) as first,
        psycopg.connect(database.url, autocommit=True) as second,
        psycopg.connect(database.url, autocommit=True) as watcher,
    ):
        first.execute(write.encode())
        with beside(lambda: second.execute(other.encode())):
            end = time.monotonic() + 10
            while not waits(watcher, second) and time.monotonic() < end:
                time.sleep(0.01)
            first.commit()


def test_a_move_and_its_way_back_beside_writers(make_work: MakeWork, database: Database) -> None:
    project = make_work().project
    first, made = generated(project, MOVE)
    assert first.revision
    assert made.expand
    history = History(project.script_location)
    with connect(database) as connection:
        running.upgrade(history, connection, first.revision.id)
        connection.execute(
            "INSERT INTO books (title, blurb) SELECT n, n FROM generate_series(1, 8000) n;"
            "INSERT INTO details (book_id) SELECT id FROM books WHERE id <> 5;"
            "ALTER TABLE books SET (fillfactor = 70)"
        )
        running.upgrade(history, connection, made.expand.id)
        fill = filling(made.expand)
        # A backfill has read the value that another session then writes.
        meanwhile(database, "UPDATE books SET blurb = 'new' WHERE id = 7", fill)
        pair = "SELECT blurb, text FROM books JOIN details ON book_id = books.id WHERE books.id = "
        assert rows(connection, f"{pair} 7") == [("new", "new")]
        # A row comes whose value is being written, by either application.
        new = "INSERT INTO details (book_id) VALUES (5)"
        meanwhile(database, "UPDATE books SET blurb = 'later' WHERE id = 5", new)
        assert rows(connection, f"{pair} 5") == [("later", "later")]
        connection.execute("DELETE FROM details WHERE book_id = 5")
        new = "INSERT INTO details (book_id, text) VALUES (5, 'later')"
        meanwhile(database, "UPDATE books SET blurb = 'last' WHERE id = 5", new)
        assert rows(connection, f"{pair} 5") == [("later", "later")]
        assert wrong(connection, made.expand) == 0

        running.upgrade(history, connection, "head")
        back(database, history, connection, made.expand)
        assert rows(connection, APART.format("blurb", "text")) == [(0,)]
        assert wrong(connection, made.expand) == 0
        assert rows(connection, "SELECT count(*) FROM books WHERE blurb LIKE 'w%'") != [(0,)]


def filling(expand: Revision) -> str:
    """Return the statement that fills in what an expand revision asks for."""
    from limbeck.phased import phases  # noqa: PLC0415 - for this one

    phase = phases.of(expand)
    assert phase
    (one,) = phase.backfills
    sets = ", ".join(f"{quote(column)} = {value}" for column, value in one.assignments)
    return f"UPDATE {one.table} SET {sets} WHERE {one.where}"


def back(database: Database, history: History, connection: Any, expand: Revision) -> None:
    """Take the contract back while the new application writes, several rows a transaction."""
    stop, longest, written = threading.Event(), 0.0, 0

    def work() -> None:
        nonlocal longest, written
        with psycopg.connect(database.url) as other:
            while not stop.is_set():
                began = time.monotonic()
                # The rows come in the order against that of the batches.
                for id_ in (7900 - written % 3000, 3900 - written % 3000):
                    other.execute(
                        "UPDATE details SET text = %s WHERE book_id = %s", [f"w{written}", id_]
                    )
                other.commit()
                longest = max(longest, time.monotonic() - began)
                written += 1

    with beside(work):
        time.sleep(0.1)
        try:
            running.run(
                history, connection,
                history.beyond(version_table.current(history, connection), expand.id),
                downgrade=True, terms=Terms(ledger=False, patience=60.0),
            )  # fmt: skip
        finally:
            stop.set()
    assert written > 20
    print(f"{written} transactions, the longest {longest:.3f} s")  # noqa: T201 - to be seen with -s
    assert longest < 2
