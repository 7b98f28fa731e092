"""Run revisions in the project's interpreter, on a connection of the project's own driver.

The worker asks about each statement; the step runner decides, as it does for revisions that run in
this process, and sends what the engine adds (BEGIN, the ledger, the version rows) through the
same connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import psycopg
from psycopg import sql

from limbeck.dataclass import dataclass
from limbeck.engine import defaults
from limbeck.engine.batch import Kept, Statement, StatementError
from limbeck.engine.patience import cause
from limbeck.engine.remote_connection import (
    RemoteConnection,
    RemoteCursor,
    RemoteTarget,
    as_psycopg,
)
from limbeck.engine.statements import Edge
from limbeck.errors import ConfigurationError, HistoryError
from limbeck.history.revisions import Revision
from limbeck.paths import shown
from limbeck.postgres.connect import as_url
from limbeck.project.code.errors import WorkerError
from limbeck.project.code.out_of_process import OutOfProcess
from limbeck.project.code.process import Answer, Process


class RevisionRaisedError(Exception):
    """A revision raised an exception in the project's interpreter."""

    def __init__(self, error: WorkerError, where: str | None) -> None:
        super().__init__(str(error))
        self.where = where


class Handler(Protocol):
    """Decides about the statements of a revision, as the step runner does.

    `pipelined` says whether it may hear of several at once, of a revision that does not notice it,
    `lets_read` whether the next questions about the catalog may be sent before it hears of them.
    """

    pipelined: bool
    lets_read: bool

    def handle(
        self,
        cursor: psycopg.Cursor[Any],
        statement: Statement,
        *,
        unread: bool,
        is_new: Callable[[], bool],
    ) -> None:
        """Run a statement, or note it for later."""

    def hear(self, statement: Statement) -> None:
        """Note a question about the catalog that has been sent."""

    def sent_around(self, text: str, where: str | None) -> bool:
        """Prepare for a statement that a revision sends around SQLAlchemy, or run it.

        Returns:
            Whether it has run; if not, the revision's own cursor sends it.

        """

    def ended(self, kind: Edge) -> None:
        """Commit or roll back, as the revision asks SQLAlchemy's connection to."""

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

    @property
    def autocommits(self) -> bool:
        """Whether env.py's connection commits each statement by itself."""
        return self.connection.autocommits

    @property
    def is_here(self) -> bool:
        """False: revisions run in the worker."""
        return False

    def resets(self) -> tuple[Statement, ...]:
        """Return the statements that undo what a revision has set in the session."""
        return defaults.of_worker(self.connection)

    def serve(self, steps: Handler, stack: ExitStack) -> None:
        """Hand the statements of revisions to a step runner, until the stack is closed."""
        self.handler = steps
        stack.callback(setattr, self, "handler", None)

    def using(self) -> AbstractContextManager[None]:
        """Return the block in which revisions are called."""
        return nullcontext()

    def load(self, revision: Revision) -> Any:
        """Import a revision; return what it sets for itself.

        Raises:
            HistoryError: it does not import.

        """
        try:
            return SimpleNamespace(**self.process.request("load", path=str(revision.path)))
        except WorkerError as error:
            where = error.line(self.folder) or shown(revision.path)
            raise HistoryError(
                f"{where}: {error}", hint="Correct the revision file; nothing was run."
            ) from error

    def call(self, revision: Revision, module: Any, *, downgrade: bool) -> None:
        """Call a revision's function, and decide about each of its statements.

        Raises:
            StatementError: the server refused a statement.
            RevisionRaisedError: the revision raised another exception.

        """
        del module
        path, self._failure = revision.path, None
        together = self.handler is not None and self.handler.pipelined
        arguments: dict[str, Any] = {"downgrade": downgrade, "together": together}
        try:
            untold = self.process.request("run", asked=self._asked, path=str(path), **arguments)
        except WorkerError as error:
            raise self._translated(error, path) from error
        self._hear(untold)

    def _asked(self, message: Answer) -> None:
        try:
            self._hear(message["before"])
            finished = self._decide(message["statement"])
        except Exception as error:  # noqa: BLE001 - the revision may catch it, as in this process
            self._failure = error
            self.process.go_on(failing=True, server=_reported(error))
        else:
            reads = self.handler is not None and self.handler.lets_read
            self.process.go_on(finished=finished, reads=reads)

    def _hear(self, several: Sequence[Answer]) -> None:
        """Deal with statements for whose results the revision has not waited."""
        for facts in several:
            if facts.get("sent"):
                if self.handler is not None:
                    self.handler.hear(Statement(facts["text"], where=_shown(facts["where"])))
            else:
                self._handle(facts, is_current=False)

    def _decide(self, facts: Answer) -> bool:
        """Deal with a statement; return False if the worker has to send it by itself."""
        if self.handler is None:
            return False
        if (edge := facts.get("block")) == "begin":
            self._blocks.enter_context(self.handler.block())
        elif edge == "end":
            self._blocks.close()
        elif kind := facts.get("end"):
            self.handler.ended(kind)
        elif facts.get("raw"):
            return self.handler.sent_around(facts["text"], _shown(facts["where"]))
        elif "text" in facts:
            self._handle(facts, is_current=True)
        return True

    def _handle(self, facts: Answer, *, is_current: bool) -> None:
        """Hand a statement to the handler.

        Args:
            facts: what the worker says of it.
            is_current: the worker waits in it; otherwise it keeps the statement.

        """
        if self.handler is None:  # pragma: no cover - `_decide` has looked
            return
        self.target.nested = facts["nested"]
        text = self.rewritten(facts["text"])
        stored = Kept(facts["number"]) if text == facts["text"] else None
        statement = Statement(text, stored, where=_shown(facts["where"]))
        number = stored.number if stored and is_current else None
        cursor: Any = RemoteCursor(self.connection, number)
        try:
            self.handler.handle(
                cursor, statement, unread=facts["unread"], is_new=lambda: bool(facts["new"])
            )
        except psycopg.Error as error:
            if is_current:  # the worker raises it with the statement
                raise
            raise StatementError(statement, error) from error

    def _translated(self, error: WorkerError, path: Path) -> Exception:
        """Return the error in the terms of the engine: what the server or the revision said."""
        # The worker raises this where the handler has raised an exception, and it was not caught.
        if self._failure is not None and error.raised.refused:
            return self._failure
        where = error.line(path.parent)
        if error.raised.server is not None:
            statement = Statement(error.raised.statement or "", where=where)
            return StatementError(statement, as_psycopg(error.raised.server))
        return RevisionRaisedError(error, where)


