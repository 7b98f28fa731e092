"""Migrators in processes of their own, killed at a chosen statement, in one of three ways."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg

from limbeck import migrate
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.settings import Project
from tests.postgres.relay import relayed

CLIENT, BACKEND, SERVER = "client", "backend", "server"
WATCHER = "limbeck watch"
PATIENCE = 60.0

# Forked from a process that has imported all of it, and has no threads.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.postgres.crashing", "limbeck.engine.runner"])


@dataclass(frozen=True, slots=True)
class End:
    """What there is after a migration: all of it has to be the same, however it came about."""

    catalog: Catalog
    rows: dict[str, list[str]]
    unfinished: list[str]
    """INVALID indexes, constraints NOT VALID, partitions half detached."""


UNFINISHED = """
SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
UNION ALL SELECT 'not valid: ' || conname FROM pg_constraint WHERE NOT convalidated
UNION ALL SELECT 'pending: ' || inhrelid::regclass FROM pg_inherits WHERE inhdetachpending
ORDER BY 1"""
TABLES = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace <> ALL (ARRAY(SELECT oid FROM pg_namespace
    WHERE nspname ~ '^pg_' OR nspname IN ('information_schema', 'limbeck_state'))) ORDER BY 1"""
LOCKS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def end(database: Database) -> End:
    """Look at what there is."""
    with connect(database) as connection:
        names = [str(name) for (name,) in connection.execute(TABLES).fetchall()]
        return End(
            read(connection),
            {name: _rows(connection, name) for name in names},
            [str(one) for (one,) in connection.execute(UNFINISHED).fetchall()],
        )


def _rows(connection: psycopg.Connection[Any], name: str) -> list[str]:
    query = f"SELECT t::text FROM ONLY {name} AS t ORDER BY 1"
    return [row[0] for row in connection.execute(query.encode()).fetchall()]


def migrated(root: Path, database: Database) -> migrate.Report:
    """Migrate as `limbeck migrate` does."""
    project = Project.find(root)
    plan = migrate.plan(project, project.profile("development"), database)
    return migrate.apply(plan, confirm=lambda _: True)


def _child(root: Path, url: str) -> None:
    for stream in (1, 2):  # what a killed one says is no part of the test
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    migrated(root, Database.from_url("development", url))


def racing(root: Path, url: str, start: Barrier, said: SimpleQueue[tuple[int, bool]]) -> None:
    """Plan, apply when all others have planned, and tell how much was done, and if elsewhere."""
    database = Database.from_url("development", url)
    project = Project.find(root)
    plan = migrate.plan(project, project.profile("development"), database)
    start.wait(PATIENCE)
    report = migrate.apply(plan, confirm=lambda _: True)
    said.put((len(report.applied), report.elsewhere))


@dataclass
class Crash:
    """Kill when a statement is about to be sent, the first being 0; or while it waits.

    `child` migrates, in a process of its own. The watcher's statements do not count. One waits for
    those who use its tables: meanwhile an index is INVALID.
    """

    how: str
    at: int
    server: Server
    database: Database
    waiting: bool = False
    child: Callable[[Path, str], None] = _child
    count: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    killed: threading.Event = field(default_factory=threading.Event)
    process: BaseProcess | None = field(default=None, repr=False)
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def gate(self, who: str, _statement: str) -> bool:
        """Let statements pass up to the one to crash at."""
        if who == WATCHER:
            return True
        self.count += 1
        if self.count != self.at + 1:
            return self.waiting or self.count <= self.at or self.how != CLIENT
        if self.waiting:
            self.held.enter_context(in_use(self.database))
        # Said before it is done: the migrator may be gone sooner than we hear that it is.
        self.reached.set()
        if not self.waiting:
            self.kill()
            self.killed.set()
        return self.waiting or self.how != CLIENT

    def run(self, root: Path) -> bool:
        """Migrate until the crash; tell whether it came to that."""
        with relayed(self.database, self.gate) as relay, self.held:
            url = relay.to(self.database).url
            self.process = FORKS.Process(target=self.child, args=(root, url))
            self.process.start()
            if self.waiting:
                self._kill_waiting()
            self.process.join(PATIENCE)
        assert self.process.exitcode is not None
        if self.reached.is_set() and not self.waiting:
            assert self.killed.wait(PATIENCE)
        self.server.start()
        self._wait_for_its_sessions()
        return self.reached.is_set()

    def kill(self) -> None:
        """Kill the migrator's process, its backend, or the whole server."""
        match self.how:
            case "client":
                assert self.process
                self.process.kill()
            case "backend":
                self._ask("SELECT pg_terminate_backend(pid, 10000)")
            case _:
                kill_server(self.server)

    def _kill_waiting(self) -> None:
        """Kill once the statement waits; until the backend is gone, what it waits for stays."""
        assert self.process
        assert self.reached.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while self.process.is_alive() and not self._ask("SELECT 1", "wait_event_type = 'Lock'"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        if not self.process.is_alive():
            self.reached.clear()  # it waits for nobody
            return
        self.kill()
        while self.how == CLIENT and self._ask("SELECT 1"):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def _wait_for_its_sessions(self) -> None:
        """Wait until no session is left, not the watcher's either: the database is copied then."""
        query = "SELECT application_name, state, query FROM pg_stat_activity WHERE datname = %s"
        deadline = time.monotonic() + PATIENCE
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            while left := admin.execute(query, [self.database.dbname]).fetchall():
                assert time.monotonic() < deadline, left
                time.sleep(0.02)

    def _ask(self, select: str, condition: str = "true") -> list[tuple[Any, ...]]:
        query = f"{select} FROM pg_stat_activity WHERE datname = %s AND {condition}"
        query += f" AND application_name ~ '^limbeck' AND application_name <> '{WATCHER}'"
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            return admin.execute(query.encode(), [self.database.dbname]).fetchall()


def kill_server(server: Server) -> None:
    """Kill the first process of a server, and wait for its children, who notice it."""
    pid = server.status().pid
    assert pid
    children = _children(pid)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while any(map(_alive, [pid, *children])):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextmanager
def in_use(database: Database) -> Iterator[None]:
    """Let every table be in use, so that what builds an index has to wait."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(database.url) as other:
        with contextlib.suppress(
            psycopg.Error
        ):  # the migrator may hold one already, until the kill
            other.execute("SET lock_timeout = '1s'")
            for (name,) in other.execute(TABLES.encode()).fetchall():
                other.execute(f"LOCK TABLE {name} IN ROW EXCLUSIVE MODE".encode())
        yield
