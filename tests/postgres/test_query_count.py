"""How many questions a whole diff asks, counted on the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from click.testing import CliRunner
from sqlalchemy.engine import make_url

from limbeck.cli import group
from tests.postgres.test_diff import connect

if TYPE_CHECKING:
    from limbeck.database import Database

TABLES = """
DO $$ BEGIN FOR n IN 1..{count} LOOP EXECUTE format(
    'CREATE TABLE t%s (id int PRIMARY KEY, a int DEFAULT 7 NOT NULL)', n);
END LOOP; END $$
"""
# A simple query, or the execution of a prepared one.
STATEMENTS = (b"Q", b"E")


@contextmanager
def counted(host: str, port: int) -> Iterator[tuple[int, list[str]]]:
    """Give the port of a relay to a server, and the statements that have passed it."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, (host, port), seen), daemon=True).start()
        yield listener.getsockname()[1], seen


def _accept(listener: socket.socket, server: tuple[str, int], seen: list[str]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        upstream = socket.create_connection(server)
        threading.Thread(target=_answers, args=(upstream, client), daemon=True).start()
        threading.Thread(target=_questions, args=(client, upstream, seen), daemon=True).start()


def _answers(upstream: socket.socket, client: socket.socket) -> None:
    with client, upstream, suppress(OSError):  # the client may hang up first
        while data := upstream.recv(65536):
            client.sendall(data)


def _questions(client: socket.socket, upstream: socket.socket, seen: list[str]) -> None:
    """Pass on what a client says, message by message."""
    with suppress(OSError), client.makefile("rb") as stream:
        _pass_on(stream, upstream, seen)


def _pass_on(stream: BinaryIO, upstream: socket.socket, seen: list[str]) -> None:
    while length := stream.read(4):  # before the session begins, messages have no type
        body = stream.read(int.from_bytes(length) - 4)
        upstream.sendall(length + body)
        if body[:2] == b"\x00\x03":  # protocol 3: the startup message is the last of these
            break
    while kind := stream.read(1):
        length = stream.read(4)
        body = stream.read(int.from_bytes(length) - 4)
        if kind in STATEMENTS:
            seen.append((kind + body[:60]).decode(errors="replace"))
        upstream.sendall(kind + length + body)
    upstream.shutdown(socket.SHUT_WR)


def statements(one: Database, other: Database) -> list[str]:
    """Return the statements of `limbeck diff`, which must find one difference."""
    url = make_url(one.url)
    with counted(url.host or "", url.port or 5432) as (port, seen):
        urls = [
            make_url(each.url)
            .set(host="127.0.0.1", port=port)
            .render_as_string(hide_password=False)
            for each in (one, other)
        ]
        done = CliRunner().invoke(group, ["diff", *urls, "--sql"])
    assert "ADD COLUMN late" in done.stdout, done.output
    return seen


def test_a_diff_asks_as_many_questions_for_a_thousand_tables_as_for_ten(
    make_database: Callable[..., Database],
) -> None:
    asked = []
    for count in (10, 1000):
        one = make_database("one")
        with connect(one) as connection:
            connection.execute(TABLES.format(count=count).encode())
        other = make_database("other", one)
        with connect(other) as connection:
            connection.execute(b"ALTER TABLE t7 ADD late int")
        asked.append(statements(one, other))
    few, many = asked
    assert len(few) > 40  # both databases were asked through the relay
    assert sorted(few) == sorted(many)
