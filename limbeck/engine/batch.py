"""Statements of the engine, and the batch that sends them in one round trip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine.line import Line, Message

CANCELLING = 5.0
"""Seconds to wait for the server to take a cancellation."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The number of a statement that a worker keeps with its parameters; see `remote`."""

    number: int


Parameters: TypeAlias = "Sequence[Any] | Mapping[str, Any] | Kept | None"


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with its parameters, which are a list of rows if it is sent for `many`.

    `where` is the file and line of the revision that it came from, `rows` the number of rows that
    it must change. `done` is called once it has run.
    """

    text: str
    parameters: Parameters = None
    many: bool = False
    where: str | None = None
    rows: int | None = None
    done: Callable[[], None] = _nothing

    @property
    def executions(self) -> Sequence[Any]:
        """The parameters of each execution."""
        parameters: Any = self.parameters
        return (parameters or ()) if self.many else (parameters,)

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
    whose results nobody reads are collected, and a pipeline sends them together.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._waiting: list[Statement] = []
        self._sent: deque[Statement] = deque()
        self._line = _line(connection)

    def add(self, *statements: Statement) -> None:
        """Append statements; nothing is sent yet."""
        self._waiting += statements

    def send(self) -> None:
        """Send what waits without its results: the server works while the revision goes on.

        Raises:
            StatementError: a parameter cannot be converted; then nothing is sent.

        """
        if self._line is None:  # a worker gets all of a step at its end, in one message
            return
        if not self._waiting:
            return
        statements, self._waiting = self._waiting, []
        messages = [self._message(self._line, statement) for statement in statements]
        self._line.send(messages)
        self._sent += statements

    def flush(self) -> None:
        """Send what waits, and wait until all of it has run.

        Raises:
            StatementError: a statement was refused; those after it have not run.
            VersionConflictError: a statement did not change the number of rows it must.

        """
        # One statement alone needs no pipeline, which has a Sync message of its own to wait for.
        if self._line is None:
            self._send_to_worker()
            return
        if len(self._waiting) == 1 and not self._sent:
            self._send_singly()
            return
        self.send()
        conflicts: list[Statement] = []
        try:
            for rows in self._line.results():
                statement = self._sent.popleft()
                conflicts += [statement] if statement.rows not in {None, rows} else []
                if not conflicts:
                    statement.done()
        except psycopg.Error as error:
            # Whatever follows it was skipped.
            refused = self._sent[0] if self._sent else Statement("")
            self._sent.clear()
            self._line.close()
            raise _refusal(refused, error) from error
        if conflicts:
            raise VersionConflictError(conflicts[0].text)

    @property
    def is_empty(self) -> bool:
        """Whether all statements have run."""
        return not (self._waiting or self._sent)

    def discard(self) -> None:
        """Discard what waits, but not what was sent."""
        self._waiting.clear()

    def cancel(self) -> None:
        """Discard what waits, and have the server stop what was sent, as Ctrl-C does.

        psycopg does so where it is interrupted while it waits for the server, and only there.
        """
        self._waiting.clear()
        if self._sent:
            with suppress(psycopg.Error):
                self.connection.cancel_safe(timeout=CANCELLING)

    def drop(self) -> None:
        """Discard what waits, and wait for the end of what was sent."""
        self._waiting.clear()
        if self._sent:
            with suppress(StatementError, VersionConflictError):
                self.flush()

    def _send_singly(self) -> None:
        statements, self._waiting = self._waiting, []
        for statement in statements:
            cursor = unguarded(self.connection)
            try:
                statement.send(cursor)
            except psycopg.Error as error:
                raise _refusal(statement, error) from error
            if statement.rows not in {None, cursor.rowcount}:
                raise VersionConflictError(statement.text)
            statement.done()

    def _send_to_worker(self) -> None:
        statements, self._waiting = self._waiting, []
        if not statements:
            return
        connection: Any = self.connection
        done = 0
        try:
            for rows in connection.several(statements):
                if statements[done].rows not in {None, rows}:
                    raise VersionConflictError(statements[done].text)
                statements[done].done()
                done += 1
        except psycopg.Error as error:
            raise _refusal(statements[done], error) from error

    def _message(self, line: Line, statement: Statement) -> Message:
        try:
            return line.message(statement.text, statement.executions)
        except psycopg.Error as error:
            raise StatementError(statement, error) from error


def _refusal(statement: Statement, error: psycopg.Error) -> Exception:
    """Return the error for a statement that the server refused; see `version_rows`."""
    if statement.rows is not None and isinstance(error, psycopg.errors.DivisionByZero):
        return VersionConflictError(statement.text)
    return StatementError(statement, error)


def _line(connection: Any) -> Line | None:
    """Return the pipeline of a connection; a worker's sends one statement at a time."""
    return Line(connection) if isinstance(connection, psycopg.Connection) else None


def unguarded(connection: psycopg.Connection[Any]) -> psycopg.Cursor[Any]:
    """Return a cursor past the step runner's guard, which would flush the batch from within."""
    if isinstance(connection, psycopg.Connection):
        return psycopg.Cursor(connection)
    return connection.cursor()  # a worker's connection, which has no guard


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
