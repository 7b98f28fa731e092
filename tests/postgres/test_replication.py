"""Replicas: a backfill waits for one that is behind, and rows that arrive are kept in step."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck import backfill
from limbeck.engine import running
from limbeck.events import BackfillThrottled, Event
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded import cluster, os_user
from limbeck.postgres.embedded.server import Server
from tests.postgres.phases import expand
from tests.postgres.test_expand import (
    BOOKS,
    DETAILS,
    Case,
    generated,
    rows,
    wrong,
)
from tests.postgres.test_expand import backfill as filled_in

if TYPE_CHECKING:
    from tests.postgres.conftest import MakeWork

FOLLOWED = {
    "wal_level": "logical",
    "max_wal_senders": 8,
    "max_logical_replication_workers": 4,
    "wal_receiver_status_interval": 1,
}
LAG = 1.0  # seconds


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that others may follow: nobody may follow an embedded one."""
    usual = cluster.server_arguments

    def arguments(data: Path, extensions: Path, port: int, version: int) -> list[str]:
        more = [part for name, value in FOLLOWED.items() for part in ("-c", f"{name}={value}")]
        return [*usual(data, extensions, port, version), *more]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "server_arguments", arguments)
        server = Server(tmp_path_factory.mktemp("primary") / "server", port=None)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def standby(primary: Server, tmp_path: Path) -> Iterator[Server]:
    """A physical replica, which can be read."""
    server = Server(tmp_path / "standby", port=None)
    server.home.mkdir()
    shutil.copy(primary.home / "password", server.home)
    program = server.find_binaries().program("pg_basebackup")
    user = os_user.choose(server.data, program)
    server.data.mkdir(mode=0o700)
    user.own(server.data)
    subprocess.run(
        user.command(
            program, "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
            f"--pgdata={server.data}", f"--dbname={primary.url()}",
        ),
        **user.options(),
        check=True,
    )  # fmt: skip
    server.start()
    yield server
    server.stop()


