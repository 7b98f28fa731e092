"""Watch a connection: a cursor that looks, after each statement, at what the statement did."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from limbeck.lint.trace import facts
from limbeck.lint.trace.facts import Facts
from limbeck.lint.trace.newcomers import names_only_newcomers, untouched
from limbeck.lint.trace.statement import MODES, Failure, Statement, Work, strength
from limbeck.lint.trace.waiting import watched
from limbeck.postgres.connect import Connection
from limbeck.postgres.database import Database

LOCKS = b"""SELECT l.relation::bigint, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT l.relation::bigint, l.mode FROM pg_locks l
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = l.relation)"""
WORK = b"""SELECT c.oid::bigint, pg_stat_get_xact_numscans(c.oid)::bigint,
pg_stat_get_xact_tuples_inserted(c.oid)::bigint, pg_stat_get_xact_tuples_updated(c.oid)::bigint,
pg_stat_get_xact_tuples_deleted(c.oid)::bigint
FROM pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'p')"""
SETTINGS = b"""SELECT name, setting FROM pg_settings
WHERE name IN ('lock_timeout', 'statement_timeout', 'session_replication_role')"""
NOT_IN_A_TRANSACTION = "25001"
# These change nothing that the facts tell, whatever they lock.
SILENT = ("COMMENT", "GRANT", "REVOKE")
QUIET = ("SELECT", "SHOW", "SET", "RESET", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "FETCH")


@dataclass(slots=True)
class Observer:
    """Sees the statements of one connection while it is recording.

    `file` is where the statements come from: their lines are noted. `ignored` is a relation that
    is nobody's business, such as the version table.
    """

    database: Database
    file: Path | None = None
    ignored: str = "alembic_version"
    recording: bool = False
    existing: frozenset[int] = frozenset()
    statements: list[Statement] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    _held: dict[int, str] = field(default_factory=dict)
    _work: dict[int, Work] = field(default_factory=dict)
    _transaction: int = 0
    _open: bool = False
    _behind: bool = False

    def start(self, connection: Connection, file: Path | None = None) -> None:
        """Begin to record, from what the catalog holds now."""
        self.statements, self.file = [], file
        self.facts = facts.read(connection)
        self.existing = self.existing or frozenset(self.facts.relations)
        self.recording, self._open, self._behind = True, False, False

    def stop(self, connection: Connection) -> tuple[Statement, ...]:
        """End recording and return what was seen."""
        self.recording = False
        if self._behind and not _failed(connection):
            self.facts = self._read(connection)
            self.statements[-1] = replace(self.statements[-1], after=self.facts)
        return tuple(self.statements)

    def _on_newcomers(self, text: str) -> bool:
        return names_only_newcomers(text, self.existing, self.facts)

    def _read(self, connection: psycopg.Connection[Any]) -> Facts:
        self._behind = False
        return facts.read(connection)

    def attach(self, connection: Connection) -> None:
        """Make every cursor of the connection tell this observer."""
        observer = self

        class Cursor(psycopg.Cursor[Any]):
            def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
                def run() -> Any:
                    return psycopg.Cursor.execute(self, query, *arguments, **options)

                return observer.observe(self, query, run) if observer.recording else run()

            def executemany(self, query: Any, *arguments: Any, **options: Any) -> Any:
                def run() -> Any:
                    return psycopg.Cursor.executemany(self, query, *arguments, **options)

                return observer.observe(self, query, run) if observer.recording else run()

        connection.cursor_factory = Cursor

    def observe(self, cursor: psycopg.Cursor[Any], query: Any, run: Any) -> Any:
        """Run one statement and note what it did."""
        text = query if isinstance(query, str) else str(query)
        # What SQLAlchemy and Alembic ask by themselves is not the revision's.
        if self.ignored in text or (self.file and not _line(self.file)):
            return run()
        if self._behind and not (_failed(cursor.connection) or self._on_newcomers(text)):
            self.facts = self._read(cursor.connection)
        if cursor.connection.autocommit and _idle(cursor):
            return self._outside(cursor, text, run)
        return self._inside(cursor, text, run)

    def _inside(self, cursor: psycopg.Cursor[Any], text: str, run: Any) -> Any:
        connection = cursor.connection
        plain = psycopg.Cursor(connection)
        if not self._open or _idle(cursor):
            self._begin(plain)
        began = time.monotonic()
        try:
            result = run()
        except psycopg.Error as error:
            self._note(text, "", began, failure=_failure(error))
            raise
        seconds = time.monotonic() - began
        if _idle(cursor):  # it ended the transaction itself
            self._open = False
            self._note(text, cursor.statusmessage or "", began, after=self._read(connection))
            return result
        self._look(plain, text, cursor.statusmessage or "", seconds)
        return result

    def _begin(self, plain: psycopg.Cursor[Any]) -> None:
        # What earlier transactions did may not have been reported yet, so it is subtracted.
        self._transaction += 1
        self._held = _locks(plain)
        self._work = _work(plain)
        self._open = True

    def _look(self, plain: psycopg.Cursor[Any], text: str, tag: str, seconds: float) -> None:
        held = _locks(plain)
        taken = {oid: mode for oid, mode in held.items() if self._held.get(oid) != mode}
        counted = _work(plain)
        settings = dict(plain.execute(SETTINGS).fetchall())
        touched = any(strength(mode) > strength("RowExclusiveLock") for mode in taken.values())
        quiet = tag.startswith(SILENT) or (tag.startswith(QUIET) and not touched)
        after = self.facts
        if not quiet:
            touching = not self._on_newcomers(text) or not untouched(tag, held, self.existing)
            after = self._read(plain.connection) if touching else after
            self._behind = not touching
        self._note(
            text,
            tag,
            time.monotonic() - seconds,
            after=after,
            locks=taken,
            held=held,
            work=_difference(self._work, counted),
            settings=settings,
        )
        self._held, self._work = held, counted

    def _outside(self, cursor: psycopg.Cursor[Any], text: str, run: Any) -> Any:
        """In a transaction of its own, where all can be seen, if the statement lets itself."""
        plain = psycopg.Cursor(cursor.connection)
        plain.execute("BEGIN")
        self._open = False
        noted = len(self.statements)
        try:
            result = self._inside(cursor, text, run)
        except psycopg.Error as error:
            plain.execute("ROLLBACK")
            self._open = False
            if error.sqlstate != NOT_IN_A_TRANSACTION:
                raise
            del self.statements[noted:]
            return self._alone(cursor, text, run)
        plain.execute("COMMIT")
        self._open = False
        return result

    def _alone(self, cursor: psycopg.Cursor[Any], text: str, run: Any) -> Any:
        settings = dict(psycopg.Cursor(cursor.connection).execute(SETTINGS).fetchall())
        began = time.monotonic()
        try:
            with watched(self.database, cursor.connection) as watch:
                result = run()
        except psycopg.Error as error:
            self._note(text, "", began, failure=_failure(error))
            raise
        self._note(
            text,
            cursor.statusmessage or "",
            began,
            after=self._read(cursor.connection),
            locks=watch.locks,
            waits=watch.waited,
            settings=settings,
        )
        return result

    def _note(self, text: str, tag: str, began: float, **seen: Any) -> None:
        """Note a statement that is over, with its transaction or without one."""
        known: dict[str, Any] = {
            "text": text,
            "tag": tag,
            "line": _line(self.file),
            "seconds": time.monotonic() - began,
            "transaction": self._transaction if self._open else None,
            "before": self.facts,
            "after": self.facts,
            "existing": self.existing,
            "held": dict(self._held) if self._open else {},
        }
        self.statements.append(Statement(**(known | seen)))
        self.facts = self.statements[-1].after


@contextmanager
def observing(database: Database, connection: Connection) -> Iterator[Observer]:
    """Attach an observer to a connection for the length of a block."""
    factory = connection.cursor_factory
    observer = Observer(database)
    observer.attach(connection)
    try:
        yield observer
    finally:
        connection.cursor_factory = factory


def _idle(cursor: psycopg.Cursor[Any]) -> bool:
    return cursor.connection.info.transaction_status == TransactionStatus.IDLE


def _failed(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.transaction_status == TransactionStatus.INERROR


def _locks(plain: psycopg.Cursor[Any]) -> dict[int, str]:
    found: dict[int, str] = {}
    for oid, mode in plain.execute(LOCKS).fetchall():
        if mode in MODES and strength(mode) > strength(found.get(oid)):
            found[oid] = mode
    return found


def _work(plain: psycopg.Cursor[Any]) -> dict[int, Work]:
    return {row[0]: Work(*row[1:]) for row in plain.execute(WORK).fetchall()}


def _difference(before: Mapping[int, Work], after: Mapping[int, Work]) -> dict[int, Work]:
    found = {}
    for oid, now in after.items():
        was = before.get(oid, Work())
        done = Work(
            now.scans - was.scans,
            now.inserted - was.inserted,
            now.updated - was.updated,
            now.deleted - was.deleted,
        )
        if done != Work():
            found[oid] = done
    return found


def _failure(error: psycopg.Error) -> Failure:
    said = error.diag
    message = said.message_primary or str(error)
    return Failure(error.sqlstate or "", message, said.column_name, said.table_name)


def _line(file: Path | None) -> int:
    """Return the line of the revision file that is running now, 0 where it is not."""
    frame = sys._getframe() if file else None  # noqa: SLF001 - as inspect.currentframe does
    while frame is not None:
        if Path(frame.f_code.co_filename) == file:
            return frame.f_lineno
        frame = frame.f_back
    return 0
