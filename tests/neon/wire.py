"""A compute: a port that leads each session to the database of its branch."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

SSL, GSS, CANCEL = 80877103, 80877104, 80877102

Lead: TypeAlias = Callable[[str, str], tuple[str, str]]
"""Told a role and a database, gives the server's; a LookupError is told to the client."""


@dataclass(frozen=True)
class Target:
    """Where the real server is."""

    host: str
    port: int


class Wire:
    """Listens until it is closed; sessions live on the real server."""

    def __init__(self, target: Target, lead: Lead) -> None:
        self._target, self._lead = target, lead
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no longer."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, EOFError):
            packet = self._startup(client)
            address = (self._target.host, self._target.port)
            if packet is None:
                return
            with socket.create_connection(address) as server:
                server.sendall(packet)
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()

    def _startup(self, client: socket.socket) -> bytes | None:
        """Read the first message, and write it anew for the real server."""
        while True:
            (length,) = struct.unpack("!I", _read(client, 4))
            rest = _read(client, length - 4)
            (code,) = struct.unpack("!I", rest[:4])
            if code not in (SSL, GSS):
                break
            client.sendall(b"N")
        if code == CANCEL:
            return struct.pack("!I", length) + rest
        words = [each.decode() for each in rest[4:].split(b"\0") if each]
        parameters = dict(zip(words[::2], words[1::2], strict=True))
        try:
            user, database = self._lead(parameters["user"], parameters["database"])
        except LookupError as error:
            client.sendall(_refusal(str(error)))
            return None
        parameters |= {"user": user, "database": database}
        body = b"".join(each.encode() + b"\0" for pair in parameters.items() for each in pair)
        return struct.pack("!II", len(body) + 9, code) + body + b"\0"


def _read(client: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        more = client.recv(length - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes, to the end; then the other side ends, too."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _refusal(words: str) -> bytes:
    fields = b"".join(
        kind + text.encode() + b"\0"
        for kind, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", "08006"), (b"M", words))
    )
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"
