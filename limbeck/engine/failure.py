"""What is told when a revision fails: which, where, what Postgres said, how to go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import sqlalchemy as sa

from limbeck.engine.batch import StatementError
from limbeck.engine.patience import cause, lacks_lock
from limbeck.engine.progress import Progress
from limbeck.errors import HistoryError, MigrationError
from limbeck.events import Blocker
from limbeck.history import scripts
from limbeck.paths import shown
from limbeck.postgres.embedded import extensions

LONGEST_STATEMENT = 500
HINTS = {
    "55P03": "Another session holds a lock on it: migrate again, or raise LOCK_TIMEOUT or "
    "LOCK_BUDGET in the profile.",
    "57014": "It took too long: raise STATEMENT_TIMEOUT in the profile, then migrate again.",
    "42501": "Migrate as the role that owns the object.",
    "25006": "The database is read-only: use the URL of the primary.",
    "25001": "Put the statement into `with op.get_context().autocommit_block():`.",
    "25P03": "The revision did nothing for too long in its transaction: raise "
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT in the profile, then migrate again.",
    "25P04": "The transaction took too long: raise TRANSACTION_TIMEOUT in the profile, "
    "then migrate again.",
    "53100": "The disk of the server is full: make room, then migrate again.",
    "57P01": "The server ended the session. Look where it stands with limbeck status, "
    "then migrate again.",
}
"""By SQLSTATE: lock not got, too slow, not allowed, read-only, in a transaction, ended."""
_BROKEN = "The connection broke. Look where it stands with limbeck status, then migrate again."


def failure(
    error: Exception, progress: Progress, folder: Path, blockers: Sequence[Blocker] = ()
) -> MigrationError:
    """Return the error that tells it."""
    revision = progress.revision
    what = f"{'downgrade of ' if progress.action == 'downgrade' else ''}revision {revision}"
    lines = [f"{what} failed: {shown(revision.path)}", *_said(error, folder)]
    if lacks_lock(error):
        lines.extend(f"  in the way: {one}" for one in blockers)
    if progress.steps:
        lines.append(_done(progress))
    return MigrationError("\n".join(lines), hint=_hint(error))


def _done(progress: Progress) -> str:
    if not progress.in_ledger:
        return (
            "It has an autocommit block: what ran up to the end of it is in the database, "
            "and the version is not."
        )
    steps = "step 1 is" if progress.steps == 1 else f"steps 1 to {progress.steps} are"
    return f"{steps} in the database; the next run goes on after that."


def _hint(error: Exception) -> str:
    if isinstance(error, HistoryError) and error.hint:
        return error.hint
    said = cause(error)
    state = (said.sqlstate or "") if isinstance(said, psycopg.Error) else ""
    if isinstance(said, psycopg.OperationalError) and not state:
        return _BROKEN
    if (lacking := extensions.missing(error)) is not None and lacking.hint is not None:
        return lacking.hint
    return HINTS.get(state, "Correct the revision file, then migrate again.")


def _said(error: Exception, folder: Path) -> Iterator[str]:
    statement, where = _statement(error)
    said = cause(error)
    if isinstance(said, psycopg.Error):
        yield from _postgres(said)
    elif isinstance(error, HistoryError):
        yield f"  {error.message}"
    else:
        yield f"  {type(error).__name__}: {error}"
    if statement:
        yield "  statement: " + _shortened(statement.strip())
    yield f"  at {where or scripts.where(error, folder)}"


def _statement(error: Exception) -> tuple[str | None, str | None]:
    if isinstance(error, StatementError):
        return error.statement.text, error.statement.where
    return (error.statement if isinstance(error, sa.exc.StatementError) else None), None


def _postgres(error: psycopg.Error) -> Iterator[str]:
    said = error.diag
    yield f"  Postgres: {said.message_primary or error}"
    position = f"character {said.statement_position}" if said.statement_position else None
    parts = {
        "position": position,
        "detail": said.message_detail,
        "hint": said.message_hint,
        "context": said.context,
    }
    yield from (f"  {name}: {text}" for name, text in parts.items() if text)


def _shortened(statement: str) -> str:
    if len(statement) <= LONGEST_STATEMENT:
        return statement
    return statement[:LONGEST_STATEMENT] + " ..."
