"""Observe the statements of one connection: its cursors report each statement to an observer.

Around each statement, the observer reads the locks of the session, the counters of the
transaction and the catalog. `tracing` and `run.rehearse` use it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from limbeck.dataclass import dataclass
from limbeck.engine.terms import Committed
from limbeck.lint.trace import reading, session
from limbeck.lint.trace.facts import Facts, Relation
from limbeck.lint.trace.newcomers import is_of_newcomers, names_only_newcomers, untouched
from limbeck.lint.trace.session import Held
from limbeck.lint.trace.statement import Activity, Failure, Statement, strength
from limbeck.lint.trace.stored import stored
from limbeck.lint.trace.waiting import watched
from limbeck.postgres.connect import Connection
from limbeck.postgres.database import Database

# active_sql_transaction: CONCURRENTLY, VACUUM and their like; invalid_transaction_termination: a
# block or a procedure that commits.
NOT_IN_A_TRANSACTION = ("25001", "2D000")
# Tags of statements after which the catalog is not read again, because it is most of the cost of a
# trace. The first change nothing that Facts hold, whatever they lock. The others only write rows,
# unless they hold a lock stronger than a writer's: then a function or a trigger has run DDL.
SILENT = ("COMMENT", "GRANT", "REVOKE")
# What is sent between revisions, and by Alembic within them, changes no catalog if it begins so.
HARMLESS = ("SELECT", "INSERT", "UPDATE", "DELETE", "SET", "RESET", "SHOW", "BEGIN", "COMMIT")
QUIET = ("SELECT", "SHOW", "SET", "RESET", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "FETCH")


INDEXING = ("CREATE INDEX", "DROP INDEX")


@dataclass(slots=True)
class Observer:
    """Records the statements of one connection between `start` and `stop`.

    `file` is the revision file that sends the statements: only those sent from its code are
    recorded, with their lines. `ignored` is the version table. `existing` are the relations that
    existed before the first revision: no application uses the others yet.
    """

    database: Database
    file: Path | None = None
    ignored: str = "alembic_version"
    recording: bool = False
    existing: frozenset[int] = frozenset()
    statements: list[Statement] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    # Of the open transaction: its locks and its counters after the last statement.
    _held: Held = field(default_factory=lambda: Held.first({}))
    _activity: dict[int, Activity] = field(default_factory=dict)
    _settings: dict[str, str] = field(default_factory=dict)
    # Whether relations exist besides the version table.
    _others: bool = True
    _newest: int = 0
    _transaction: int = 0
    _open: bool = False
    _begun: bool = False
    # The rows of catalogs that the open transaction had written when `facts` were read.
    _counts: reading.Counts = field(default_factory=dict)
    # The names that existing relations have, or had before a statement of a traced revision.
    _names: set[str] = field(default_factory=set)
    # Whether the catalog may have changed without an observed statement.
    _stale: bool = True
    # The line of the statement, where a worker runs the revision: no stack of ours has it.
    _noted: int = 0
    # Receives the statements since the last COMMIT, when the next one begins.
    committed: Committed | None = None
    _reported: int = 0

    def note(self, line: int) -> None:
        """Note the line that sends the next statement."""
        self._noted = line

    def _line(self) -> int:
        return self._noted or _line(self.file)

    def start(self, connection: Connection, file: Path | None = None) -> None:
        """Begin to record, from the present catalog."""
        self.statements, self.file = [], file
        if self._stale:
            self.facts = reading.whole(connection, self.facts)
            self._stale = False
        # Of the first revision only: what it creates is no existing table for the second.
        if not self._begun:
            self.existing, self._begun = frozenset(self.facts.relations), True
            own = {oid for oid, each in self.facts.relations.items() if self._is_ignored(each)}
            self._others = bool(self.existing - own)
            self._names = {self.facts.relations[oid].name for oid in self.existing}
            self._newest = max(self.existing, default=0)
        self.recording, self._open = True, False
        self._reported = 0

    def _is_ignored(self, relation: Relation) -> bool:
        """Return whether a relation is the version table, or belongs to it."""
        index = self.facts.indexes.get(relation.oid)
        table = self.facts.relations.get(index.table) if index else relation
        return table is not None and table.name == self.ignored

    def stop(self) -> tuple[Statement, ...]:
        """Stop recording and return the statements."""
        self.recording = False
        return tuple(self.statements)

    def report(self) -> None:
        """Pass the statements of the transaction that has just committed to the listener."""
        # SQLAlchemy asks for the isolation level before it begins an autocommit block.
        statements = [each for each in self.statements[self._reported :] if each.tag != "SHOW"]
        if self.committed is not None and statements:
            self._reported = len(self.statements)
            self.committed([(each.text, f"{self.file}:{each.line}") for each in statements])

    def _whole(self, connection: psycopg.Connection[Any]) -> Facts:
        return reading.whole(connection, self.facts)

    def _pass(self, text: str, run: Any) -> Any:
        """Run a statement that is not recorded."""
        self._stale = self._stale or not text.lstrip().upper().startswith(HARMLESS)
        return run()

    def attach(self, connection: Connection) -> None:
        """Make the cursors of a connection report to this observer.

        A cursor factory sees what Alembic, SQLAlchemy and plain psycopg send. The observer itself
        uses psycopg.Cursor, which does not report.
        """
        observer = self

        class Cursor(psycopg.Cursor[Any]):
            def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
                def run() -> Any:
                    return psycopg.Cursor.execute(self, query, *arguments, **options)

                text = _as_sent(query, *arguments, **options)
                return observer.observe(self, text, run)

            def executemany(self, query: Any, *arguments: Any, **options: Any) -> Any:
                def run() -> Any:
                    return psycopg.Cursor.executemany(self, query, *arguments, **options)

                text = _as_sent(query, *arguments, **options)
                return observer.observe(self, text, run)

        connection.cursor_factory = Cursor

    def observe(self, cursor: psycopg.Cursor[Any], text: str, run: Any) -> Any:
        """Run a statement, record it, and return its result.

        Args:
            cursor: the cursor that sends the statement.
            text: the statement.
            run: sends it.

        """
        # SQLAlchemy and Alembic send queries of their own, which are not the revision's.
        if self.ignored in text:
            return run()
        if not self.recording or (self.file and not self._line()):
            return self._pass(text, run)
        if _idle(cursor):
            self.report()
        if cursor.connection.autocommit and _idle(cursor):
            return self._outside(cursor, text, run)
        return self._inside(cursor, text, run)

    def _inside(self, cursor: psycopg.Cursor[Any], text: str, run: Any) -> Any:
        """Run a statement in the open transaction, or in one that it begins."""
        connection = cursor.connection
        plain = psycopg.Cursor(connection)
        new = names_only_newcomers(text, self._names)
        if not self._open or _idle(cursor):
            self._begin(plain)
        began = time.monotonic()
        try:
            result = run()
        except psycopg.Error as error:
            # The transaction is aborted: nothing can be read any more.
            self._record(text, "", began, failure=_failure(error))
            raise
        seconds = time.monotonic() - began
        if _idle(cursor):  # a COMMIT: its locks are released and its counters gone
            self._open = False
            self._record(text, cursor.statusmessage or "", began, after=self._whole(connection))
            return result
        tag = cursor.statusmessage or ""
        if new and is_of_newcomers(tag) and not self._others:
            # Nothing exists that it could lock or change, and no rule is about what is new.
            self._record(text, tag, began, settings=self._settings, new=True)
        else:
            self._inspect(plain, text, tag, seconds, new=new)
        return result

    def _begin(self, plain: psycopg.Cursor[Any]) -> None:
        # Postgres may not have reported earlier transactions of this session yet: their counts
        # are still in the xact functions, and are subtracted.
        self._transaction += 1
        held = session.locked(plain, self._newest, everything=True)
        self._held = Held.first({oid: each.mode for oid, each in held.items()})
        self._activity = session.unreported(plain, self._newest)
        self._settings = session.settings(plain)
        self._counts = reading.counts(plain)
        self._open = True

    def _inspect(
        self, plain: psycopg.Cursor[Any], text: str, tag: str, seconds: float, *, new: bool
    ) -> None:
        released = tag.startswith("ROLLBACK")  # to a savepoint
        locked = session.locked(plain, self._newest, everything=released)
        modes = {oid: each.mode for oid, each in locked.items()}
        taken = {oid: mode for oid, mode in modes.items() if self._held.modes.get(oid) != mode}
        held = self._held.replaced(modes) if released else self._held.then(modes)
        activity = {oid: each.activity for oid, each in locked.items() if each.activity}
        self._settings = settings = session.settings(plain)
        strong = any(strength(mode) > strength("RowExclusiveLock") for mode in taken.values())
        quiet = tag.startswith(SILENT) or (tag.startswith(QUIET) and not strong)
        # The facts lack what has been created: no rule is about it until it is named with others.
        new = new and untouched(tag, held.strong, self.existing)
        after = self.facts if quiet or new else self._after(plain.connection, tag)
        self._record(
            text,
            tag,
            time.monotonic() - seconds,
            after=after,
            locks=taken,
            held=held.modes,
            strong=held.strong,
            activity=session.difference(self._activity, activity),
            settings=settings,
            stored=stored(plain.connection, self.facts, after),
            new=new and not quiet,
        )
        self._held = held
        self._activity.update(activity)

    def _after(self, connection: psycopg.Connection[Any], tag: str) -> Facts:
        if tag.startswith("ROLLBACK"):  # to a savepoint: the rows that it takes back stay counted
            return self._whole(connection)
        facts, self._counts = reading.since(connection, self.facts, self._counts)
        return facts

    def _outside(self, cursor: psycopg.Cursor[Any], text: str, run: Any) -> Any:
        """Run a statement of autocommit mode in a transaction, where its effects can be observed.

        If Postgres refuses it there, as CONCURRENTLY, it is run outside and observed by others.
        """
        plain = psycopg.Cursor(cursor.connection)
        plain.execute("BEGIN")
        self._open = False
        recorded = len(self.statements)
        try:
            result = self._inside(cursor, text, run)
        except psycopg.Error as error:
            plain.execute("ROLLBACK")
            self._open = False
            if error.sqlstate not in NOT_IN_A_TRANSACTION:
                raise
            del self.statements[recorded:]
            return self._alone(cursor, text, run)
        plain.execute("COMMIT")
        self._open = False
        return result

    def _alone(self, cursor: psycopg.Cursor[Any], text: str, run: Any) -> Any:
        settings = session.settings(psycopg.Cursor(cursor.connection))
        began = time.monotonic()
        try:
            with watched(self.database, cursor.connection) as watch:
                result = run()
        except psycopg.Error as error:
            self._record(text, "", began, failure=_failure(error))
            raise
        self._record(
            text,
            cursor.statusmessage or "",
            began,
            after=self._outside_after(cursor, watch.locks),
            locks=watch.locks,
            waits=watch.waited,
            settings=settings,
        )
        return result

    def _outside_after(self, cursor: psycopg.Cursor[Any], locks: Mapping[int, str]) -> Facts:
        if (cursor.statusmessage or "") in INDEXING and any(
            oid in self.facts.relations for oid in locks
        ):
            return reading.of_relations(cursor.connection, self.facts, locks)
        return self._whole(cursor.connection)

    def _record(self, text: str, tag: str, began: float, **observed: Any) -> None:
        """Append a finished statement; what was not observed is as before it."""
        defaults: dict[str, Any] = {
            "text": text,
            "tag": tag,
            "line": self._line(),
            "seconds": time.monotonic() - began,
            "transaction": self._transaction if self._open else None,
            "before": self.facts,
            "after": self.facts,
            "existing": self.existing,
            "held": self._held.modes if self._open else {},
            "strong": self._held.strong if self._open else {},
        }
        self.statements.append(Statement(**(defaults | observed)))
        after = self.statements[-1].after
        for oid, (_, now) in after.relations.since(self.facts.relations).items():
            if now and oid in self.existing:
                self._names.add(now.name)
        self.facts = after


def _as_sent(query: Any, params: Any = None, *_: Any, **__: Any) -> str:
    """Return the text that the server gets, but for its parameters.

    Where there are any, even none of a statement that SQLAlchemy sends, psycopg turns %% into %.
    """
    text = query.decode() if isinstance(query, bytes) else str(query)
    return text if params is None else text.replace("%%", "%")


@contextmanager
def observing(database: Database, connection: Connection) -> Iterator[Observer]:
    """Attach an observer to a connection for the length of a block.

    Args:
        database: Where other sessions observe a statement that cannot run in a transaction.
        connection: The connection to observe.

    """
    factory = connection.cursor_factory
    observer = Observer(database)
    observer.attach(connection)
    try:
        yield observer
    finally:
        connection.cursor_factory = factory


def _idle(cursor: psycopg.Cursor[Any]) -> bool:
    return cursor.connection.info.transaction_status == TransactionStatus.IDLE


def _failure(error: psycopg.Error) -> Failure:
    details = error.diag
    message = details.message_primary or str(error)
    return Failure(error.sqlstate or "", message, details.column_name, details.table_name)


def _line(file: Path | None) -> int:
    """Return the line of the revision file that is running now, 0 if none of it is running.

    Only the stack knows it: op.* calls reach the cursor through Alembic and SQLAlchemy.
    """
    frame = sys._getframe() if file else None  # noqa: SLF001 - as inspect.currentframe does
    while frame is not None:
        if _is_of(frame.f_code.co_filename, file):
            return frame.f_lineno
        frame = frame.f_back
    return 0


@cache
def _is_of(filename: str, file: Path | None) -> bool:
    return Path(filename) == file
