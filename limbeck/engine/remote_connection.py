"""The worker's connection to a database, as the engine uses psycopg's and SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, Self

import psycopg
from psycopg.pq import DiagnosticField, TransactionStatus

from limbeck.dataclass import dataclass
from limbeck.engine.batch import Kept, Statement
from limbeck.project.code.errors import ServerFields, WorkerError
from limbeck.project.code.process import Answer, Process
from limbeck.schema.sql.lexer import first_word

_BEGINS = {"BEGIN", "START"}
_ENDS = {"COMMIT", "END", "ROLLBACK", "ABORT"}
_FIELDS = {
    "state": DiagnosticField.SQLSTATE,
    "message": DiagnosticField.MESSAGE_PRIMARY,
    "detail": DiagnosticField.MESSAGE_DETAIL,
    "hint": DiagnosticField.MESSAGE_HINT,
    "context": DiagnosticField.CONTEXT,
    "position": DiagnosticField.STATEMENT_POSITION,
    "schema": DiagnosticField.SCHEMA_NAME,
    "table": DiagnosticField.TABLE_NAME,
    "column": DiagnosticField.COLUMN_NAME,
    "constraint": DiagnosticField.CONSTRAINT_NAME,
    "function": DiagnosticField.SOURCE_FUNCTION,
}


class RemoteCursor:
    """What the engine uses of psycopg's cursor, for the worker's connection."""

    def __init__(self, connection: RemoteConnection, number: int | None = None) -> None:
        self.connection = connection
        self.number = number
        self.statusmessage: str | None = None
        self.rowcount = -1
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, query: Any, parameters: Any = None) -> Self:
        """Send a statement: the revision's own, one that was kept, or one of the engine's."""
        if self.number is not None:
            self.connection.request("run")
        elif isinstance(parameters, Kept):
            self.rowcount = self.connection.request("send", number=parameters.number)
        else:
            rows = self.connection.send(query, parameters)
            self._rows, self.rowcount = [tuple(row) for row in rows], max(1, len(rows))
        self.statusmessage = "sent"
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows, each value as text."""
        return self._rows


