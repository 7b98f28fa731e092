"""Run revisions in the project's interpreter, on a connection of the project's own driver.

The worker asks about each statement; the step runner decides, as it does for revisions that run in
this process, and sends what the engine adds (BEGIN, the ledger, the version rows) through the
same connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, Self

import psycopg
from psycopg import sql
from psycopg.pq import DiagnosticField, TransactionStatus

from limbeck.engine.batch import Kept, Statement, StatementError
from limbeck.errors import ConfigurationError
from limbeck.paths import shown
from limbeck.postgres.connect import as_url
from limbeck.project.code.errors import ServerFields, WorkerError
from limbeck.project.code.out_of_process import OutOfProcess
from limbeck.project.code.process import Answer, Process
from limbeck.schema.sql.lexer import first_word

if TYPE_CHECKING:
    import sqlalchemy as sa

_REFUSED = "limbeck refuses the statement"
_BEGINS = {"BEGIN", "START"}
_ENDS = {"COMMIT", "END", "ROLLBACK", "ABORT"}
_FIELDS = {
    "state": DiagnosticField.SQLSTATE,
    "message": DiagnosticField.MESSAGE_PRIMARY,
    "detail": DiagnosticField.MESSAGE_DETAIL,
    "hint": DiagnosticField.MESSAGE_HINT,
    "context": DiagnosticField.CONTEXT,
    "position": DiagnosticField.STATEMENT_POSITION,
}


class RevisionRaisedError(Exception):
    """A revision raised an exception in the project's interpreter."""

    def __init__(self, error: WorkerError, where: str | None) -> None:
        super().__init__(str(error))
        self.where = where


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
        """Roll back the open transaction, if there is one."""
        if self.info.transaction_status is not TransactionStatus.IDLE:
            self.send("ROLLBACK", None)

    def add_notice_handler(self, _: Any) -> None:
        """Do nothing: the drivers have no common way to receive notices."""

    def send(self, query: Any, parameters: Any) -> list[list[Any]]:
        """Send a statement of the engine's and return its rows."""
        text = self._spelling.mogrify(query, parameters)
        rows: list[list[Any]] = self.request("execute", sql=text)
        word = first_word(text)
        if word in _BEGINS:
            self.info.transaction_status = TransactionStatus.INTRANS
        elif word in _ENDS and " TO " not in text.upper():
            self.info.transaction_status = TransactionStatus.IDLE
        return rows

    def request(self, name: str, **arguments: Any) -> Any:
        """Return the worker's answer; raise psycopg's error for what the server refused."""
        try:
            return self.process.request(name, **arguments)
        except WorkerError as error:
            if error.raised.kind == "ended":
                self.closed = True
            if error.raised.server is None:
                raise
            if error.raised.server.state is None:
                self.closed = True
            elif self.info.transaction_status is TransactionStatus.INTRANS:
                self.info.transaction_status = TransactionStatus.INERROR
            raise as_psycopg(error.raised.server) from error


@dataclass(slots=True)
class RemoteTarget:
    """What the engine uses of SQLAlchemy's connection."""

    dialect: sa.Dialect
    nested: bool = False

    def in_nested_transaction(self) -> bool:
        """Return whether the revision is in a savepoint."""
        return self.nested

    def invalidate(self) -> None:
        """Do nothing: the worker gives its connection up by itself."""


class Handler(Protocol):
    """Decides about the statements of a revision, as the step runner does."""

    def handle(
        self,
        cursor: psycopg.Cursor[Any],
        statement: Statement,
        *,
        unread: bool,
        is_new: Callable[[], bool],
    ) -> None:
        """Run a statement, or note it for later."""

    def block(self) -> AbstractContextManager[None]:
        """Return the block in which each statement is committed by itself."""


