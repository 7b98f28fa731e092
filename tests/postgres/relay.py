"""A relay to a server that counts what passes it, and can break a connection in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from limbeck.database import url as urls

if TYPE_CHECKING:
    from limbeck.database import Database

# A simple query, or the execution of a prepared one.
STATEMENTS = (b"Q", b"E")
# What a client waits for the answer of: a simple query, or the end of a pipeline.
WAITS = (b"Q", b"S")


@dataclass
class Relay:
    """A port that leads to a server; `statements` have passed it.

    `trips` are the round trips of each connection once it is open. A client that says what
    `cut_before` holds is hung up on, and so is the server.
    """

    server: tuple[str, int]
    cut_before: bytes | None = None
    trips: list[int] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    port: int = 0

    def to(self, database: Database) -> Database:
        """The same database, through the relay."""
        parameters = {**database.parameters, "host": "127.0.0.1", "port": str(self.port)}
        return replace(database, url=urls.render(parameters))

    def accept(self, listener: socket.socket) -> None:
        """Serve until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.trips.append(0)
            _Line(self, client, socket.create_connection(self.server), len(self.trips) - 1).start()


class _Line:
    """One connection through the relay."""

    def __init__(
        self, relay: Relay, client: socket.socket, upstream: socket.socket, number: int
    ) -> None:
        self.relay = relay
        self.client = client
        self.upstream = upstream
        self.number = number

    def start(self) -> None:
        for work in (self._answers, self._questions):
            threading.Thread(target=work, daemon=True).start()

    def _answers(self) -> None:
        with self.client, self.upstream, suppress(OSError):  # the client may hang up first
            while data := self.upstream.recv(65536):
                self.client.sendall(data)

    def _questions(self) -> None:
        """Pass on what a client says, message by message."""
        with suppress(OSError), self.client.makefile("rb") as stream:
            self._greet(stream)
            while kind := stream.read(1):
                length = stream.read(4)
                body = stream.read(int.from_bytes(length) - 4)
                if self.relay.cut_before and self.relay.cut_before in body:
                    for end in (self.upstream, self.client):
                        end.shutdown(socket.SHUT_RDWR)
                    return
                self._note(kind, body)
                self.upstream.sendall(kind + length + body)
            self.upstream.shutdown(socket.SHUT_WR)

    def _greet(self, stream: BinaryIO) -> None:
        while length := stream.read(4):  # before the session begins, messages have no type
            body = stream.read(int.from_bytes(length) - 4)
            self.upstream.sendall(length + body)
            if body[:2] == b"\x00\x03":  # protocol 3: the startup message is the last of these
                return

    def _note(self, kind: bytes, body: bytes) -> None:
        if kind in STATEMENTS:
            self.relay.statements.append((kind + body[:60]).decode(errors="replace"))
        if kind in WAITS:
            self.relay.trips[self.number] += 1


@contextmanager
def relayed(database: Database, cut_before: bytes | None = None) -> Iterator[Relay]:
    """A relay to the server of a database."""
    parameters = database.parameters
    relay = Relay((parameters["host"], int(parameters["port"])), cut_before)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay.port = listener.getsockname()[1]
        threading.Thread(target=relay.accept, args=(listener,), daemon=True).start()
        yield relay
