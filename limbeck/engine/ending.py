"""Why the server ended a session, where psycopg tells no more than that the connection broke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from limbeck.engine.batch import Statement, StatementError
from limbeck.engine.patience import cause
from limbeck.postgres.duration import seconds

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

_TRANSACTION_TIMEOUT = "25P04"


@dataclass(slots=True)
class Ending:
    """The last words of a server: libpq takes them for a notice while nothing is asked."""

    state: str | None = None
    words: str = ""

    def heard(self, diagnostic: Diagnostic) -> None:
        """Keep what a notice says when it is no notice."""
        if diagnostic.severity_nonlocalized in {"FATAL", "PANIC"}:
            self.state, self.words = diagnostic.sqlstate, diagnostic.message_primary or ""

    def explained(self, error: Exception, waited: float, timeout: str | None) -> Exception:
        """Return the error with its reason; `waited` are the seconds since a transaction began.

        The last words after the answers of a pipeline are lost in psycopg; that a transaction took
        as long as it may is known all the same.
        """
        found = cause(error)
        if not isinstance(found, psycopg.OperationalError) or found.sqlstate:
            return error
        if self.state:
            return _with(error, _kind(self.state)(self.words))
        if timeout and 0 < seconds(timeout) <= waited:
            words = f"the server ended the session: transaction timeout of {timeout}"
            return _with(error, _kind(_TRANSACTION_TIMEOUT)(words))
        return error


def listening(connection: psycopg.Connection[Any]) -> Ending:
    """Listen to what a server says when it ends a session."""
    ending = Ending()
    connection.add_notice_handler(ending.heard)
    return ending


def _kind(state: str) -> type[psycopg.Error]:
    try:
        return psycopg.errors.lookup(state)
    except KeyError:
        return psycopg.OperationalError


def _with(error: Exception, reason: psycopg.Error) -> StatementError:
    if isinstance(error, StatementError):
        statement = error.statement
    else:
        statement = Statement(getattr(error, "statement", None) or "")
    explained = StatementError(statement, reason)
    explained.__cause__ = error
    return explained.with_traceback(error.__traceback__)
