"""A relay to a server that counts what passes it, and can break a connection in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from limbeck.postgres import url as urls

if TYPE_CHECKING:
    from limbeck.postgres.database import Database

# A simple query, or the execution of a prepared one.
STATEMENTS = (b"Q", b"E")
# What a client waits for the answer of: a simple query, or the end of a pipeline.
WAITS = (b"Q", b"S")


Gate: TypeAlias = Callable[[str, str], bool]


@dataclass
class Relay:
    """A port that leads to a server; `statements` have passed it.

    `trips` are the round trips of each connection once it is open. `gate` is told who is about to
    say which statement, before it is passed on; where it says no, both sides are hung up on.
    """

    server: tuple[str, int]
    gate: Gate = lambda _who, _statement: True
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
            try:
                upstream = socket.create_connection(self.server)
            except OSError:  # the server is down
                client.close()
                continue
            self.trips.append(0)
            _Line(self, client, upstream, len(self.trips) - 1).start()


class _Line:
    """One connection through the relay."""

    def __init__(
        self, relay: Relay, client: socket.socket, upstream: socket.socket, number: int
    ) -> None:
        self.relay = relay
        self.client = client
        self.upstream = upstream
        self.number = number
        self.who = self.said = ""

    def start(self) -> None:
        for work in (self._answers, self._questions):
            threading.Thread(target=work, daemon=True).start()

    def _answers(self) -> None:
        with self.client, self.upstream:
            with suppress(OSError):  # the client may hang up first
                while data := self.upstream.recv(65536):
                    self.client.sendall(data)
            self._hang_up()

    def _hang_up(self) -> None:
        for end in (self.upstream, self.client):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _questions(self) -> None:
        """Pass on what a client says, message by message."""
        with suppress(OSError), self.client.makefile("rb") as stream:
            self._greet(stream)
            while kind := stream.read(1):
                length = stream.read(4)
                body = stream.read(int.from_bytes(length) - 4)
                if not self._noted(kind, body):
                    self._hang_up()
                    return
                self.upstream.sendall(kind + length + body)
        # Also of a client that was killed with answers unread, which resets the connection.
        with suppress(OSError):
            self.upstream.shutdown(socket.SHUT_WR)

    def _greet(self, stream: BinaryIO) -> None:
        while length := stream.read(4):  # before the session begins, messages have no type
            body = stream.read(int.from_bytes(length) - 4)
            self.upstream.sendall(length + body)
            if body[:2] == b"\x00\x03":  # protocol 3: the startup message is the last of these
                words = body[4:].decode().split("\0")
                self.who = dict(zip(words[::2], words[1::2], strict=False))["application_name"]
                return

    def _noted(self, kind: bytes, body: bytes) -> bool:
        """Count a message, and tell whether it may pass."""
        if kind in WAITS:
            self.relay.trips[self.number] += 1
        if kind in {b"P", b"Q"}:
            self.said = body.removeprefix(b"\0").partition(b"\0")[0].decode()
        if kind not in STATEMENTS:
            return True
        self.relay.statements.append(self.said)
        return self.relay.gate(self.who, self.said)


@contextmanager
def relayed(database: Database, gate: Gate = lambda _who, _statement: True) -> Iterator[Relay]:
    """A relay to the server of a database."""
    parameters = database.parameters
    relay = Relay((parameters["host"], int(parameters["port"])), gate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay.port = listener.getsockname()[1]
        threading.Thread(target=relay.accept, args=(listener,), daemon=True).start()
        yield relay
