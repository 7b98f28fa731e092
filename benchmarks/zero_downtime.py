"""What old and new applications feel during a whole change: python benchmarks/zero_downtime.py.

Both applications write and read at a fixed rate while a change goes from its expand to its
contract: once by limbeck's phases (expand, backfill, deploy, contract), once as the plain revision
between the two deploys. A transaction that comes late counts from when it was due. Each adds 1 to
an amount, so in the end the sum tells whether a write was lost: that, and rows in which the old
and the new structure differ before the contract, are the rows different.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from ground import Ground, new_project

from limbeck.history.history import History
from limbeck.phased.phases import changes
from limbeck.postgres.embedded.server import Server
from limbeck.settings import Project

BIN = Path(sys.executable).parent
CLIENTS, RATE = 3, 75  # connections of each application, and their transactions a second
BEFORE, BETWEEN, AFTER = 5.0, 1.0, 3.0  # seconds of traffic around the phases
MODELS = """
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text

metadata = sa.MetaData(naming_convention={
    "pk": "%(table_name)s_pkey", "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
})
"""
TABLES = """
accounts = sa.Table("accounts", metadata, Column("id", KEY, primary_key=True), Column("name", Text))
events = sa.Table(
    "events", metadata, Column("id", Integer, primary_key=True),
    Column("account", KEY, ForeignKey("accounts.id"), index=True),
    Column("AMOUNT", Integer, nullable=False, server_default="0"), Column("note", Text))
orders = sa.Table(
    "orders", metadata, Column("id", Integer, primary_key=True),
    Column("account", KEY, ForeignKey("accounts.id")), Column("note", Text))
