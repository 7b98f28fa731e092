"""Why a server ended a session, for which psycopg only reports that the connection broke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine.batch import Statement, StatementError
from limbeck.engine.patience import cause
from limbeck.postgres.duration import seconds

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

_TRANSACTION_TIMEOUT = "25P04"  # PostgreSQL's errcodes.txt: transaction_timeout


@dataclass(slots=True)
class Ending:
    """The last message of a server, with its SQLSTATE.

    A server that ends an idle session (a timeout, a shutdown) sends a FATAL error that answers no
    statement. libpq hands it on as a notice; the next statement then fails without a reason.
    """

    state: str | None = None
    message: str = ""

    def receive(self, diagnostic: Diagnostic) -> None:
        """Remember a notice that is really the end of the session."""
        if diagnostic.severity_nonlocalized in {"FATAL", "PANIC"}:
            self.state, self.message = diagnostic.sqlstate, diagnostic.message_primary or ""

    def explained(self, error: Exception, waited: float, timeout: str | None) -> Exception:
        """Return an error of a broken connection with the server's reason, any other unchanged.

        Args:
            error: what the revision failed with.
            waited: seconds since its transaction began.
            timeout: the transaction timeout, as Postgres spells it.

        """
        broken = cause(error)
        if not isinstance(broken, psycopg.OperationalError) or broken.sqlstate:
            return error
        if self.state:
            return _with(error, _kind(self.state)(self.message))
        # psycopg drops the last message if it follows the results of a pipeline. A transaction
        # that has lasted as long as its timeout was ended by it all the same.
        if timeout and 0 < seconds(timeout) <= waited:
            message = f"the server ended the session: transaction timeout of {timeout}"
            return _with(error, _kind(_TRANSACTION_TIMEOUT)(message))
        return error


def listening(connection: psycopg.Connection[Any]) -> Ending:
    """Return what will receive the server's last message on a connection."""
    ending = Ending()
    connection.add_notice_handler(ending.receive)
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
