"""Connections to a real Postgres: their settings, their failures, SQLAlchemy on them, the lock."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Column, Integer, MetaData, Table, text

from limbeck.errors import (
    DatabaseError,
    LimbeckError,
    LockNotAcquiredError,
    PooledUrlError,
    UnavailableError,
)
from limbeck.events import Event, LockWaiting, Notice
from limbeck.postgres import url as urls
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.postgres.database import Database
from limbeck.postgres.lock import migration_lock


@pytest.fixture(autouse=True, scope="module")
def plain_environment() -> Iterator[None]:
    """Nothing of the machine's own PGHOST, PGPORT ... reaches these tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("PG")]:
            patch.delenv(name)
        yield


def shown(connection: psycopg.Connection[tuple[object, ...]], name: str) -> object:
    """The value of a setting."""
    row = connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone()
    return row[0] if row else None


def changed(database: Database, **parameters: str) -> Database:
    """The database with other connection parameters."""
    return replace(database, url=urls.render(database.parameters | parameters))


# Settings -----------------------------------------------------------------------------------------


def test_a_session_has_the_timeouts_of_its_database_and_a_name(database: Database) -> None:
    limited = replace(
        database,
        lock_timeout="1500ms",
        statement_timeout="10min",
        idle_in_transaction_session_timeout="0",
    )
    with connect(limited) as connection:
        assert shown(connection, "lock_timeout") == "1500ms"
        assert shown(connection, "statement_timeout") == "10min"
        assert shown(connection, "idle_in_transaction_session_timeout") == "0"
        assert shown(connection, "application_name") == "limbeck"
    with connect(database, application_name="other") as connection:
        assert shown(connection, "lock_timeout") == "0"
        assert shown(connection, "application_name") == "other"


def test_options_of_the_url_hold_beside_the_timeouts(database: Database) -> None:
    own = replace(changed(database, options="-c search_path=a,b"), lock_timeout="3s")
    with connect(own) as connection:
        assert shown(connection, "search_path") == "a,b"
        assert shown(connection, "lock_timeout") == "3s"


