"""Where revisions are traced: a scratch database, with rows or without, and its observer.

Where a revision fails on the rows, the trace goes on in another scratch database, at the same place
of the history and with other rows: what other sessions would see is not undone by a rollback alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import running
from limbeck.errors import MigrationError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.trace import named, reading, rows
from limbeck.lint.trace.observer import Observer, observing
from limbeck.lint.trace.rows import Filling
from limbeck.phased import phases
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.schema.sql.quoting import quote
from limbeck.shadow.shadow import Shadow

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Place:
    """The shadow, the database that all scenes begin with, and the revisions that run in them."""

    history: History
    shadow: Shadow
    template: str
    profile: Profile | None
    todo: tuple[Revision, ...]


@dataclass(slots=True)
class Scene:
    """A scratch database in which revisions are traced; closed with `stack`.

    `filling` is the kind of its rows, None without any of ours; `emptied` says that there could be
    some. `old` are the names of the relations that no traced revision has created.
    """

    place: Place
    stack: ExitStack = field(default_factory=ExitStack)
    filling: Filling | None = None
    emptied: bool = False
    old: frozenset[tuple[str, str]] | None = None
    _connection: Connection | None = None
    _observer: Observer | None = None
    _twin: Twin | None = None

    @property
    def connection(self) -> Connection:
        """The connection that is observed."""
        if self._connection is None:
            raise RuntimeError("the scene is not open")
        return self._connection

    @property
    def observer(self) -> Observer:
        """The observer of the connection."""
        if self._observer is None:
            raise RuntimeError("the scene is not open")
        return self._observer

    def open(self, template: str, filling: Filling | None) -> None:
        """Open a scratch database that is a copy of a template, with rows."""
        database = self.stack.enter_context(self.place.shadow.scratch(template))
        connection = self.stack.enter_context(connect(_timed(database, self.place.profile)))
        self._connection, self._observer = connection, None
        self.filling, self.emptied = None, filling is None
        if filling is not None and rows.fillable(connection):
            self.fill(filling)
        self._observer = self.stack.enter_context(observing(database, connection))
        self._observer.old = self.old

    def fill(self, filling: Filling) -> None:
        """Fill the tables that the revisions may touch, but none that a traced one has created."""
        tables: Collection[int] | None = named.tables(self.connection, self._paths())
        if (old := self._existing()) is not None:
            tables = old if tables is None else old & {*tables}
        rows.fill(self.connection, tables, filling)
        self.filling, self.emptied = filling, False

    def again(self, done: Sequence[Revision], filling: Filling | None) -> bool:
        """Go on after some revisions in another database; return whether that is possible."""
        self.connection.rollback()
        if self.observer.begun:
            relations = reading.whole(self.connection).relations
            present = (relations[oid] for oid in self.observer.existing if oid in relations)
            self.old = frozenset((each.schema, each.name) for each in present)
        self._twin = self._twin or Twin(self.place)
        template = self._twin.after(done)
        if template is None:
            return False
        self.stack.close()
        self.open(template, filling)
        return True

    def _paths(self) -> list[Path]:
        return [revision.path for revision in self.place.todo]

    def _existing(self) -> frozenset[int] | None:
        """Return the relations that no traced revision has created; None where none has begun."""
        if self._observer is not None and self._observer.begun:
            return self._observer.existing
        if self.old is None:
            return None
        relations = reading.whole(self.connection).relations.values()
        return frozenset(each.oid for each in relations if (each.schema, each.name) in self.old)

    def close(self) -> None:
        """Drop the scratch databases."""
        self.stack.close()
        if self._twin is not None:
            self._twin.stack.close()


@dataclass(slots=True)
class Twin:
    """A database in which the revisions have run without rows of ours; scenes are copies of it."""

    place: Place
    stack: ExitStack = field(default_factory=ExitStack)
    _database: Database | None = None
    _done: int = 0

    def after(self, done: Sequence[Revision]) -> str | None:
        """Return the name of a database after some revisions; None where they do not run so."""
        if not done:
            return self.place.template
        try:
            if self._database is not None:
                return self._run(self._database, done[self._done :], len(done))
        except MigrationError:
            pass  # `op` remembers in one run which enums it has created; so all run once more
        try:
            database = self.stack.enter_context(self.place.shadow.scratch(self.place.template))
            return self._run(database, done, len(done))
        except MigrationError:
            return None

    def _run(self, database: Database, revisions: Sequence[Revision], done: int) -> str:
        with connect(database) as connection:
            for revision in revisions:
                running.run(self.place.history, connection, [revision])
                backfill(revision, connection)
        self._database, self._done = database, done
        return database.dbname


def _timed(database: Database, profile: Profile | None) -> Database:
    # With the timeouts of the environment, because rules judge them, too.
    chosen = profile or Profile("", "")
    return replace(
        database, lock_timeout=chosen.lock_timeout, statement_timeout=chosen.statement_timeout
    )


def backfill(revision: Revision, connection: Connection) -> None:
    """Run the backfills of an expand revision, as they run before its contract."""
    phase = phases.of(revision)
    for each in phase.backfills if phase else ():
        sets = ", ".join(f"{quote(column)} = {value}" for column, value in each.assignments)
        update = f"UPDATE {each.table} SET {sets} WHERE {each.where}"
        with suppress(psycopg.Error):  # a cast may fail on generated rows
            if not each.python:
                connection.execute(update.encode())
