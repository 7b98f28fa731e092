"""Run revisions on a database through Alembic, without the user's env.py."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import HeadMaintainer, MigrationContext, RevisionStep

from limbeck.branches import extensions
from limbeck.database import as_sqlalchemy
from limbeck.errors import MigrationError
from limbeck.events import Listener, RevisionFinished, RevisionStarted
from limbeck.history import scripts
from limbeck.history.revisions import Revision, shown

if TYPE_CHECKING:
    from limbeck.history.history import History

LONGEST_STATEMENT = 500
HINTS = {
    "55P03": "Another session holds a lock on it: migrate again, or raise LOCK_TIMEOUT in the "
    "profile (SELECT * FROM pg_stat_activity shows who it is).",
    "57014": "It took too long: raise STATEMENT_TIMEOUT in the profile, then migrate again.",
    "42501": "Migrate as the role that owns the object.",
    "25006": "The database is read-only: use the URL of the primary.",
    "25001": "Put the statement into `with op.get_context().autocommit_block():`.",
    "57P01": "The server ended the session. Look where it stands with limbeck status, "
    "then migrate again.",
}
"""By SQLSTATE: lock not got, too slow, not allowed, read-only, in a transaction, ended."""


def stamp(connection: psycopg.Connection, ids: Sequence[str]) -> None:
    """Make the version table hold exactly these ids."""
    with as_sqlalchemy(connection) as target, target.begin():
        context = MigrationContext.configure(target)
        context._ensure_version_table(purge=True)  # noqa: SLF001 - Alembic's stamp needs an env.py
        maintainer = HeadMaintainer(context, ())
        for id_ in ids:
            maintainer._insert_version(id_)  # noqa: SLF001 - as above


def run(
    history: History,
    connection: psycopg.Connection,
    revisions: Sequence[Revision],
    *,
    downgrade: bool,
    listen: Listener,
) -> None:
    """Run revisions one after the other; each commits together with its version row."""
    directory = scripts.directory(history)
    found = [scripts.script(directory, one) for one in revisions]
    with as_sqlalchemy(connection) as target:
        steps = _Steps(revisions, listen, downgrade=downgrade)
        sa.event.listen(target, "commit", steps.committed)

        def work(heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
            made = [RevisionStep(directory.revision_map, one, not downgrade) for one in found]
            if not heads:
                made[0].migration_fn = _with_version_table(made[0].migration_fn, context)
            return steps.of(made)

        config = scripts.configuration(history)
        with EnvironmentContext(config, directory, fn=work) as environment:
            environment.configure(
                connection=target, transaction_per_migration=True, dont_mutate=True
            )
            try:
                # What a revision prints is no part of the answer.
                with redirect_stdout(sys.stderr):
                    environment.run_migrations()
            except MigrationError:
                raise
            except Exception as error:
                raise steps.failure(error, history) from error


class _Steps:
    """Where a run stands: says the events, and knows what failed."""

    def __init__(self, revisions: Sequence[Revision], listen: Listener, *, downgrade: bool) -> None:
        self.revisions = revisions
        self.listen = listen
        self.downgrade = downgrade
        self.at: Revision = revisions[0]
        self.commits = 0

    def committed(self, _connection: sa.Connection) -> None:
        self.commits += 1

    def of(self, steps: Sequence[RevisionStep]) -> Iterator[RevisionStep]:
        total = len(self.revisions)
        for number, (at, step) in enumerate(zip(self.revisions, steps, strict=True), 1):
            self.at = at
            said: dict[str, Any] = {
                "revision": at.id,
                "message": at.message,
                "number": number,
                "total": total,
                "downgrade": self.downgrade,
            }
            self.listen(RevisionStarted(**said))
            self.commits, begun = 0, time.monotonic()
            yield step
            self.listen(RevisionFinished(**said, seconds=time.monotonic() - begun))

    def failure(self, error: Exception, history: History) -> MigrationError:
        what = "downgrade of revision" if self.downgrade else "revision"
        lines = [f"{what} {self.at} failed: {shown(self.at.path)}", *_said(error, history)]
        if self.commits:
            lines.append(
                "It has an autocommit block: what ran up to the end of it is in the database, "
                "and the version is not."
            )
        return MigrationError("\n".join(lines), hint=_hint(error))


def _hint(error: Exception) -> str:
    cause = error.orig if isinstance(error, sa.exc.StatementError) else error
    state = (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""
    if isinstance(cause, psycopg.OperationalError) and not state:
        return "The connection broke. Look where it stands with limbeck status, then migrate again."
    if (lacking := extensions.missing(error)) is not None and lacking.hint is not None:
        return lacking.hint
    return HINTS.get(state, "Correct the revision file, then migrate again.")


def _with_version_table(function: Callable[..., None], context: MigrationContext) -> Any:
    # In the first revision's own transaction, so that its failure leaves nothing at all.
    @functools.wraps(function)
    def first(**arguments: Any) -> None:
        context._ensure_version_table()  # noqa: SLF001 - Alembic offers it only before the first step
        function(**arguments)

    return first


def _said(error: Exception, history: History) -> Iterator[str]:
    statement = error.statement if isinstance(error, sa.exc.StatementError) else None
    cause = error.orig if isinstance(error, sa.exc.StatementError) else error
    if isinstance(cause, psycopg.Error):
        yield from _postgres(cause)
    else:
        yield f"  {type(error).__name__}: {error}"
    if statement:
        yield "  statement: " + _shortened(statement.strip())
    yield f"  at {scripts.where(error, history.folder)}"


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