def test_a_reader_cannot_write_whatever_the_url_says(database: Database) -> None:
    eager = changed(database, options="-c default_transaction_read_only=off")
    with (
        connect(eager, read_only=True) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("create table t (i int)")


def test_a_block_commits_at_its_end_and_rolls_back_on_an_error(database: Database) -> None:
    with connect(database, autocommit=False) as connection:
        connection.execute("create table kept (i int)")
    with contextlib.suppress(ZeroDivisionError), connect(database, autocommit=False) as connection:
        connection.execute("create table dropped (i int)")
        _ = 1 / 0
    with connect(database) as after:
        rows = after.execute("select relname from pg_class where relname in ('kept', 'dropped')")
        assert rows.fetchall() == [("kept",)]
    assert connection.closed


# Failures -----------------------------------------------------------------------------------------

FAILURES: dict[str, tuple[dict[str, str], str]] = {
    "wrong password": ({"password": "hunter2"}, "the password for .* is wrong or missing"),
    "no such database": ({"dbname": "no such"}, "there is no database no such at 127.0.0.1"),
    "no TLS": ({"sslmode": "require"}, "TLS with 127.0.0.1.* fails"),
    "unknown certificate": ({"sslmode": "verify-full"}, "TLS with 127.0.0.1.* fails"),
}


@pytest.mark.parametrize(("parameters", "message"), FAILURES.values(), ids=FAILURES)
def test_each_failure_has_its_own_message_and_is_not_tried_again(
    database: Database, parameters: dict[str, str], message: str
) -> None:
    heard: list[Event] = []
    with (
        pytest.raises(UnavailableError, match=message) as caught,
        connect(changed(database, **parameters), listen=heard.append),
    ):
        pytest.fail("connected")
    assert caught.value.hint
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
    assert heard == []


def test_a_user_that_is_not_there_is_not_told_from_a_wrong_password(database: Database) -> None:
    """Postgres answers alike for both when it asks for passwords, so that nobody can probe."""
    with (
        pytest.raises(UnavailableError, match="nobody"),
        connect(changed(database, user="nobody")),
    ):
        pytest.fail("connected")


@dataclass
class Gate:
    """Stands before Postgres as Neon's proxy does: refuses some connections, then lets through."""

    target: tuple[str, int]
    refusals: list[str]
    code: str = "XX000"
    attempts: int = 0
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def serve(self) -> None:
        """Answer until the listener is closed."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.attempts += 1
            threading.Thread(target=self.answer, args=[client], daemon=True).start()

    def answer(self, client: socket.socket) -> None:
        """Refuse, or pass bytes on in both directions."""
        with client:
            if len(self.refusals) >= self.attempts:
                self.refuse(client, self.refusals[self.attempts - 1])
                return
            with socket.create_connection(self.target) as server:
                back = threading.Thread(target=pump, args=[server, client], daemon=True)
                back.start()
                pump(client, server)
                back.join()

    def refuse(self, client: socket.socket, words: str) -> None:
        """Send the ErrorResponse of the Postgres protocol."""
        startup = client.recv(8)
        while startup[4:8] in {struct.pack("!i", 80877103), struct.pack("!i", 80877104)}:
            client.sendall(b"N")  # neither TLS nor GSSAPI
            startup = client.recv(8)
        client.recv(65536)
        fields = {"S": "FATAL", "V": "FATAL", "C": self.code, "M": words}
        body = b"".join(key.encode() + value.encode() + b"\0" for key, value in fields.items())
        client.sendall(b"E" + struct.pack("!i", len(body) + 5) + body + b"\0")


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes until it ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


GateFactory = Callable[[list[str]], tuple[Gate, Database]]


@pytest.fixture
def gate(database: Database) -> Iterator[GateFactory]:
    """A function that puts a gate before `database`, and gives the way through it."""
    parts = database.parameters
    gates = []

    def build(refusals: list[str]) -> tuple[Gate, Database]:
        made = Gate((parts["host"], int(parts["port"])), refusals)
        gates.append(made)
        threading.Thread(target=made.serve, daemon=True).start()
        return made, changed(database, port=str(made.listener.getsockname()[1]))

    yield build
    for made in gates:
        made.listener.shutdown(socket.SHUT_RDWR)
        made.listener.close()


WAKING = [
    "Couldn't connect to compute node",
    "the database system is starting up",
    "You have exceeded the limit of concurrently active endpoints.",
    "remaining connection slots are reserved for roles with the SUPERUSER attribute",
]


@pytest.mark.parametrize("words", WAKING)
def test_a_sleeping_compute_is_waited_for(gate: GateFactory, words: str) -> None:
    doorman, database = gate([words])
    heard: list[Event] = []
    with connect(database, listen=heard.append) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert doorman.attempts == 2
    assert [type(event) for event in heard] == [Notice]
    assert words in str(heard[0])


FINAL = {
    "password authentication failed for user 'neondb_owner'": UnavailableError,
    'database "neondb" does not exist': UnavailableError,
    "The requested endpoint could not be found, or you don't have access to it": UnavailableError,
    "unsupported startup parameter: options": PooledUrlError,
    "unsupported startup parameter in options: lock_timeout": PooledUrlError,
    "something nobody has seen before": UnavailableError,
}


@pytest.mark.parametrize(("words", "kind"), FINAL.items())
def test_what_waiting_cannot_heal_is_told_at_once(
    gate: GateFactory, words: str, kind: type[LimbeckError]
) -> None:
    doorman, database = gate([words] * 9)
    with pytest.raises(kind) as caught, connect(database):
        pytest.fail("connected")
    # A pooler is asked once more, without settings, where the server behind it is.
    assert doorman.attempts == 1 + (kind is PooledUrlError)
    assert caught.value.hint


def test_an_unknown_failure_is_told_in_the_servers_own_words(gate: GateFactory) -> None:
    _, database = gate(["something nobody has seen before"])
    with pytest.raises(UnavailableError) as caught, connect(database):
        pytest.fail("connected")
    assert caught.value.message.endswith(": something nobody has seen before")


def test_only_connecting_is_tried_again(gate: GateFactory) -> None:
    doorman, database = gate([])
    with (
        pytest.raises(psycopg.errors.RaiseException),
        connect(database) as connection,
    ):
        connection.execute("do $$ begin raise 'Couldn''t connect to compute node'; end $$")
    assert doorman.attempts == 1


# SQLAlchemy ---------------------------------------------------------------------------------------


def test_sqlalchemy_works_in_the_very_same_session(database: Database) -> None:
    table = Table("t", metadata := MetaData(), Column("i", Integer))
    with connect(database) as connection:
        with as_sqlalchemy(connection) as wrapped:
            pid = wrapped.scalar(text("select pg_backend_pid()"))
            metadata.create_all(wrapped)
            wrapped.execute(table.insert(), [{"i": 1}])
            wrapped.commit()
        assert pid == connection.info.backend_pid
        assert connection.autocommit
        assert connection.execute("select i from t").fetchall() == [(1,)]


def test_what_sqlalchemy_did_not_commit_is_rolled_back(database: Database) -> None:
    with connect(database) as connection:
        with as_sqlalchemy(connection) as wrapped:
            wrapped.execute(text("create table t (i int)"))
        assert connection.execute("select to_regclass('t')").fetchone() == (None,)


def test_an_error_inside_leaves_the_connection_usable(database: Database) -> None:
    with connect(database) as connection:
        with contextlib.suppress(ZeroDivisionError), as_sqlalchemy(connection) as wrapped:
            wrapped.execute(text("create table t (i int)"))
            _ = 1 / 0
        assert connection.autocommit
        assert connection.execute("select to_regclass('t')").fetchone() == (None,)


def test_an_autocommit_block_inside_really_commits(database: Database) -> None:
    with connect(database) as connection:
        connection.execute("create table t (i int)")
        with as_sqlalchemy(connection) as wrapped:
            wrapped.execution_options(isolation_level="AUTOCOMMIT")
            wrapped.execute(text("create index concurrently ti on t (i)"))
        assert connection.autocommit
        assert connection.execute("select to_regclass('ti') is null").fetchone() == (False,)


def test_a_session_that_ends_inside_does_not_hide_its_error(database: Database) -> None:
    with (
        pytest.raises(Exception, match="terminating connection"),
        connect(database) as connection,
        as_sqlalchemy(connection) as wrapped,
    ):
        wrapped.execute(text("select pg_terminate_backend(pg_backend_pid())"))


# The lock -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("autocommit", [True, False])
def test_the_lock_is_in_no_transaction_and_is_given_back(
    database: Database, *, autocommit: bool
) -> None:
    with connect(database, autocommit=autocommit) as one:
        with migration_lock(one, wait=0):
            assert one.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
            assert held(database) == 1
        assert held(database) == 0


def held(database: Database) -> int:
    """How many advisory locks there are in a database."""
    with connect(database) as connection:
        row = connection.execute(
            "select count(*)::int from pg_locks where locktype = 'advisory' and database ="
            " (select oid from pg_database where datname = current_database())"
        ).fetchone()
    assert row
    return int(str(row[0]))


def test_a_second_migrator_is_told_who_is_first_then_gives_up(database: Database) -> None:
    heard: list[Event] = []
    with connect(database, application_name="the first") as one, connect(database) as two:
        with migration_lock(one):
            began = time.monotonic()
            with (
                pytest.raises(LockNotAcquiredError) as caught,
                migration_lock(two, wait=0.6, listen=heard.append),
            ):
                pytest.fail("two migrators at once")
            assert 0.6 <= time.monotonic() - began < 5
        (event,) = heard
        assert isinstance(event, LockWaiting)
        for words in (event.holder, caught.value.message):
            assert f"the first (pid {one.info.backend_pid}, user {one.info.user}" in words
            assert "connected since 20" in words
        with migration_lock(two, wait=0):
            pass


def test_a_second_migrator_goes_on_when_the_first_has_finished(database: Database) -> None:
    order = []
    first_has_it = threading.Event()

    def first() -> None:
        with connect(database) as connection, migration_lock(connection):
            first_has_it.set()
            time.sleep(0.2)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert first_has_it.wait(10)
    with connect(database) as connection, migration_lock(connection, wait=10):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_two_databases_of_one_server_do_not_wait_for_each_other(
    make_database: Callable[[], Database],
) -> None:
    first, second = make_database(), make_database()
    with (
        connect(first) as one,
        connect(second) as two,
        migration_lock(one),
        migration_lock(two, wait=0),
    ):
        assert held(first) == held(second) == 1


def test_an_error_under_the_lock_gives_it_back_and_comes_through(database: Database) -> None:
    with connect(database, autocommit=False) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable), migration_lock(connection):
            connection.execute("select * from nowhere")
        assert held(database) == 0


def test_a_lock_that_was_lost_is_an_error(database: Database) -> None:
    with (
        pytest.raises(DatabaseError, match="lost"),
        connect(database) as connection,
        migration_lock(connection),
    ):
        connection.execute("select pg_advisory_unlock_all()")


def test_a_session_that_ends_under_the_lock_tells_its_own_error(database: Database) -> None:
    with (
        pytest.raises(psycopg.errors.AdminShutdown),
        connect(database) as connection,
        migration_lock(connection),
    ):
        connection.execute("select pg_terminate_backend(pg_backend_pid())")
    assert held(database) == 0


def test_a_lock_timeout_does_not_cut_the_wait_for_the_lock_short(database: Database) -> None:
    impatient = replace(database, lock_timeout="1ms")
    with (
        connect(database) as one,
        connect(impatient) as two,
        migration_lock(one),
        pytest.raises(LockNotAcquiredError),
        migration_lock(two, wait=0.3),
    ):
        pytest.fail("two migrators at once")
