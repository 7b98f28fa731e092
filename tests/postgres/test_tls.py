"""No server on another machine gets a password that could be read or guessed there.

The servers speak just enough of the protocol to ask for a password. They listen on this machine,
where no TLS is needed, and are called by an address that counts as another one: 0.0.0.0.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg import pq

from limbeck.errors import UnavailableError
from limbeck.postgres import tls
from limbeck.postgres import url as urls
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.urls import timed
from limbeck.settings import Profile

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server

# Key and certificate of db.example, signed by itself and valid until 2120.
CERTIFICATE = Path(__file__).parent / "certificates" / "db.example.pem"
PASSWORD = "hunter2-of-the-test"  # noqa: S105 - one that must not arrive
ELSEWHERE = "db.example&hostaddr=0.0.0.0"
WANTED = {
    "a password in clear text": struct.pack("!ii", 8, 3),
    "an MD5 hash of it": struct.pack("!ii4s", 12, 5, b"salt"),
    "nothing": struct.pack("!ii", 8, 0),
}
needs_libpq_16 = pytest.mark.skipif(pq.version() < 160000, reason="libpq has no require_auth")


@pytest.fixture(autouse=True, scope="module")
def plain_environment() -> Iterator[None]:
    """Nothing of the machine's own PGSSLMODE, SSL_CERT_FILE ... reaches these tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith(("PG", "SSL_"))]:
            patch.delenv(name)
        yield


