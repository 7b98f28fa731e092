"""Pull beside pg_dump and sqlacodegen: pull.py [--tables N] [--runs N] [--delay MS] [--no-proof].

Two things are measured apart, for they are bounded by different things. Reading a schema and
writing models is held against `pg_dump --schema-only`, which reads the same. The proof creates
every table once more, so pull with its proof is held against what creating alone takes:
`pg_dump --schema-only | psql` into a new database. Reading is measured once more over a connection
with a delay, as databases are seldom on the machine that asks. sqlacodegen is measured where it is
on the PATH (pip install sqlacodegen psycopg).

Prints a Markdown table: wall seconds (processor seconds of the clients + of the server's
sessions), medians, and the ratios pair by pair of the wall seconds (of all processor seconds).
On a machine that does other work the second ratio holds better than the first.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
from latency import Proxy
from pairs import Command, Pair
from project import limbeck

from limbeck.postgres import url as urls
from limbeck.postgres.embedded.binaries import find
from limbeck.postgres.embedded.server import Server

# As in schema.py: 8 columns, a foreign key and 2 indexes a table.
TABLE = """
CREATE TABLE item_{n} (id serial, name varchar NOT NULL, note text, price numeric(10, 2),
  active boolean DEFAULT true NOT NULL, made_at timestamp DEFAULT now() NOT NULL, amount integer,
  before_id integer, CONSTRAINT pk_item_{n} PRIMARY KEY (id),
  CONSTRAINT fk_item_{n}_before_id_item_{before} FOREIGN KEY (before_id) REFERENCES item_{before});
CREATE INDEX ix_item_{n}_name ON item_{n} (name);
CREATE INDEX ix_item_{n}_made_at ON item_{n} (made_at);
"""


def fill(server: Server, tables: int) -> str:
    """Create a database with so many tables; return its URL."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE items")
    url = server.url("items")
    with psycopg.connect(url) as connection:
        for n in range(tables):
            connection.execute(TABLE.format(n=n, before=max(n - 1, 0)).encode())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return url


def away(root: Path, url: str, dump: str, delay: float) -> Pair:
    """Return what is measured over a connection with a delay each way, in milliseconds."""
    near = urls.parse(url)
    proxy = Proxy((near["host"], int(near["port"])), delay / 1000)
    far = urls.render({**near, "host": "127.0.0.1", "port": str(proxy.port)})
    pull = limbeck("pull", "--url", far, "--out", "far.py", "--no-prove", "--force", cwd=root)
    dumped = Command(("sh", "-c", f"{dump} '{far}' > dump.sql"), root, {})
    return Pair(
        f"pull --no-prove, one file, {2 * delay:g} ms away", pull, "pg_dump -s", dumped, "≤ 2"
    )


def pairs(  # noqa: PLR0913 - what the command line says
    root: Path, server: Server, url: str, tables: int, *, delay: float, proof: bool
) -> Iterator[Pair]:
    """Yield what is measured."""
    programs = find()
    dump = f"{programs.program('pg_dump')} --schema-only {url}"
    psql = f"{programs.program('psql')} -Xq"
    own, new = server.url(), server.url("again")
    again = (
        f"{psql} -c 'DROP DATABASE IF EXISTS again' -c 'CREATE DATABASE again' {own}"
        f" && {dump} | {psql} --single-transaction {new}"
    )
    measured = partial(replace, postmaster=server.status().pid)
    dumped = measured(Command(("sh", "-c", f"{dump} > dump.sql"), root, {}))
    created = measured(Command(("sh", "-c", again), root, {}))
    for layout, out in (("one file", "models.py"), ("a package", "models")):
        pull = limbeck("pull", "--url", url, "--out", out, "--no-prove", "--force", cwd=root)
        work = f"pull --no-prove, {layout}, {tables} tables"
        yield Pair(work, measured(pull), "pg_dump -s", dumped, "≤ 2")
    words = ("pull", "--url", url, "--out", "proved.py", "--force")
    proved = measured(limbeck(*words, cwd=root), env={"SHADOW_DATABASE_URL": own})
    if proof:
        yield Pair(f"pull, {tables} tables", proved, "pg_dump -s | psql", created, "≤ 2")
    yield away(root, url, f"{programs.program('pg_dump')} --schema-only", delay)
    if program := shutil.which("sqlacodegen"):
        driver = url.replace("postgresql://", "postgresql+psycopg://")
        peer = measured(Command((program, "--outfile", "peer.py", driver), root, {}))
        yield Pair(f"sqlacodegen, {tables} tables", peer, "pg_dump -s", dumped, "")


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks/pull.py", description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--delay", type=float, default=15.0, help="milliseconds each way")
    parser.add_argument("--proof", action=argparse.BooleanOptionalAction, default=True)
    chosen = parser.parse_args()
    print("| work | s | beside s | ratio | aim |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="limbeck-bench-") as folder:
        root = Path(folder)
        server = Server(root / "server", port=None)
        server.start()
        try:
            url = fill(server, chosen.tables)
            chosen_pairs = pairs(
                root, server, url, chosen.tables, delay=chosen.delay, proof=chosen.proof
            )
            for pair in chosen_pairs:
                print(pair.compare(chosen.runs).row(), flush=True)
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