def until(seen: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < end, "it does not come to be"
        time.sleep(0.02)


def counted(connection: psycopg.Connection) -> int:
    """Return how many rows are filled in."""
    return int(str(connection.execute("SELECT count(b) FROM t").fetchall()[0][0]))


def test_a_replica_that_is_behind_is_waited_for_and_then_it_goes_on(
    primary: Server, standby: Server, make_work: MakeWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", primary.url())
    work = make_work()
    task = {"table": "public.t", "set": {"b": "a"}, "where": "b IS DISTINCT FROM a"}
    expand(work, "copy", "CREATE TABLE t (id int PRIMARY KEY, a text, b text)", (task,))
    database = Database.from_url("development", primary.url())
    plan = backfill.plan(work.project, work.profile, database)
    told: list[Event] = []

    def run() -> None:
        backfill.run(plan, confirm=lambda _: True, max_lag=LAG, listen=told.append)

    with (
        psycopg.connect(primary.url(), autocommit=True) as here,
        psycopg.connect(standby.url(), autocommit=True) as there,
    ):

        def behind() -> bool:
            query = "SELECT max(replay_lag) > %s * interval '1 s' FROM pg_stat_replication"
            return bool(here.execute(query, [LAG]).fetchall()[0][0])

        here.execute("INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 10000) n")
        until(lambda: there.execute("SELECT to_regclass('t')").fetchall() != [(None,)])
        until(lambda: there.execute("SELECT count(*) FROM t").fetchall() == [(10_000,)])
        there.execute("SELECT pg_wal_replay_pause()")
        here.execute("INSERT INTO t VALUES (0, 'v0')")
        until(behind)
        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: any(isinstance(one, BackfillThrottled) for one in told))
        waiting = counted(here)
        time.sleep(1.5)
        assert 0 < counted(here) == waiting < 10_001
        there.execute("SELECT pg_wal_replay_resume()")
        thread.join()
        assert counted(here) == 10_001
        until(lambda: counted(there) == 10_001)


PHASED = (
    Case(
        "a rename and another type",
        BOOKS.format('Column("published", sa.Date), Column("pages", sa.Integer)'),
        BOOKS.format('Column("publication", sa.Date), Column("pages", sa.BigInteger)'),
        renames=("public.books.published:public.books.publication",),
        seed="INSERT INTO books (title, published, pages) VALUES ('Emma', '1815-12-23', 1)",
        old="INSERT INTO books (title, published) VALUES ('Persuasion', '1817-12-20');"
        "UPDATE books SET published = '1815-12-24', pages = 2 WHERE title = 'Emma'",
        new="INSERT INTO books (title, publication, pages) VALUES ('Sanditon', '1925-01-01', 3);"
        "UPDATE books SET publication = '1817-12-21' WHERE title = 'Persuasion'",
        old_query="SELECT title, published::text, pages FROM books ORDER BY title",
        new_query="SELECT title, publication::text, pages FROM books ORDER BY title",
    ),
    Case(
        "a move to another table",
        BOOKS.format('Column("blurb", Text)') + DETAILS.format(""),
        BOOKS.format("") + DETAILS.format('Column("text", Text)'),
        values={"public.details.text": "books.blurb"},
        seed="INSERT INTO books (title, blurb) VALUES ('Emma', 'e'), ('Persuasion', 'p');"
        "INSERT INTO details (book_id) SELECT id FROM books",
        old="UPDATE books SET blurb = 'E' WHERE title = 'Emma';"
        "INSERT INTO books (title, blurb) VALUES ('Sanditon', 's');"
        "INSERT INTO details (book_id) SELECT id FROM books WHERE title = 'Sanditon'",
        new="UPDATE details SET text = 'P' FROM books"
        " WHERE books.id = book_id AND title = 'Persuasion'",
        old_query="SELECT title, blurb FROM books ORDER BY title",
        new_query="SELECT title, text FROM books JOIN details ON book_id = books.id ORDER BY title",
    ),
)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.thorough if number else (), id=case.name)
        for number, case in enumerate(PHASED)
    ],
)
def test_subscribers_go_through_the_phases_too(
    case: Case, primary: Server, make_work: MakeWork
) -> None:
    """The subscriber has each column first and keeps it last, so it always knows what arrives."""
    project, name = make_work().project, case.name.split()[1]
    first, made = generated(project, case)
    assert first.revision
    assert made.expand
    start, middle, history = first.revision.id, made.expand.id, History(project.script_location)
    with psycopg.connect(primary.url(), autocommit=True) as admin:
        for side in ("publisher", "subscriber"):
            admin.execute(f'CREATE DATABASE "{side}_{name}"'.encode())
    urls = [primary.url(f"{side}_{name}") for side in ("publisher", "subscriber")]
    with (
        connect(Database.from_url("publisher", urls[0])) as here,
        connect(Database.from_url("subscriber", urls[1])) as there,
    ):

        def arrives(*queries: str) -> None:
            for query in queries:
                until(lambda query=query: rows(there, query) == rows(here, query) != [])  # type: ignore[misc]

        running.upgrade(history, here, start)
        here.execute(case.seed.encode())
        tables = ", ".join(sorted({word for word in ("books", "details") if word in case.before}))
        here.execute(f"CREATE PUBLICATION p FOR TABLE {tables}".encode())
        here.execute(f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')".encode())
        # The first rows come by COPY, the others one by one.
        running.upgrade(history, there, middle)
        there.execute(
            f"CREATE SUBSCRIPTION {name} CONNECTION '{urls[0]}' PUBLICATION p"
            f" WITH (create_slot = false, slot_name = '{name}')".encode()
        )
        arrives(case.old_query)
        here.execute(case.old.encode())
        arrives(case.old_query)
        assert rows(there, case.new_query) == rows(there, case.old_query)
        assert wrong(there, made.expand) == 0

        running.upgrade(history, here, middle)
        filled_in(here, made.expand)
        here.execute(case.new.encode())
        arrives(case.old_query, case.new_query)
        assert wrong(there, made.expand) == 0

        running.upgrade(history, here, "head")
        here.execute(case.new.replace("1925", "1926").replace("'P'", "'Q'").encode())
        arrives(case.new_query)
        assert rows(there, case.old_query) == rows(there, case.new_query)
        running.upgrade(history, there, "head")
        here.execute(case.new.replace("1925", "1927").replace("'P'", "'R'").encode())
        arrives(case.new_query)
