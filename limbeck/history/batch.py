"""Statements that wait to be sent together, in one round trip."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import psycopg

from limbeck.history.revisions import shown

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

    def add(self, waiting: Waiting) -> None:
        """Let one more wait."""
        self.waiting.append(waiting)

    def flush(self) -> None:
        """Send all that waits and see it done.

        Raises:
            StatementError: one was refused; those after it have not run.
            VersionConflictError: one changed another number of rows than it had to.

        """
        todo, self.waiting = self.waiting, []
        cursors: list[psycopg.Cursor[Any]] = []
        try:
            with self.own(), _together(self.connection, len(todo)):
                for one in todo:
                    cursors.append(self.connection.cursor())
                    one.send(cursors[-1])
        except psycopg.Error as error:
            raise StatementError(_refused(todo, cursors), error) from error
        for one, cursor in zip(todo, cursors, strict=True):
            if one.rows not in {None, cursor.rowcount}:
                raise VersionConflictError(one.statement)

    @contextmanager
    def own(self) -> Iterator[None]:
        """Mark that what is sent inside of the block is in its right place already."""
        before, self.sending = self.sending, True
        try:
            yield
        finally:
            self.sending = before


@contextmanager
def _together(connection: psycopg.Connection[Any], number: int) -> Iterator[None]:
    if number > 1:
        with connection.pipeline():
            yield
    else:
        yield


def _refused(todo: Sequence[Waiting], cursors: Sequence[psycopg.Cursor[Any]]) -> Waiting:
    """The first that has no result; all before it have run."""
    for one, cursor in zip(todo, cursors, strict=False):
        if cursor.statusmessage is None:
            return one
    return todo[-1]


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
