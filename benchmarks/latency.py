"""Migrate over a slow line: python benchmarks/latency.py [--round-trip MS] [--tables N] [--runs N].

A proxy delays every byte, as a line to a server in another city does. Prints a Markdown table:
wall seconds of `limbeck migrate` and of `alembic upgrade head` on the same revisions.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from schema import write_models

from limbeck.postgres.embedded.server import Server

BIN = Path(sys.executable).parent
AIM = 6

ALEMBIC_ENV = """from __future__ import annotations

import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["BENCH_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


class Proxy:
    """A port on this machine that leads to another one, with a delay each way in seconds."""

    def __init__(self, target: tuple[str, int], delay: float) -> None:
        self.target = target
        self.delay = delay
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._carry(near, far)
                self._carry(far, near)

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        line: deque[tuple[float, bytes]] = deque()
        arrived = threading.Semaphore(0)

        def read() -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(1 << 16):
                    line.append((time.monotonic() + self.delay, data))
                    arrived.release()
            line.append((time.monotonic() + self.delay, b""))
            arrived.release()

        def write() -> None:
            with contextlib.suppress(OSError):
                while True:
                    arrived.acquire()
                    due, data = line.popleft()
                    time.sleep(max(0.0, due - time.monotonic()))
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()


def run(*words: str, cwd: Path, env: Mapping[str, str]) -> float:
    """Run a command and return its wall seconds."""
    began = time.monotonic()
    subprocess.run(
        words, cwd=cwd, env={**os.environ, **env}, check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.monotonic() - began


def prepare(root: Path, tables: int) -> Server:
    """Make a project with one revision of so many tables, and plain Alembic beside it."""
    limbeck = str(BIN / "limbeck")
    run(limbeck, "init", ".", "--yes", cwd=root, env={})
    for folder in ("alembic/versions", "app/models"):
        for old in (root / folder).glob("*.py"):
            old.unlink()
    write_models(root, tables)
    run(limbeck, "generate", "-m", "all", cwd=root, env={})
    folder = root / "plain"
    folder.mkdir()
    (folder / "env.py").write_text(ALEMBIC_ENV)
    (folder / "script.py.mako").write_text((root / "alembic/script.py.mako").read_text())
    (folder / "versions").symlink_to(root / "alembic/versions")
    (root / "plain.ini").write_text("[alembic]\nscript_location = %(here)s/plain\n")
    server = Server(root / ".limbeck")
    server.start()
    return server


@contextmanager
def empty_database(server: Server, proxy: Proxy) -> Iterator[str]:
    """Give the URL of a new database behind the proxy."""
    name = f"bench_{time.monotonic_ns()}"
    quoted = sql.Identifier(name)
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        near, far = f":{admin.info.port}/", f":{proxy.port}/"
        try:
            yield server.url(name).replace(near, far)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))


def ours(root: Path, url: str) -> float:
    """`limbeck migrate`, with plan, lock and ledger."""
    env = {"DATABASE_URL_DEVELOPMENT": url}
    return run(str(BIN / "limbeck"), "migrate", "-e", "development", "--yes", cwd=root, env=env)


def theirs(root: Path, url: str) -> float:
    """`alembic upgrade head`."""
    env = {"BENCH_URL": url.replace("postgresql://", "postgresql+psycopg://")}
    return run(str(BIN / "alembic"), "-c", "plain.ini", "upgrade", "head", cwd=root, env=env)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="latency", description=__doc__)
    parser.add_argument("--round-trip", type=float, default=30, metavar="MS")
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="limbeck-bench-") as folder:
        root = Path(folder)
        server = prepare(root, chosen.tables)
        with psycopg.connect(server.url()) as admin:
            target = ("127.0.0.1", admin.info.port)
        proxy = Proxy(target, chosen.round_trip / 2000)
        seconds: dict[str, list[float]] = {"limbeck": [], "alembic": []}
        for _ in range(chosen.runs):
            for name, work in (("limbeck", ours), ("alembic", theirs)):
                with empty_database(server, proxy) as url:
                    seconds[name].append(work(root, url))
        server.stop()
    mine, other = (statistics.median(times) for times in seconds.values())
    print("| work | limbeck s | alembic s | times faster | aim |\n|---|---|---|---|---|")
    work = f"first revision, {chosen.tables} tables, {chosen.round_trip:g} ms away"
    print(f"| {work} | {mine:.1f} | {other:.1f} | {other / mine:.1f} | ≥ {AIM} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
