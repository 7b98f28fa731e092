"""What Postgres does, statement by statement, as it was recorded; and what a trace says of it.

A case is a folder with ddl.sql, perhaps a setup.sql that runs before it, and observed.json: by
major version the locks, scans and rewrites. The tables are those of _base_schema.sql.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from limbeck.history.revisions import Revision
from limbeck.lint.rules.hazard import Hazard
from limbeck.lint.rules.judge import judge
from limbeck.lint.rules.registry import RULES
from limbeck.lint.trace.observer import Observer, observing
from limbeck.lint.trace.statement import Statement, strength
from limbeck.lint.trace.tracing import Trace
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database

ROWS = 20000  # in the bigger table, as it was when the record was made
CORPUS = Path(__file__).parents[2] / "shared" / "corpora" / "lint" / "empirical"
ALONE = re.compile(r"CONCURRENTLY|VACUUM|TABLESPACE|timezone")
"""Cases that need a database of their own: nothing of them can be rolled back."""

SEVERAL = {"add-and-validate-same-tx", "truncate", "update-all-rows"}
OTHER = re.compile(
    r"drop-|rename-|detach-|set-schema|disable-trigger|add-enum-value|enable-rls|create-policy"
    r"|create-rule|owner-to|grant"
)
"""Left out of the labelled ones: what a linter may rightly name for another reason than time."""


@dataclass(frozen=True, slots=True)
class Case:
    """One statement, and what was recorded of it on a major version."""

    name: str
    setup: str
    ddl: str
    recorded: dict[str, Any]

    @property
    def fails(self) -> bool:
        """Whether Postgres refuses it."""
        return "error" in self.recorded

    @property
    def blocks(self) -> bool:
        """Whether somebody waits for as long as a table is big."""
        found = self.recorded
        return bool(found["blocks_reads_while_working"] or found["blocks_writes_while_working"])

    @property
    def labelled(self) -> bool:
        """Whether linters are judged by it."""
        return not (self.fails or self.name in SEVERAL or OTHER.match(self.name))


def cases(major: int, corpus: Path = CORPUS) -> Iterator[Case]:
    """Yield the cases that were recorded on a major version."""
    for folder in sorted(path for path in corpus.iterdir() if path.is_dir()):
        recorded = json.loads((folder / "observed.json").read_text()).get(str(major))
        setup = folder / "setup.sql"
        if recorded is not None:
            text = setup.read_text() if setup.exists() else ""
            yield Case(folder.name, text, (folder / "ddl.sql").read_text(), recorded)


def base(connection: Connection, rows: int = ROWS) -> None:
    """Make the tables that the cases are about."""
    text = (CORPUS / "_base_schema.sql").read_text()
    connection.execute(text.replace(str(ROWS), str(rows)).encode())


def observed(case: Case, database: Database, rows: int = ROWS) -> Statement:
    """Run a case in a database that holds the tables, and return what was seen.

    What can be rolled back is, so that the database serves the next case too; a case with a setup
    works on a schema of its own.
    """
    with connect(database) as connection:
        if ALONE.search(case.setup + case.ddl):
            _each(connection, case.setup)
            return _watched(case, database, connection)
        if case.setup:
            connection.execute("CREATE SCHEMA limbeck_case")
            connection.execute("SET search_path = limbeck_case")
            base(connection, rows)
            _each(connection, case.setup)
        connection.autocommit = False
        try:
            return _watched(case, database, connection)
        finally:
            connection.rollback()
            connection.autocommit = True
            connection.execute("SET client_min_messages = error")
            connection.execute("DROP SCHEMA IF EXISTS limbeck_case, s2 CASCADE")


def alone(case: Case) -> bool:
    """Whether a case leaves its traces in the database."""
    return bool(ALONE.search(case.setup + case.ddl))


def _each(connection: Connection, setup: str) -> None:
    if "$$" in setup or "plpgsql" in setup:
        connection.execute(setup.encode())
        return
    for one in filter(str.strip, setup.split(";")):
        connection.execute(one.encode())


def _watched(case: Case, database: Database, connection: Connection) -> Statement:
    with observing(database, connection) as observer:
        observer.start(connection)
        _run(case, observer, connection)
        (statement,) = observer.stop()
    return statement


def _run(case: Case, observer: Observer, connection: Connection) -> None:
    # The record was made by a role of that name.
    ddl = case.ddl.replace(" TO postgres", " TO CURRENT_USER")
    try:
        connection.execute(ddl.encode())
    except psycopg.Error:
        if not observer.statements[-1].failure:
            raise


def differences(case: Case, seen: Statement) -> list[str]:
    """Return what differs from the record, in words; [] where it agrees."""
    if case.fails or seen.failure:
        same = seen.failure and case.recorded.get("error", "?") in seen.failure.message
        return [] if same else [f"failure: {seen.failure}"]
    found = [*_locks(case, seen), *_work(case, seen)]
    if bool(list(seen.blocked())) != case.blocks:
        found.append(f"blocked: {dict(seen.blocked())}")
    return found


def _locks(case: Case, seen: Statement) -> Iterator[str]:
    recorded = case.recorded["lock"]
    locks = {_name(seen, oid): mode for oid, mode in seen.locks.items()}
    for name, mode in recorded.items():
        if locks.get(name) != mode:
            yield f"lock on {name}: {locks.get(name)}, not {mode}"
    # What waits outside of a transaction was recorded by samples, which may lack a lock.
    sampled = case.recorded["waits_for_old_snapshots"]
    for oid, mode in {} if sampled else seen.locks.items():
        table = oid in seen.before.relations and seen.before.relations[oid].kind in "rpm"
        if table and _name(seen, oid) not in recorded and strength(mode) > 0:
            yield f"a lock on {_name(seen, oid)}: {mode}"
    if sampled is not None and sampled != seen.waits:
        yield f"waits for old transactions: {seen.waits}"


def _work(case: Case, seen: Statement) -> Iterator[str]:
    scans = {
        _name(seen, oid): activity.scans
        for oid, activity in seen.activity.items()
        if activity.scans and oid in seen.existing
    }
    if scans != case.recorded["scan"]:
        yield f"scans: {scans}, not {case.recorded['scan']}"
    rewritten: dict[str, Any] = {_name(seen, oid): True for oid in seen.rewritten()}
    rewritten |= {_name(seen, oid): "gone" for oid in seen.dropped()}
    for name in case.recorded["lock"]:
        if rewritten.get(name) != case.recorded["rewrite"].get(name):
            yield f"rewrite of {name}: {rewritten.get(name)}"
    rebuilt = case.recorded["indexes_rebuilt"]
    if rebuilt is not None and sorted(_name(seen, oid) for oid in seen.rebuilt()) != sorted(
        rebuilt
    ):
        yield f"indexes built anew: {sorted(_name(seen, oid) for oid in seen.rebuilt())}"


def _name(seen: Statement, oid: int) -> str:
    return seen.name(oid).rpartition(".")[2]


def hazards(seen: Statement) -> tuple[Hazard, ...]:
    """Return what limbeck's rules say about a statement."""
    revision = Revision("", (), "", Path("case.sql"))
    return judge(RULES, Trace(revision, (seen,)))
