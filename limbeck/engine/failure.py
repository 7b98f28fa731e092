"""The error for a revision that fails: which, where, what Postgres reported, how to continue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import sqlalchemy as sa

from limbeck.engine.batch import StatementError
from limbeck.engine.patience import cause, lacks_lock
from limbeck.engine.progress import Progress
from limbeck.engine.remote import RevisionRaisedError
from limbeck.errors import HistoryError, MigrationError
from limbeck.events import Blocker
from limbeck.history import scripts
from limbeck.masking.mask import masked, secrets
from limbeck.paths import shown
from limbeck.postgres import row_security
from limbeck.postgres.embedded import extensions
from limbeck.visible import visible

LONGEST_STATEMENT = 500
HINTS = {
    "55P03": "Another session holds a lock on the object: migrate again, or raise LOCK_TIMEOUT or "
    "LOCK_BUDGET in the profile.",
    "57014": "The statement took too long: raise STATEMENT_TIMEOUT in the profile, then migrate "
    "again.",
    "42501": "Migrate as the role that owns the object.",
    "25006": "The database is read-only: use the URL of the primary.",
    "25001": "Put the statement into `with op.get_context().autocommit_block():`.",
    "25P03": "The revision sent nothing for too long in its transaction: raise "
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT in the profile, then migrate again.",
    "25P04": "The transaction took too long: raise TRANSACTION_TIMEOUT in the profile, "
    "then migrate again.",
    "53100": "The server's disk is full: free some space, then migrate again.",
    "57P01": "The server ended the session. Run `limbeck status` to see how far the revision is, "
    "then migrate again.",
}
"""Hints by SQLSTATE, see errcodes.txt in the sources of PostgreSQL."""
_BROKEN = (
    "The connection broke. Run `limbeck status` to see how far the revision is, then migrate again."
)
_PARTIAL = (
    "Where a revision may change only the rows that its role sees, put "
    '`op.execute("SET LOCAL row_security = on")` first.'
)


def failure(
    error: Exception, progress: Progress, folder: Path, blockers: Sequence[Blocker] = ()
) -> MigrationError:
    """Return the error for a revision that failed.

    Args:
        error: what it failed with.
        progress: of the revision; the steps that are committed are named.
        folder: the folder of the revision files, for the line that failed.
        blockers: who held the lock, if it failed for one.

    """
    lines = [_failed(progress), *_reported(error, folder, in_file=progress.push is None)]
    if lacks_lock(error):
        lines.extend(f"  blocked by: {blocker}" for blocker in blockers)
    if progress.steps:
        lines.append(_done(progress))
    # Postgres repeats words of the statement, as in: syntax error at or near "...".
    known = secrets(_statement(error)[0] or "")
    return MigrationError(visible(masked("\n".join(lines), *known)), hint=_hint(error, progress))


def _failed(progress: Progress) -> str:
    if progress.push is not None:
        return "the push failed"
    action = "downgrade of " if progress.action == "downgrade" else ""
    return f"{action}revision {progress.revision} failed: {shown(progress.revision.path)}"


def _done(progress: Progress) -> str:
    if progress.push is not None:
        return "The statements up to there are committed; the next push goes on from there."
    if not progress.in_ledger:
        return (
            "The revision has an autocommit block or a COMMIT: the statements up to there are "
            "committed, the version is not."
        )
    steps = "step 1 is" if progress.steps == 1 else f"steps 1 to {progress.steps} are"
    return f"{steps} committed; the next run continues after that."


def _hint(error: Exception, progress: Progress) -> str:
    if isinstance(error, HistoryError) and error.hint:
        return error.hint
    reason = cause(error)
    if row_security.is_hidden(reason):
        return f"{row_security.HINT} {_PARTIAL}"
    state = (reason.sqlstate or "") if isinstance(reason, psycopg.Error) else ""
    if isinstance(reason, psycopg.OperationalError) and not state:
        return _BROKEN
    if (lacking := extensions.missing(error)) is not None and lacking.hint is not None:
        return lacking.hint
    if progress.push is not None:
        again = HINTS.get(state, "Correct the models or the rows, then migrate again.")
        return again.replace("migrate again", "push again").replace("Migrate as", "Push as")
    usual = "Correct the revision file, then migrate again."
    if progress.steps and not progress.in_ledger:  # the next run begins from the first line
        conditional = "or make them conditional (IF NOT EXISTS)"
        usual = f"Undo the committed statements by hand, {conditional}. {usual}"
    return HINTS.get(state, usual)


def _reported(error: Exception, folder: Path, *, in_file: bool) -> Iterator[str]:
    statement, where = _statement(error)
    reason = cause(error)
    if isinstance(reason, psycopg.Error):
        yield from _postgres(reason)
    elif isinstance(error, HistoryError):
        yield f"  {error.message}"
    elif isinstance(error, RevisionRaisedError):
        yield f"  {error}"
    else:
        yield f"  {type(error).__name__}: {error}"
    if statement:
        # SQLAlchemy doubles percent signs, which the driver takes for placeholders.
        # Masked by itself, before the words around it and a cut end can confuse the mask.
        yield "  statement: " + _shortened(masked(statement.strip().replace("%%", "%")))
    if in_file:  # and not in the draft of a push, which is gone
        yield f"  at {where or scripts.where(error, folder)}"


def _statement(error: Exception) -> tuple[str | None, str | None]:
    if isinstance(error, StatementError):
        return error.statement.text, error.statement.where
    if isinstance(error, RevisionRaisedError):
        return None, error.where
    return (error.statement if isinstance(error, sa.exc.StatementError) else None), None


def _postgres(error: psycopg.Error) -> Iterator[str]:
    report = error.diag
    yield f"  Postgres: {report.message_primary or error}"
    position = f"character {report.statement_position}" if report.statement_position else None
    parts = {
        "position": position,
        "detail": report.message_detail,
        "hint": report.message_hint,
        "context": report.context,
    }
    yield from (f"  {name}: {text}" for name, text in parts.items() if text)


def _shortened(statement: str) -> str:
    if len(statement) <= LONGEST_STATEMENT:
        return statement
    return statement[:LONGEST_STATEMENT] + " ..."
