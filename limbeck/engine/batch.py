"""Statements of the engine, and the batch that sends them in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeAlias

import psycopg

from limbeck.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """The number of a statement that a worker keeps with its parameters; see `remote`."""

    number: int


Parameters: TypeAlias = "Sequence[Any] | Mapping[str, Any] | Kept | None"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with its parameters, which are a list of rows if it is sent for `many`.

    `where` is the file and line of the revision that it came from, `rows` the number of rows that
    it must change.
    """

    text: str
    parameters: Parameters = None
    many: bool = False
    where: str | None = None
    rows: int | None = None

    def send(self, cursor: psycopg.Cursor[Any]) -> None:
        """Execute it on a cursor."""
        parameters: Any = self.parameters
        if self.many:
            cursor.executemany(self.text, parameters or ())
        else:
            cursor.execute(self.text.encode(), parameters)


class StatementError(Exception):
    """Postgres refused a statement of a batch; `cause` is its error, and `orig` as well."""

    def __init__(self, statement: Statement, cause: psycopg.Error) -> None:
        super().__init__(str(cause))
        self.statement = statement
        self.cause = self.orig = cause


class VersionConflictError(Exception):
    """A row of the version table has changed since the run began."""


class Batch:
    """Statements in the order in which they must run.

    A round trip to a cloud database takes 1 to 100 ms, a DDL statement on the server less than
    one; and every lock that a transaction holds is held for all of its round trips. So statements
    whose results nobody reads are collected, and psycopg's pipeline sends them together.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._waiting: list[Statement] = []
        self._sent: list[tuple[Statement, psycopg.Cursor[Any]]] = []
        self._pipeline = ExitStack()

    def add(self, *statements: Statement) -> None:
        """Append statements; nothing is sent yet."""
        self._waiting += statements

    def send(self) -> None:
        """Send what waits without its results: the server works while the revision goes on.

        Raises:
            StatementError: a statement that was sent before was refused.

        """
        if not self._sent and self._waiting:
            self._pipeline.enter_context(self.connection.pipeline())
        with self._naming():
            for statement, cursor in self._taken():
                statement.send(cursor)

    def flush(self) -> None:
        """Send what waits, and wait until all of it has run.

        Raises:
            StatementError: a statement was refused; those after it have not run.
            VersionConflictError: a statement did not change the number of rows it must.

        """
        # One statement alone needs no pipeline, which has a Sync message of its own to wait for.
        if not self._sent and len(self._waiting) > 1:
            self._pipeline.enter_context(self.connection.pipeline())
        with self._naming():
            for statement, cursor in self._taken():
                statement.send(cursor)
            self._pipeline.close()
        sent, self._sent = self._sent, []
        for statement, cursor in sent:
            if statement.rows not in {None, cursor.rowcount}:
                raise VersionConflictError(statement.text)

    @property
    def is_empty(self) -> bool:
        """Whether all statements have run."""
        return not (self._waiting or self._sent)

    def drop(self) -> None:
        """Discard what waits, and the results of what was sent."""
        self._waiting.clear()
        self._sent.clear()
        with suppress(psycopg.Error):
            self._pipeline.close()

    def _taken(self) -> Iterator[tuple[Statement, psycopg.Cursor[Any]]]:
        statements, self._waiting = self._waiting, []
        for statement in statements:
            self._sent.append((statement, unguarded(self.connection)))
            yield self._sent[-1]

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Raise StatementError instead of psycopg's error.

        A pipeline reports an error at any later call, so the error itself does not tell which
        statement was refused.
        """
        try:
            yield
        except psycopg.Error as error:
            sent, self._sent = self._sent, []
            with suppress(psycopg.Error):
                self._pipeline.close()
            raise StatementError(_refused(sent), error) from error


def unguarded(connection: psycopg.Connection[Any]) -> psycopg.Cursor[Any]:
    """Return a cursor past the step runner's guard, which would flush the batch from within."""
    if isinstance(connection, psycopg.Connection):
        return psycopg.Cursor(connection)
    return connection.cursor()  # a worker's connection, which has no guard


def _refused(sent: Sequence[tuple[Statement, psycopg.Cursor[Any]]]) -> Statement:
    """Return the first statement without a result: all before it have run."""
    for statement, cursor in sent:
        if cursor.statusmessage is None:
            return statement
    return sent[-1][0]


def send_together(connection: psycopg.Connection[Any], statements: Sequence[Statement]) -> None:
    """Send statements in one round trip; raise psycopg's own error if one is refused."""
    batch = Batch(connection)
    batch.add(*statements)
    try:
        batch.flush()
    except StatementError as error:
        raise error.cause from None


def guarded(before: Callable[[str], bool]) -> type[psycopg.Cursor[Any]]:
    """Return a class of cursors that call `before` with the text of everything they send.

    A revision may send statements around SQLAlchemy, through the driver's connection. They must
    run after the statements that it gave to `op` before, which may still wait in a batch. If it
    returns True, there is nothing left to send.
    """

    class Guarded(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            return self if before(_text(query)) else super().execute(query, *arguments, **options)

        def executemany(self, query: Any, *arguments: Any, **options: Any) -> None:
            before(_text(query))
            super().executemany(query, *arguments, **options)

        def copy(self, statement: Any, *arguments: Any, **options: Any) -> Any:
            before(_text(statement))
            return super().copy(statement, *arguments, **options)

    return Guarded


def _text(query: Any) -> str:
    return query.decode() if isinstance(query, bytes) else str(query)