@dataclass
class Asking:
    """A server that asks for `request`, and what each client answered to that."""

    request: bytes
    answers: list[bytes] = field(default_factory=list)
    port: int = 0

    def url(self, query: str = "") -> str:
        """The server's URL, with more parameters."""
        return f"postgresql://u:{PASSWORD}@/d?host={ELSEWHERE}&port={self.port}{query}"

    def serve(self, listener: socket.socket) -> None:
        """Serve until the listener is closed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.settimeout(10)
                with client, suppress(OSError):
                    client.recv(8)  # SSLRequest
                    client.sendall(b"S")
                    with context.wrap_socket(client, server_side=True) as secured:
                        self._talk(secured)

    def _talk(self, client: ssl.SSLSocket) -> None:
        client.recv(4096)  # the startup message
        client.sendall(b"R" + self.request)
        self.answers.append(client.recv(4096))
        error = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"
        client.sendall(b"E" + struct.pack("!i", len(error) + 4) + error)


@contextmanager
def asking(request: bytes) -> Iterator[Asking]:
    """Run a server that asks for a password."""
    server = Asking(request)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(20)


def refused(database: Database) -> UnavailableError:
    """The error of a connection that is refused."""
    with pytest.raises(UnavailableError) as caught, connect(database):
        pytest.fail("connected")
    assert PASSWORD not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


@needs_libpq_16
@pytest.mark.parametrize("query", ["", "&sslmode=require", "&channel_binding=prefer"])
@pytest.mark.parametrize("request_", WANTED.values(), ids=WANTED)
def test_a_server_that_does_not_prove_itself_gets_no_password(request_: bytes, query: str) -> None:
    with asking(request_) as server:
        error = refused(Database.from_url("qa", server.url(query)))
    assert server.answers == [b""]
    assert "does not use SCRAM" in error.message
    assert "sslmode=verify-full" in str(error.hint)
    assert "URL of qa" in str(error.hint)


def test_channel_binding_keeps_the_password_too() -> None:
    with asking(WANTED["a password in clear text"]) as server:
        error = refused(Database.from_url("qa", server.url("&channel_binding=require")))
    assert server.answers == [b""]
    assert "channel binding" in error.message


@needs_libpq_16
def test_a_url_that_names_another_method_is_obeyed() -> None:
    with asking(WANTED["a password in clear text"]) as server:
        refused(Database.from_url("qa", server.url("&require_auth=password")))
    assert PASSWORD.encode() in server.answers[0]


@needs_libpq_16
def test_with_verify_full_only_the_right_server_gets_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = Profile("qa", "qa", sslmode="verify-full")
    with asking(WANTED["a password in clear text"]) as server:
        database = timed(profile, server.url("&sslmode=require"))
        assert database.parameters["sslrootcert"] == "system"
        error = refused(database)
        assert "certificate verify failed" in error.message
        assert server.answers == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        refused(database)
        assert PASSWORD.encode() in server.answers[0]
        another = urls.render(database.parameters | {"host": "other.example"})
        assert "other.example" in refused(Database.from_url("qa", another)).message


def test_a_server_with_scram_behind_tls_is_reached(server: Server) -> None:
    own = urls.parse(server.url())
    with terminating((own["host"], int(own["port"]))) as port:
        away = {**own, "host": "db.example", "hostaddr": "0.0.0.0", "port": str(port)}  # noqa: S104 - see above
        database = Database.from_url("qa", urls.render(away))
        with connect(database) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert connection.pgconn.ssl_in_use


@contextmanager
def terminating(upstream: tuple[str, int]) -> Iterator[int]:
    """Run a proxy that ends TLS before a server that has none, as many clouds do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        client.recv(8)
        client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as secured,
            socket.create_connection(upstream) as plain,
        ):
            answers = threading.Thread(target=pump, args=(plain, secured), daemon=True)
            answers.start()
            pump(secured, plain)
            answers.join(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what one side says until it hangs up."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


REMOTE = {"host": "db.example", "sslmode": "require"}
DUE = {"require_auth": "scram-sha-256"}
CASES: dict[str, tuple[dict[str, str], int, dict[str, str]]] = {
    "another machine": (REMOTE, 160000, DUE),
    "one remote host of two": ({"host": "localhost,db.example"}, 170000, DUE),
    "a libpq before 16": (REMOTE, 150000, {"channel_binding": "require"}),
    "that binds if it can": (REMOTE | {"channel_binding": "prefer"}, 150000, {}),
    "Neon's own strings": (REMOTE | {"channel_binding": "require"}, 160000, {}),
    "a client's certificate": (
        REMOTE | {"sslcert": "me.crt"},
        160000,
        {"require_auth": "scram-sha-256,none"},
    ),
    "another method": (REMOTE | {"require_auth": "md5"}, 160000, {}),
    "a verified server": ({"host": "db.example", "sslmode": "verify-full"}, 160000, {}),
    "this machine": ({"host": "127.0.0.1"}, 160000, {}),
    "a socket": ({"host": "/run/postgresql"}, 160000, {}),
}


@pytest.mark.parametrize(("parameters", "libpq", "added"), CASES.values(), ids=CASES)
def test_scram_is_required_where_nothing_else_proves_the_server(
    parameters: dict[str, str], libpq: int, added: dict[str, str]
) -> None:
    assert tls.authentication(parameters, libpq) == added


def test_the_variables_of_libpq_count_like_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGREQUIREAUTH", "md5")
    assert tls.authentication(REMOTE, 160000) == {}
    monkeypatch.delenv("PGREQUIREAUTH")
    assert tls.variables(REMOTE) == {"PGREQUIREAUTH": "scram-sha-256"}
    assert tls.variables({"host": "localhost"}) == {}


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        ("verify-full", "sslmode=require", {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("verify-full", "sslrootcert=my.crt", {"sslmode": "verify-full", "sslrootcert": "my.crt"}),
        ("require", "sslmode=prefer", {"sslmode": "require"}),
        (None, "sslmode=verify-ca", {"sslmode": "verify-ca"}),
    ],
)
def test_the_mode_of_a_profile_replaces_that_of_a_url(
    mode: str | None, given: str, expected: dict[str, str]
) -> None:
    profile = Profile("qa", "qa", sslmode=mode)
    database = timed(profile, f"postgresql://u@db.example/d?{given}")
    chosen = {key: text for key, text in database.parameters.items() if key.startswith("ssl")}
    assert chosen == expected
    local = timed(profile, "postgresql://u@localhost/d")
    assert "sslmode" not in local.parameters


def test_the_certificates_of_the_system_are_a_file_that_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = Database.from_url("qa", "postgresql://u@db.example/d?sslrootcert=system").parameters
    assert given["sslmode"] == "verify-full"
    monkeypatch.setenv("PGSSLROOTCERT", "system")
    same = Database.from_url("qa", "postgresql://u@db.example/d").parameters
    assert same["sslmode"] == "verify-full"
    assert tls.root(given) == tls.root(same)
    for place in tls.root(given).values():  # none where the machine has no certificates
        assert "BEGIN CERTIFICATE" in Path(place).read_text(encoding="utf-8")
