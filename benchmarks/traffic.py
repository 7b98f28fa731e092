"""What an application feels while a table changes: python benchmarks/traffic.py [--rows N].

A table of a million rows is read and written at a fixed rate by pgbench while each change runs:
once as one plain statement, once as limbeck writes and applies it. Printed are the latencies of
the transactions that overlap the change, in milliseconds, with the time they waited for their
turn; and what that is above the same traffic before it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from limbeck.generate.rendering.body import render
from limbeck.phased.online import online
from limbeck.postgres.embedded import binaries
from limbeck.postgres.embedded.server import Server
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.diff.steps import Step

BIN = Path(sys.executable).parent
CLIENTS, RATE = 6, 150  # connections, and transactions a second
BEFORE, AFTER = 4.0, 2.5  # seconds of traffic around the change; pgbench writes late
ADDED, WORST = 20, 150  # milliseconds: what a change may add to p99, and the slowest transaction
FIELDS = 7  # of a line of its log, with the schedule's lag
SCHEMA = """
CREATE TABLE accounts (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE events (
    id int NOT NULL, account int, amount int NOT NULL DEFAULT 0, code int, note text
);
CREATE UNIQUE INDEX events_key ON events (id);
CREATE INDEX events_amount ON events (amount);
"""
ROWS = """
INSERT INTO accounts SELECT n, 'account ' || n FROM generate_series(1, 10000) AS n;
INSERT INTO events
SELECT n, n % 10000 + 1, n % 100, n, repeat('x', 40) FROM generate_series(1, {rows}) AS n;
VACUUM ANALYZE
"""
TRAFFIC = """
\\set id random(1, {rows})
UPDATE events SET amount = amount + 1, note = note WHERE id = :id;
SELECT note FROM events WHERE id = :id;
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of SCHEMA; `reader`: seconds that somebody reads the table when it starts."""

    name: str
    sql: str
    reader: float = 0.0


CHANGES = (
    Change("create an index", "CREATE INDEX ON events (code)"),
    Change("replace an index", "DROP INDEX events_amount; "
           "CREATE INDEX events_amount ON events (amount, code)"),
    Change("add a unique constraint", "ALTER TABLE events ADD UNIQUE (code)"),
    Change("add a primary key", "ALTER TABLE events ADD PRIMARY KEY (id)"),
    Change("add a foreign key",
           "ALTER TABLE events ADD FOREIGN KEY (account) REFERENCES accounts"),
    Change("add a check", "ALTER TABLE events ADD CHECK (length(note) < 1000)"),
    Change("set NOT NULL", "ALTER TABLE events ALTER note SET NOT NULL"),
    Change("add a column behind a reader of 5 s", "ALTER TABLE events ADD extra int", 5.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of the transactions of a stretch of time; how many failed."""

    p99: float
    worst: float
    failed: int

    @classmethod
    def of(cls, found: Sequence[float], failed: int) -> Latency:
        """Return the figures of some latencies; of none, zeros."""
        ordered = sorted(found) or [0.0]
        return cls(ordered[int(len(ordered) * 0.99)], ordered[-1], failed)


@dataclass(frozen=True, slots=True)
class Felt:
    """How long a change took, and the latencies before it and during it."""

    seconds: float
    before: Latency
    during: Latency

    @property
    def added(self) -> float:
        """What the change adds to p99."""
        return self.during.p99 - self.before.p99

    @property
    def good(self) -> bool:
        """Whether the application hardly felt it."""
        slow = self.added >= ADDED or self.during.worst >= WORST
        return not slow and not self.during.failed

    def cells(self) -> str:
        """Return the cells of a Markdown row."""
        return (
            f"{self.seconds:.1f} s | {self.during.p99:.0f} | {self.added:+.0f} | "
            f"{self.during.worst:.0f} | {self.during.failed}"
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """The server, a project, and a folder for what pgbench writes."""

    server: Server
    project: Path
    folder: Path
    rows: int

    def fresh(self, database: str, template: str) -> str:
        """Make a database anew and return its URL."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {database} TEMPLATE {template}".encode())
        return self.server.url(database)

    def execute(self, url: str, sql: str) -> None:
        """Run statements, each in a transaction of its own."""
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in filter(str.strip, sql.split(";")):
                connection.execute(statement.encode())

    def steps(self, change: Change) -> tuple[tuple[Step, ...], str]:
        """Return the plain steps of a change, and upgrade() as limbeck writes it."""
        old, new = self.fresh("plain", "template0"), self.fresh("wanted", "template0")
        self.execute(old, SCHEMA)
        self.execute(new, SCHEMA + change.sql)
        with psycopg.connect(old) as one, psycopg.connect(new) as other:
            before, after = read(one), read(other)
        found = compare.steps(before, after)
        return found, render(online.steps(found, before, after), before, after).text

    def write(self, name: str, upgrade: str) -> None:
        """Make this the only revision of the project."""
        versions = self.project / "alembic" / "versions"
        for old in versions.glob("*.py"):
            old.unlink()
        body = "\n".join(f"    {line}" for line in upgrade.splitlines())
        head = f'"""{name}"""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        ids = 'revision = "a00000000001"\ndown_revision = None\n'
        text = f"{head}{ids}def upgrade():\n{body}\ndef downgrade():\n    pass\n"
        (versions / "a00000000001_change.py").write_text(text)


@contextmanager
def traffic(ground: Ground, url: str) -> Iterator[Callable[[float, float], Felt]]:
    """Keep pgbench going inside of the block; then tell what was felt from one time to another."""
    script = ground.folder / "traffic.sql"
    script.write_text(TRAFFIC.format(rows=ground.rows))
    for old in ground.folder.glob("log.*"):
        old.unlink()
    words = [binaries.find().folder / "pgbench", "-n", "-c", CLIENTS, "-j", 2, "-R", RATE]
    words += ["-T", 600, "-f", script, "-l", "--log-prefix", ground.folder / "log", url]
    with subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said: list[str] = []

        def felt(begun: float, ended: float) -> Felt:
            process.terminate()
            said.extend(process.communicate()[0].splitlines())
            return _felt(ground.folder, begun, ended, sum("aborted" in line for line in said))

        try:
            yield felt
        finally:
            process.kill()


def _felt(folder: Path, begun: float, ended: float, failed: int) -> Felt:
    before, during = [], []
    for path in folder.glob("log.*"):
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) < FIELDS:  # the last one, which pgbench had not finished writing
                continue
            latency, seconds, micros = words[2], words[4], words[5]
            end = int(seconds) + int(micros) / 1e6
            start = end - int(latency) / 1e6
            if end < begun and start > begun - BEFORE + 1:
                before.append(int(latency) / 1000)
            elif end >= begun and start <= ended:
                during.append(int(latency) / 1000)
    return Felt(ended - begun, Latency.of(before, 0), Latency.of(during, failed))


def measure(ground: Ground, change: Change, work: Callable[[str], None]) -> Felt:
    """Return what the application feels while some work changes the database."""
    url = ground.fresh("traffic", "filled")
    with traffic(ground, url) as felt:
        time.sleep(BEFORE)
        reader = threading.Thread(target=_read, args=(url, change.reader))
        reader.start()
        time.sleep(0.2)
        begun = time.time()
        work(url)
        ended = time.time()
        reader.join()
        time.sleep(AFTER)
        return felt(begun, ended)


def _read(url: str, seconds: float) -> None:
    if seconds:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT count(*) FROM events WHERE id < 10")
            connection.execute("SELECT pg_sleep(%s)", (seconds,))


def plainly(steps: Sequence[Step]) -> Callable[[str], None]:
    """Return the work of one transaction without a word about locks."""

    def work(url: str) -> None:
        with psycopg.connect(url) as connection:
            for step in steps:
                connection.execute(step.sql.encode())

    return work


def by_limbeck(ground: Ground) -> Callable[[str], None]:
    """Return the work of `limbeck migrate`."""

    def work(url: str) -> None:
        subprocess.run(
            [BIN / "limbeck", "migrate", "-e", "development", "--yes"],
            cwd=ground.project,
            env={**os.environ, "DATABASE_URL_DEVELOPMENT": url},
            check=True,
            capture_output=True,
        )

    return work


@contextmanager
def prepared(rows: int) -> Iterator[Ground]:
    """Start a server, fill the table, set a project up."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "server")
        project = Path(folder) / "project"
        server.start()
        try:
            init = [str(BIN / "limbeck"), "init", str(project), "--yes"]
            subprocess.run(init, check=True, capture_output=True)
            ground = Ground(server, project, Path(folder), rows)
            ground.execute(ground.fresh("filled", "template0"), SCHEMA + ROWS.format(rows=rows))
            yield ground
        finally:
            server.stop()


def main() -> None:
    """Measure every change twice and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="changes with this in their name")
    chosen = parser.parse_args()
    began, good = time.monotonic(), []
    columns = "time | p99 | added | max | failed"
    print(f"| change | plain: {columns} | limbeck: {columns} |\n|{'---|' * 11}")
    with prepared(chosen.rows) as ground:
        for change in CHANGES:
            if chosen.only not in change.name:
                continue
            steps, upgrade = ground.steps(change)
            plain = measure(ground, change, plainly(steps))
            ground.write(change.name, upgrade)
            ours = measure(ground, change, by_limbeck(ground))
            print(f"| {change.name} | {plain.cells()} | {ours.cells()} |", flush=True)
            good.append(ours.good)
    aim = f"added p99 < {ADDED} ms, max < {WORST} ms, none failed"
    seconds = time.monotonic() - began
    print(f"\nlimbeck, {aim}: {sum(good)} of {len(good)} changes; {seconds:.0f} s in all")


if __name__ == "__main__":
    main()
