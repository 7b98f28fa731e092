"""Servers of other majors, started once a run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from psycopg import sql

from limbeck.postgres.embedded.server import Server
from tests.majors.servers import programs

if TYPE_CHECKING:
    from tests.printed import Printed

ServerOf: TypeAlias = Callable[[int], Server]
Connect: TypeAlias = Callable[[int], psycopg.Connection]


@pytest.fixture(scope="session")
def server_of(
    server: Server, printed: Printed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerOf]:
    """A function that starts the server of a major, or returns the one that runs."""
    started: dict[int, Server] = {int((server.data / "PG_VERSION").read_text()): server}
    others: list[Server] = []

    def start(major: int) -> Server:
        if major not in started:
            home: Path = tmp_path_factory.mktemp(f"postgres{major}")
            started[major] = Server(home, port=None, programs=programs()[major])
            started[major].start()
            others.append(started[major])
            printed.secrets.add((home / "password").read_text().strip())
        return started[major]

    yield start
    for other in others:
        other.stop()


@pytest.fixture
def connect_to(server_of: ServerOf) -> Iterator[Connect]:
    """A function that connects to a new, empty database on the server of a major."""
    opened: list[tuple[psycopg.Connection, str, str]] = []

    def connect(major: int) -> psycopg.Connection:
        server, name = server_of(major), f"majors_{uuid.uuid4().hex[:12]}"
        _run(server.url(), "CREATE DATABASE {}", name)
        connection = psycopg.connect(server.url(name), autocommit=True)
        opened.append((connection, server.url(), name))
        return connection

    yield connect
    for connection, url, name in opened:
        connection.close()
        _run(url, "DROP DATABASE {} WITH (FORCE)", name)


def _run(url: str, statement: str, name: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as admin:
        admin.execute(sql.SQL(statement).format(sql.Identifier(name)))