def _reported(error: Exception) -> Answer | None:
    """Return what the server reported, for the exception of the project's own driver."""
    reason = cause(error)
    if not isinstance(reason, psycopg.Error) or reason.sqlstate is None:
        return None
    return {"state": reason.sqlstate, "message": reason.diag.message_primary or str(reason)}


@contextmanager
def opened(  # noqa: PLR0913 - whose, where, on what terms
    code: OutOfProcess,
    local: psycopg.Connection[Any],
    folder: Path,
    *,
    again: bool = False,
    live: bool = False,
    meanwhile: Iterable[object] = (),
) -> Iterator[Remote]:
    """Yield a run on the database of a connection; env.py configures it.

    Args:
        code: the project's code.
        local: a connection to the database, which stays as it is.
        folder: the folder of the revision files.
        again: whether it continues the last run on this database, with what `op` has created.
        live: whether engines that a revision creates may connect where they say.
        meanwhile: what to do until env.py has run, in pieces.

    Raises:
        ConfigurationError: env.py fails, or configures no connection to Postgres.

    """
    process = code.process("revisions")
    url = as_url(local)
    answer = code.opened(process, url, folder, again=again, live=live, meanwhile=meanwhile)
    try:
        connection = RemoteConnection(process, local, answer)
        _equip(connection, local)
        yield Remote(process, connection, RemoteTarget(), folder)
    except Exception:
        with suppress(ConfigurationError):  # env.py may not survive the failure either
            code.close(process)
        raise
    except BaseException:  # Ctrl-C, while the worker may wait for the server
        code.kill(process)
        raise
    code.close(process)


def _equip(connection: RemoteConnection, local: psycopg.Connection[Any]) -> None:
    """Give a worker's session the timeouts and all else that limbeck has set on its own."""
    # As text: a setting with a unit is a number to pg_settings, and a duration to SET.
    settings = local.execute(
        "SELECT name, current_setting(name) FROM pg_settings WHERE source IN ('client', 'session')"
        " AND (name LIKE '%timeout' OR name LIKE 'tcp%' OR name IN ('application_name',"
        " 'client_connection_check_interval', 'row_security', 'search_path', 'synchronous_commit'))"
    ).fetchall()
    calls = [
        sql.SQL("set_config({}, {}, false)").format(*map(sql.Literal, row)) for row in settings
    ]
    if calls:
        connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls)))


def _shown(where: str | None) -> str | None:
    if where is None:
        return None
    file, _, line = where.rpartition(":")
    return f"{shown(Path(file))}:{line}"