"""
ROWS = """
INSERT INTO accounts SELECT n, 'account ' || n FROM generate_series(1, {rows}) n;
INSERT INTO events (id, account, note) SELECT n, n, repeat('x', 40) FROM generate_series(1, {rows}) n;
INSERT INTO orders SELECT n, n, repeat('x', 40) FROM generate_series(1, {rows}) n;
VACUUM ANALYZE
"""  # noqa: E501 - one table a line


@dataclass(frozen=True, slots=True)
class Change:
    """Models before and after, and what the two applications say.

    The statements are told an id; `amount` is the column that they count in, in the end.
    """

    name: str
    before: str
    after: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    amount: str
    rename: tuple[str, ...] = ()


def _models(key: str, amount: str) -> str:
    return MODELS + TABLES.replace("KEY", key).replace("AMOUNT", amount)


def _said(amount: str) -> tuple[str, ...]:
    return (
        f"UPDATE events SET {amount} = {amount} + 1 WHERE id = %(id)s",
        f"SELECT {amount}, name FROM events e, accounts a WHERE a.id = account AND e.id = %(id)s",
        "INSERT INTO orders (id, account, note) VALUES (nextval('made'), %(id)s, 'new')",
    )


CHANGES = (
    Change(
        "rename a column",
        _models("Integer", "amount"),
        _models("Integer", "total"),
        _said("amount"),
        _said("total"),
        "total",
        ("--rename", "public.events.amount:public.events.total"),
    ),
    Change(
        "int to bigint, with two foreign keys",
        _models("Integer", "amount"),
        _models("BigInteger", "amount"),
        _said("amount"),
        _said("amount"),
        "amount",
    ),
)


@dataclass(slots=True)
class Application:
    """Clients of one version of the application, at a fixed rate together.

    `latencies` are (when it was due, milliseconds) of those that went well.
    """

    url: str
    statements: Sequence[str]
    rows: int
    stopped: threading.Event = field(default_factory=threading.Event)
    latencies: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let its clients begin."""
        self.threads = [threading.Thread(target=self._client, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Let its clients end."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _client(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - no secret
        # As pgbench by default: without prepared statements.
        with psycopg.connect(self.url, prepare_threshold=None) as connection:
            due = time.time() + number / RATE
            while not self.stopped.wait(max(0.0, due - time.time())):
                try:
                    for statement in self.statements:
                        values = {"id": chance.randint(1, self.rows)}
                        connection.execute(statement.encode(), values)
                    connection.commit()
                except psycopg.Error as error:
                    connection.rollback()
                    self.failures.append(str(error).splitlines()[0])
                else:
                    self.latencies.append((due, (time.time() - due) * 1000))
                due += CLIENTS / RATE


@dataclass(frozen=True, slots=True)
class Felt:
    """What the applications felt; latencies in milliseconds."""

    seconds: float
    before: float
    p99: float
    worst: float
    failed: int
    different: int
    words: str

    def cells(self) -> str:
        """Return the cells of a Markdown row."""
        return (
            f"{self.seconds:.1f} s | {self.p99:.0f} | {self.p99 - self.before:+.0f} | "
            f"{self.worst:.0f} | {self.failed} | {self.different}"
        )


def prepare(ground: Ground, change: Change) -> None:
    """Create and fill the database, and write the models after a change."""
    ground.begin(change.before)
    with psycopg.connect(ground.url, autocommit=True) as connection:
        for statement in ROWS.format(rows=ground.rows).split(";"):
            connection.execute(statement.encode())
        start = f"CREATE SEQUENCE made START {ground.rows + 1}"
        connection.execute(start.encode())
    ground.write(change.after)


def number(ground: Ground, query: str) -> int:
    """Return what a query counts."""
    with psycopg.connect(ground.url) as connection:
        row = connection.execute(query.encode()).fetchone()
        return int(row[0] or 0) if row else 0


def in_phases(ground: Ground, new: Application, old: Application) -> int:
    """Change it by limbeck; return how many rows differ between the two structures."""
    ground.limbeck("migrate", "--yes")
    ground.limbeck("backfill", "--yes")
    new.start()
    time.sleep(BETWEEN)
    old.stop()
    different = sum(number(ground, query) for query in _differing(ground))
    ground.limbeck("contract", "--yes")
    return different


def _differing(ground: Ground) -> Iterator[str]:
    """Yield the questions that the expand revision itself says its backfill must answer with 0."""
    for one in changes(History.of(Project.find(ground.project)).revisions()):
        for backfill in one.backfills:
            yield f"SELECT count(*) FROM {backfill.table} WHERE {backfill.where}"


def plainly(ground: Ground, new: Application, old: Application) -> int:
    """Change it by the plain revision, between the two deploys."""
    ground.limbeck("migrate", "--yes")
    new.start()
    time.sleep(BETWEEN)
    old.stop()
    return 0


Work = Callable[[Ground, Application, Application], int]


def measure(ground: Ground, change: Change, work: Work, *words: str) -> Felt:
    """Return what the applications feel while some work changes the database."""
    prepare(ground, change)
    ground.limbeck("generate", "-m", "change", "--allow-drop", *words, *change.rename)
    old = Application(ground.url, change.old, ground.rows)
    new = Application(ground.url, change.new, ground.rows)
    old.start()
    time.sleep(BEFORE)
    begun = time.time()
    try:
        different = work(ground, new, old)
        ended = time.time()
        time.sleep(AFTER)
    finally:
        old.stop()
        new.stop()
    done = [*old.latencies, *new.latencies]
    lost = len(done) - number(ground, f"SELECT sum({change.amount}) FROM events")
    before = [latency for due, latency in done if due < begun]
    during = [latency for due, latency in done if begun <= due <= ended + 1]
    failures = [*old.failures, *new.failures]
    return Felt(
        ended - begun,
        _p99(before),
        _p99(during),
        max(during, default=0.0),
        len(failures),
        different + abs(lost),
        failures[0] if failures else "",
    )


def _p99(found: Sequence[float]) -> float:
    ordered = sorted(found) or [0.0]
    return ordered[int(len(ordered) * 0.99)]


@contextmanager
def prepared(rows: int) -> Iterator[Ground]:
    """Start a server and set a project up."""
    with tempfile.TemporaryDirectory() as folder:
        server, program = Server(Path(folder) / "server"), BIN / "limbeck"
        server.start()
        try:
            yield Ground(server, program, new_project(program, Path(folder)), rows)
        finally:
            server.stop()


def main() -> None:
    """Measure every change twice and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each table")
    parser.add_argument("--only", default="", help="changes with this in their name")
    chosen = parser.parse_args()
    columns = "time | p99 | added | max | failed | different"
    print(f"| change | plain: {columns} | limbeck: {columns} |\n|{'---|' * 13}")
    with prepared(chosen.rows) as ground:
        for change in CHANGES:
            if chosen.only not in change.name:
                continue
            plain = measure(ground, change, plainly, "--plain")
            ours = measure(ground, change, in_phases, "--zero-downtime")
            print(f"| {change.name} | {plain.cells()} | {ours.cells()} |", flush=True)
            for said in filter(None, (plain.words, ours.words)):
                print(f"  first failure: {said}", file=sys.stderr)


if __name__ == "__main__":
    main()
