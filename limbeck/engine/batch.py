"""Statements that wait to be sent together, in one round trip."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import psycopg

from limbeck.paths import shown

Parameters: TypeAlias = "Sequence[Any] | Mapping[str, Any] | None"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One statement; `many` says that the parameters are a list of rows.

    `where` is the line of the revision that it came from, `rows` how many it has to change.
    """

    statement: str
    parameters: Parameters = None
    many: bool = False
    where: str | None = None
    rows: int | None = None

    def send(self, cursor: psycopg.Cursor[Any]) -> None:
        """Hand it to the cursor."""
        if self.many:
            cursor.executemany(self.statement, self.parameters or ())
        else:
            cursor.execute(self.statement.encode(), self.parameters)


class StatementError(Exception):
    """A statement that had waited was refused; `cause` is what Postgres said."""

    def __init__(self, waiting: Waiting, cause: psycopg.Error) -> None:
        super().__init__(str(cause))
        self.waiting = waiting
        self.cause = cause


class VersionConflictError(Exception):
    """A row of the version table is not what it was when the run began."""


class Batch:
    """Statements in the order they have to run; psycopg's pipeline sends them all at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.waiting: list[Waiting] = []
        self.sending = False
        self._sent: list[tuple[Waiting, psycopg.Cursor[Any]]] = []
        self._pipeline = ExitStack()

    def add(self, waiting: Waiting) -> None:
        """Let one more wait."""
        self.waiting.append(waiting)

    def send(self) -> None:
        """Send all that waits without seeing it done: the server works while we go on.

        Raises:
            StatementError: one that was sent before was refused.

        """
        if not self._sent and self.waiting:
            self._pipeline.enter_context(self.connection.pipeline())
        with self._explained(), self.own():
            for one in self._taken():
                one.send(self._sent[-1][1])

    def flush(self) -> None:
        """Send all that waits and see it done.

        Raises:
            StatementError: one was refused; those after it have not run.
            VersionConflictError: one changed another number of rows than it had to.

        """
        if self._sent or len(self.waiting) > 1:
            self.send()
        with self._explained(), self.own():
            for one in self._taken():
                one.send(self._sent[-1][1])
            self._pipeline.close()
        sent, self._sent = self._sent, []
        for one, cursor in sent:
            if one.rows not in {None, cursor.rowcount}:
                raise VersionConflictError(one.statement)

    def drop(self) -> None:
        """Forget all that waits, and what became of that which was sent."""
        self.waiting.clear()
        self._sent.clear()
        with suppress(psycopg.Error):
            self._pipeline.close()

    @contextmanager
    def own(self) -> Iterator[None]:
        """Mark that what is sent inside of the block is in its right place already."""
        before, self.sending = self.sending, True
        try:
            yield
        finally:
            self.sending = before

    def _taken(self) -> Iterator[Waiting]:
        todo, self.waiting = self.waiting, []
        for one in todo:
            self._sent.append((one, self.connection.cursor()))
            yield one

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Tell which statement was refused; a pipeline says so at any later one."""
        try:
            yield
        except psycopg.Error as error:
            sent, self._sent = self._sent, []
            with suppress(psycopg.Error):
                self._pipeline.close()
            raise StatementError(_refused(sent), error) from error


def _refused(sent: Sequence[tuple[Waiting, psycopg.Cursor[Any]]]) -> Waiting:
    """The first that has no result; all before it have run."""
    for one, cursor in sent:
        if cursor.statusmessage is None:
            return one
    return sent[-1][0]


def guarded(ready: Callable[[], None]) -> type[psycopg.Cursor[Any]]:
    """Return a class of cursors that call `ready` before anything of theirs is sent.

    So what a revision sends around SQLAlchemy still comes after all that waits.
    """

    class Guarded(psycopg.Cursor[Any]):
        def execute(self, *arguments: Any, **options: Any) -> Any:
            ready()
            return super().execute(*arguments, **options)

        def executemany(self, *arguments: Any, **options: Any) -> None:
            ready()
            super().executemany(*arguments, **options)

        def copy(self, *arguments: Any, **options: Any) -> Any:
            ready()
            return super().copy(*arguments, **options)

    return Guarded


def line_in(folder: Path) -> str | None:
    """Return file:line of the innermost frame whose code is in a folder."""
    frame = inspect.currentframe()
    inside = str(folder)
    while frame is not None:
        if frame.f_code.co_filename.startswith(inside):
            return f"{shown(Path(frame.f_code.co_filename))}:{frame.f_lineno}"
        frame = frame.f_back
    return None
