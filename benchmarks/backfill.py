"""Rows a second of a backfill, beside one plain UPDATE: python benchmarks/backfill.py [--rows N].

Each pair fills the same new column of two copies of one table, one after the other, so the ratio
holds on a machine that other work shares. The backfill includes the cut into ranges, the counting
of what is left, and the commits of its batches.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg

from limbeck import backfill
from limbeck.backfill import Plan, Task
from limbeck.phased.phases import Backfill
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.settings import Project

FILL = Backfill(
    "public.events", (("amount_new", "amount::bigint"),), "amount_new IS DISTINCT FROM amount"
)
PLAIN = "UPDATE events SET amount_new = amount::bigint WHERE amount_new IS DISTINCT FROM amount"


@dataclass(frozen=True, slots=True)
class Shape:
    """A table with some key, and its rows."""

    name: str
    key: str
    value: str


SHAPES = (
    Shape("integer key", "id int PRIMARY KEY", "n"),
    Shape("composite key", "a int, id int, PRIMARY KEY (a, id)", "n / 100, n"),
    Shape("random UUID", "id uuid PRIMARY KEY", "gen_random_uuid()"),
    Shape("no key", "id int", "n"),
)


def made(url: str, shape: Shape, rows: int) -> None:
    """Make the table anew, with an index beside its key and a trigger as an expansion has one."""
    columns = shape.key.partition(", PRIMARY")[0].replace(" PRIMARY KEY", "")
    names = ", ".join(each.split()[0] for each in columns.split(", "))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS limbeck_state CASCADE")
        connection.execute("DROP TABLE IF EXISTS events")
        connection.execute(
            f"CREATE TABLE events ({shape.key}, amount int, note text, amount_new bigint)".encode()
        )
        connection.execute(
            f"INSERT INTO events ({names}, amount, note)"
            f" SELECT {shape.value}, n, repeat('x', 60) FROM generate_series(1, %s) n".encode(),
            [rows],
        )
        connection.execute("CREATE INDEX ON events (note, amount)")
        connection.execute("VACUUM ANALYZE events")
        connection.execute("CHECKPOINT")


def plainly(url: str) -> float:
    """Return the seconds of one UPDATE."""
    with psycopg.connect(url, autocommit=True) as connection:
        began = time.monotonic()
        connection.execute(PLAIN.encode())
        return time.monotonic() - began


def in_batches(url: str, workers: int, batch_time: float) -> float:
    """Return the seconds of a backfill."""
    database = Database.from_url("benchmark", url)
    task = Task("benchmark", 0, FILL, "benchmark")
    plan = Plan("benchmark", "", False, (task,), (), Project(Path(), Path()), database)  # noqa: FBT003 - unprotected
    began = time.monotonic()
    backfill.run(plan, confirm=lambda _: True, workers=workers, batch_time=batch_time)
    took = time.monotonic() - began
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM events WHERE amount_new IS DISTINCT FROM amount"
        ).fetchone()
    if row != (0,):
        raise AssertionError(row)
    return took


@contextmanager
def server() -> Iterator[Server]:
    """Run a server for the length of a block."""
    with tempfile.TemporaryDirectory() as folder:
        made = Server(Path(folder) / "server")
        made.start()
        try:
            yield made
        finally:
            made.stop()


def main() -> None:
    """Measure every shape and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch-time", type=float, default=backfill.BATCH_TIME, help="seconds")
    parser.add_argument("--only", default="", help="shapes with this in their name")
    chosen = parser.parse_args()
    print("| table | one UPDATE, rows/s | backfill, rows/s | ratio | aim |\n|---|---|---|---|---|")
    with server() as found:
        url = found.url("postgres")
        for shape in SHAPES:
            if chosen.only not in shape.name:
                continue
            pairs = []
            for _ in range(chosen.runs):
                made(url, shape, chosen.rows)
                one = plainly(url)
                made(url, shape, chosen.rows)
                pairs.append((one, in_batches(url, chosen.workers, chosen.batch_time)))
            ratio = median(one / other for one, other in pairs)
            plain, ours = (chosen.rows / median(each) for each in zip(*pairs, strict=True))
            print(
                f"| {shape.name} | {plain:,.0f} | {ours:,.0f} | {ratio:.2f} | ≥ 0.5 |", flush=True
            )


if __name__ == "__main__":
    main()
