"""Try a revision that the project's own interpreter runs, on a connection of this process.

The worker's session could not be looked into: what it has not committed, nobody else sees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, cast

from limbeck.engine import defaults, privileged, remote, statements
from limbeck.engine.batch import Statement
from limbeck.engine.progress import StoppedError
from limbeck.engine.statements import Edge
from limbeck.engine.terms import Terms
from limbeck.engine.upgrading import Bridge, Series, finish
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import session
from limbeck.stages import Stage

if TYPE_CHECKING:
    import psycopg

    from limbeck.history.history import History
    from limbeck.project.code.out_of_process import OutOfProcess


class _Trial(Bridge):
    """Runs the statements of one transaction, and stops a revision that needs another one."""

    stage: Stage | None = None

    def handle(
        self,
        cursor: psycopg.Cursor[Any],
        statement: Statement,
        *,
        unread: bool,
        is_new: Callable[[], bool],
    ) -> None:
        """Execute a statement here."""
        if unread and self.stage is not None:
            self.stage.advance()
        super().handle(cursor, statement, unread=unread, is_new=is_new)

    def sent_around(self, text: str, where: str | None) -> bool:
        """Execute a statement, unless it ends the transaction."""
        if statements.edge(text) or statements.parts(text):
            raise StoppedError
        return super().sent_around(text, where)

    def ended(self, kind: Edge) -> NoReturn:
        """Stop the revision, which ends its transaction by itself."""
        del kind
        raise StoppedError

    def block(self) -> NoReturn:
        """Stop the revision, which commits here."""
        raise StoppedError


def tried(  # noqa: PLR0913 - what, where, which way, and what to do there
    history: History,
    connection: psycopg.Connection[Any],
    revision: Revision,
    look: Callable[[], None],
    terms: Terms,
    *,
    downgrade: bool,
) -> None:
    """Run a revision on a connection, look at the end of its transaction, and roll it back.

    Args:
        history: the history that it belongs to.
        connection: where it runs.
        revision: the revision.
        look: called on the same connection at the end.
        terms: with what counts the statements.
        downgrade: run its `downgrade` function.

    Raises:
        StoppedError: it needs more than one transaction.
        Exception: it fails; nothing has happened.

    """
    resets = defaults.resets(session(connection).settings)
    connection.autocommit = False
    try:
        with (
            remote.opened(cast("OutOfProcess", history.code), connection, history.top) as run,
            privileged.rewriting(connection) as rewritten,
        ):
            trial = _Trial(run, connection, lambda _: None, rewritten)
            trial.stage, run.handler = terms.stage, trial
            run.call(revision, None, downgrade=downgrade)
        finish(Series(history), connection, revision, resets, downgrade=downgrade)
        look()
    finally:
        connection.rollback()
        connection.autocommit = True