class RemoteConnection:
    """What the engine uses of psycopg's connection, for the worker's connection.

    Args:
        process: the worker.
        local: a connection to the same server, which spells parameters as SQL.
        opened: what the worker has said of its connection.

    """

    def __init__(self, process: Process, local: psycopg.Connection[Any], opened: Answer) -> None:
        self.process = process
        self.closed = False
        self.autocommit = True
        self.autocommits: bool = opened["autocommits"]
        self.cursor_factory: Any = None
        self.info = SimpleNamespace(
            server_version=opened["server"],
            backend_pid=opened["pid"],
            user=local.info.user,
            dbname=local.info.dbname,
            transaction_status=TransactionStatus.IDLE,
        )
        self._spelling = psycopg.ClientCursor(local)

    def execute(self, query: Any, parameters: Any = None) -> RemoteCursor:
        """Send a statement of the engine's and return its cursor."""
        return RemoteCursor(self).execute(query, parameters)

    def cursor(self) -> RemoteCursor:
        """Return a cursor."""
        return RemoteCursor(self)

    def pipeline(self) -> AbstractContextManager[None]:
        """Return a block in which statements are sent one by one: most drivers have no pipeline."""
        return nullcontext()

    def rollback(self) -> None:
        """Roll back the open transaction, if there is one.

        Raises:
            psycopg.OperationalError: the server has ended the session, and with it the transaction.

        """
        if self.info.transaction_status is TransactionStatus.IDLE:
            return
        try:
            self.send("ROLLBACK", None)
        except WorkerError as error:  # the worker has ended, too
            self.closed = True
            raise psycopg.OperationalError(f"the connection is closed: {error}") from error

    def add_notice_handler(self, _: Any) -> None:
        """Do nothing: the drivers have no common way to receive notices."""

    def send(self, query: Any, parameters: Any) -> list[list[Any]]:
        """Send a statement of the engine's and return its rows.

        Raises:
            psycopg.OperationalError: the server has ended the session.

        """
        text = self.spelled(query, parameters)
        try:
            rows: list[list[Any]] = self.request("execute", sql=text)
        except WorkerError as error:
            if error.raised.kind == "ended":
                raise
            raise self._gone(error) from error
        self._note(text)
        return rows

    def several(self, statements: Sequence[Statement]) -> Iterator[int]:
        """Send statements in one message to the worker; yield how many rows each has changed.

        The worker stops at one that does not change the number of rows that it must.

        Raises:
            psycopg.Error: the server refused the statement after those that were yielded.

        """
        texts = [
            None if isinstance(each.parameters, Kept) else self.spelled(each.text, each.parameters)
            for each in statements
        ]
        request = [
            {"rows": each.rows, **({"number": _number(each)} if text is None else {"sql": text})}
            for each, text in zip(statements, texts, strict=True)
        ]
        answer = self.request("several", statements=request)
        for rows, text in zip(answer["rows"], texts, strict=False):
            if text is not None:
                self._note(text)
            yield rows
        if answer["error"] is None:
            return
        error = self._translated(WorkerError.of(answer["error"]))
        own = texts[len(answer["rows"])] is not None
        raise self._gone(error) if own and isinstance(error, WorkerError) else error

    def _gone(self, error: WorkerError) -> psycopg.Error:
        """Return the error for a statement of the engine's that was not sent.

        SQLAlchemy refuses to use a connection that is gone, inside of a transaction or not.
        """
        self.closed = True
        return psycopg.OperationalError(f"the connection is closed: {error}")

    def spelled(self, query: Any, parameters: Any) -> str:
        """Return a statement of the engine's with its parameters."""
        return self._spelling.mogrify(query, parameters)

    def _note(self, text: str) -> None:
        """Note whether a transaction is open after a statement."""
        word = first_word(text)
        if word in _BEGINS:
            self.info.transaction_status = TransactionStatus.INTRANS
        elif word in _ENDS and " TO " not in text.upper():
            self.info.transaction_status = TransactionStatus.IDLE

    def request(self, name: str, **arguments: Any) -> Any:
        """Return the worker's answer; raise psycopg's error for what the server refused."""
        try:
            return self.process.request(name, **arguments)
        except WorkerError as error:
            raise self._translated(error) from error

    def _translated(self, error: WorkerError) -> WorkerError | psycopg.Error:
        """Return the error of a statement as psycopg's, and note what became of the session."""
        if error.raised.kind == "ended":
            self.closed = True
        if error.raised.server is None:
            return error
        if error.raised.server.state is None:
            self.closed = True
        elif self.info.transaction_status is TransactionStatus.INTRANS:
            self.info.transaction_status = TransactionStatus.INERROR
        return as_psycopg(error.raised.server)


@dataclass(slots=True)
class RemoteTarget:
    """What the engine uses of SQLAlchemy's connection."""

    nested: bool = False

    def in_nested_transaction(self) -> bool:
        """Return whether the revision is in a savepoint."""
        return self.nested

    def invalidate(self) -> None:
        """Do nothing: the worker gives its connection up by itself."""


def _number(statement: Statement) -> int:
    return statement.parameters.number if isinstance(statement.parameters, Kept) else -1


def as_psycopg(fields: ServerFields) -> psycopg.Error:
    """Return what a server reported to another driver as psycopg's error."""
    info: Any = dict.fromkeys(DiagnosticField)
    for name, key in _FIELDS.items():
        if value := getattr(fields, name):
            info[key] = str(value).encode()
    if fields.state is None:
        return psycopg.OperationalError(fields.message)
    try:
        kind = psycopg.errors.lookup(fields.state)
    except KeyError:
        kind = psycopg.DatabaseError
    return kind(fields.message, info=info, encoding="utf-8")
