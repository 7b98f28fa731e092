"""What an application lives through between a revision's commits: python benchmarks/gaps.py.

Changes of a small table and of one with 1.5 million rows at once, which an earlier limbeck tore
apart. While the revision that limbeck generates runs, sessions of an ordinary role read under
row security, insert, update, and insert ON CONFLICT. Counted are the statements that fail, the
rows that the role sees though it may see them neither before nor after the change (leaked), and
those that it does not see though it may before and after (hidden). `--before PROGRAM` measures
another limbeck in the same run: `git worktree add` of an earlier commit, with a .venv of its own.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from ground import Ground, new_project
from sessions import SMALL, Application, Counts

from limbeck.postgres.embedded.server import Server

OWN = Path(sys.executable).parent / "limbeck"
BEFORE, BETWEEN, AFTER = 3.0, 1.0, 3.0  # seconds of traffic around the revisions
MODELS = """
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Identity, Integer, Text

from limbeck.entities import Policy, RowSecurity

metadata = sa.MetaData(naming_convention={"pk": "%(table_name)s_pkey"})


def table(name, *columns):
    made = sa.Table(
        name, metadata, *columns, Column("tenant", Integer, nullable=False, server_default="1"))
    if SECURED:
        Policy("every", made, metadata=metadata, using="true")
        Policy(NAME, made, metadata=metadata, using=USING, permissive=False)
        RowSecurity(made, metadata=metadata)


table("accounts", Column("id", KEY, primary_key=True), Column("n", Integer), Column(NICK, Text))
table("events", Column("id", EVENT, primary_key=True), Column("n", AMOUNT), Column("nick", Text))
"""
PLAIN = {
    "KEY": "Integer",
    "EVENT": "Integer",
    "AMOUNT": "Integer",
    "NICK": "'nick'",
    "NAME": "'own'",
    "USING": "'tenant = 1'",
    "SECURED": "True",
}
IDENTITY = "BigInteger, Identity()"
# Rows with odd numbers are those of the role's own tenant.
FILL = """
INSERT INTO {table} (n, nick, tenant)
SELECT n, repeat('x', 40), 2 - n % 2 FROM generate_series(1, {rows}) AS n;
GRANT SELECT, INSERT, UPDATE ON {table} TO app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app
"""
ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app; END IF;
END $$
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What differs in the models after it, and before it.

    In phases there are an old and a new application; `nick` is a column's name for the new one.
    """

    name: str
    models: dict[str, str]
    old: dict[str, str] = field(default_factory=dict)
    nick: str = "nick"
    words: tuple[str, ...] = ("--plain",)

    @property
    def phased(self) -> bool:
        """Whether it is made in phases."""
        return "--plain" not in self.words

    @property
    def before(self) -> str:
        """The models before the change."""
        return written({**PLAIN, **self.old})

    @property
    def after(self) -> str:
        """The models after the change."""
        return written({**PLAIN, **self.models})


def written(values: dict[str, str]) -> str:
    """Return models with these values."""
    text = MODELS
    for name, value in values.items():
        text = text.replace(name, value)
    return text


CHANGES = (
    Change(
        "a policy replaced by another; a column of events int to bigint",
        {"NAME": "'own_rows'", "USING": "'tenant = 1 and id > 0'", "AMOUNT": "BigInteger"},
    ),
    Change(
        "row security switched on; a column of events int to bigint",
        {"AMOUNT": "BigInteger"},
        {"SECURED": "False"},
    ),
    Change("both keys from serial to bigint identity", {"KEY": IDENTITY, "EVENT": IDENTITY}),
    Change(
        "a column renamed, and the key of events int to bigint, in phases",
        {"NICK": "'nickname'", "EVENT": "BigInteger"},
        nick="nickname",
        words=("--zero-downtime", "--rename", "public.accounts.nick:public.accounts.nickname"),
    ),
)


def prepare(ground: Ground, change: Change) -> None:
    """Create and fill the database, and generate the revision of a change."""
    ground.begin(change.before, ROLE)
    with psycopg.connect(ground.url, autocommit=True) as connection:
        for table, rows in (("accounts", SMALL), ("events", ground.rows)):
            connection.execute(FILL.format(table=table, rows=rows).encode())
        connection.execute("VACUUM ANALYZE")
    ground.write(change.after)
    ground.limbeck("generate", "-m", "change", "--allow-drop", *change.words)


def measure(ground: Ground, change: Change) -> tuple[Counts, float]:
    """Return what applications live through during a change, and its seconds."""
    prepare(ground, change)
    old = Application.of(ground.url, ground.rows, "nick", secured=not change.old)
    new = Application.of(ground.url, ground.rows, change.nick, secured=True)
    old.start()
    time.sleep(BEFORE)
    began = time.monotonic()
    try:
        ground.limbeck("migrate", "--yes")
        if change.phased:
            ground.limbeck("backfill", "--yes")
            new.start()
            time.sleep(BETWEEN)
            old.stop()
            ground.limbeck("contract", "--yes")
        seconds = time.monotonic() - began
        time.sleep(AFTER)
    finally:
        old.stop()
        new.stop()
    counts = Counts()
    for session in (*old.sessions, *new.sessions):
        counts.add(session.counts)
    return counts, seconds


@contextmanager
def prepared(server: Server, program: Path, rows: int) -> Iterator[Ground]:
    """Yield a new project of a limbeck."""
    with tempfile.TemporaryDirectory() as folder:
        project = new_project(program, Path(folder))
        try:
            yield Ground(server, program, project, rows)
        finally:
            stop = [program, "local", "stop"]
            subprocess.run(stop, cwd=project, check=False, capture_output=True)


def commit(program: Path) -> str:
    """Return the commit that a limbeck in a .venv of a worktree is of."""
    git = ["git", "-C", str(program.parents[2]), "describe", "--always", "--dirty"]
    return subprocess.run(git, check=False, capture_output=True, text=True).stdout.strip() or "?"


def main() -> None:
    """Measure every change with each limbeck, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="the program of an earlier limbeck")
    parser.add_argument("--rows", type=int, default=1_500_000, help="of the table events")
    parser.add_argument("--only", default="", help="changes with this in their name")
    chosen = parser.parse_args()
    programs = {"before": chosen.before, "now": OWN}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "server")
        server.start()
        try:
            with psycopg.connect(server.url()) as connection:
                major = connection.info.parameter_status("server_version")
            print(f"Postgres {major}, Python {platform.python_version()}, {chosen.rows:,} rows")
            for name, program in programs.items():
                if program is not None:
                    print(f"{name}: {commit(program.absolute())}")
            print("| change | limbeck | statements | reads failed | writes failed | rows leaked | "
                  f"rows hidden | faults for | longest wait | takes |\n|{'---|' * 10}")  # fmt: skip
            for change in CHANGES:
                if chosen.only in change.name:
                    _compare(server, change, programs, chosen.rows)
        finally:
            server.stop()


def _compare(server: Server, change: Change, programs: dict[str, Path | None], rows: int) -> None:
    seconds: list[float] = []
    for name, program in programs.items():
        if program is None:
            continue
        with prepared(server, program.absolute(), rows) as ground:
            counts, taken = measure(ground, change)
        seconds.append(taken)
        print(f"| {change.name} | {name} | {counts.cells()} | {taken:.1f} s |", flush=True)
        for words, number in Counter(words for *_, words in counts.failures).most_common(3):
            print(f"  {number} times: {words}", file=sys.stderr)
    print(f"  takes, now to before: {seconds[-1] / seconds[0]:.2f}", file=sys.stderr)


if __name__ == "__main__":
    main()