@dataclass(slots=True)
class Remote:
    """A run in the worker: its connection, and the revisions that it calls."""

    process: Process
    connection: RemoteConnection
    target: RemoteTarget
    folder: Path
    handler: Handler | None = None
    rewritten: Callable[[str], str] = str  # of `privileged`, on scratch databases
    _blocks: ExitStack = field(default_factory=ExitStack)
    _failure: Exception | None = None

    def load(self, path: Path) -> Answer:
        """Import a revision; return what it sets for itself.

        Raises:
            WorkerError: it does not import.

        """
        answer: Answer = self.process.request("load", path=str(path))
        return answer

    def call(self, path: Path, *, downgrade: bool) -> None:
        """Call a revision's function, and decide about each of its statements.

        Raises:
            StatementError: the server refused a statement.
            RevisionRaisedError: the revision raised another exception.

        """
        self._failure = None
        try:
            self.process.request("run", asked=self._asked, path=str(path), downgrade=downgrade)
        except WorkerError as error:
            raise self._translated(error, path) from error

    def _asked(self, message: Answer) -> None:
        facts = message["statement"]
        try:
            self._decide(facts)
        except Exception as error:  # noqa: BLE001 - the revision may catch it, as in this process
            self._failure = error
            self.process.go_on(failing=True)
        else:
            self.process.go_on()

    def _decide(self, facts: Answer) -> None:
        if self.handler is None:
            return
        if (edge := facts.get("block")) == "begin":
            self._blocks.enter_context(self.handler.block())
        elif edge == "end":
            self._blocks.close()
        else:
            self.target.nested = facts["nested"]
            text = self.rewritten(facts["text"])
            stored = Kept(facts["number"]) if text == facts["text"] else None
            statement = Statement(text, stored, where=_shown(facts["where"]))
            cursor: Any = RemoteCursor(self.connection, stored.number if stored else None)
            self.handler.handle(
                cursor, statement, unread=facts["unread"], is_new=lambda: bool(facts["new"])
            )

    def _translated(self, error: WorkerError, path: Path) -> Exception:
        """Return the error in the terms of the engine: what the server or the revision said."""
        # The worker raises this where the handler has raised an exception, and it was not caught.
        if self._failure is not None and _REFUSED in error.raised.text:
            return self._failure
        where = error.line(path.parent)
        if error.raised.server is not None:
            statement = Statement(error.raised.statement or "", where=where)
            return StatementError(statement, as_psycopg(error.raised.server))
        return RevisionRaisedError(error, where)


@contextmanager
def opened(
    code: OutOfProcess,
    local: psycopg.Connection[Any],
    folder: Path,
    *,
    again: bool = False,
    live: bool = False,
) -> Iterator[Remote]:
    """Yield a run on the database of a connection; env.py configures it.

    Args:
        code: the project's code.
        local: a connection to the database, which stays as it is.
        folder: the folder of the revision files.
        again: whether it continues the last run on this database, with what `op` has created.
        live: whether engines that a revision creates may connect where they say.

    Raises:
        ConfigurationError: env.py fails, or configures no connection to Postgres.

    """
    from sqlalchemy.dialects.postgresql import psycopg as dialects  # noqa: PLC0415 - slow

    process = code.process("revisions")
    answer = code.opened(process, as_url(local), folder, again=again, live=live)
    target = RemoteTarget(dialects.dialect())  # type: ignore[no-untyped-call]
    try:
        connection = RemoteConnection(process, local, answer)
        _equip(connection, local)
        yield Remote(process, connection, target, folder)
    except Exception:
        with suppress(ConfigurationError):  # env.py may not survive the failure either
            code.close(process)
        raise
    except BaseException:  # Ctrl-C, while the worker may wait for the server
        code.kill(process)
        raise
    code.close(process)


def _equip(connection: RemoteConnection, local: psycopg.Connection[Any]) -> None:
    """Give a worker's session the timeouts and the name that limbeck has set on its own."""
    # As text: a setting with a unit is a number to pg_settings, and a duration to SET.
    settings = local.execute(
        "SELECT name, current_setting(name) FROM pg_settings WHERE source IN ('client', 'session')"
        " AND (name LIKE '%timeout' OR name LIKE 'tcp%' OR name IN ('application_name',"
        " 'client_connection_check_interval', 'synchronous_commit'))"
    ).fetchall()
    calls = [
        sql.SQL("set_config({}, {}, false)").format(*map(sql.Literal, row)) for row in settings
    ]
    if calls:
        connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls)))


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


def _shown(where: str | None) -> str | None:
    if where is None:
        return None
    file, _, line = where.rpartition(":")
    return f"{shown(Path(file))}:{line}"
