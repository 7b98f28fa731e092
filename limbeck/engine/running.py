"""Run the revisions of a history on a database; for callers above, who pass a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from limbeck.engine import version_table
from limbeck.engine.state import State, read
from limbeck.engine.terms import PLAIN, Terms
from limbeck.events import Listener, ignore
from limbeck.history.history import History
from limbeck.history.revisions import Revision

if TYPE_CHECKING:
    import psycopg


def run(  # noqa: PLR0913 - what, on what, which way, on which terms, from where
    history: History,
    connection: psycopg.Connection[Any],
    revisions: Sequence[Revision],
    *,
    downgrade: bool = False,
    terms: Terms = PLAIN,
    state: State | None = None,
    listen: Listener = ignore,
) -> tuple[str, ...]:
    """Run exactly these revisions in this order; return the rows of the version table then.

    Args:
        history: the history that the revisions belong to.
        connection: where they run; no transaction may be open on it.
        revisions: what to run, in the order to run it.
        downgrade: run the `downgrade` functions instead of `upgrade`.
        terms: what a live database needs besides the statements (the ledger, retries of lock
            timeouts); by default the statements and the version rows are all that is sent.
        state: version rows and ledger, if the caller has read them under the migration lock.
        listen: receives an event for each revision, retry and notice.

    Raises:
        MigrationError: a revision failed; names the revision, its file and the statement. The
            revisions before it are committed.

    """
    if not revisions:
        table = version_table.of(history, connection)
        return state.recorded if state else version_table.recorded(connection, table)
    from limbeck.engine import ahead  # noqa: PLC0415 - as below
    from limbeck.engine.opening import opened  # noqa: PLC0415 - Alembic only when something runs

    state = state or read(connection, version_table.of(history, connection))
    if not state.recorded:
        version_table.create_schema(connection, version_table.of(history, connection))
    read_ahead = ahead.read(revisions, "downgrade" if downgrade else "upgrade")
    with opened(history, connection, terms, state, listen, read_ahead) as runner:
        return runner.run(revisions, downgrade=downgrade)


def upgrade(
    history: History,
    connection: psycopg.Connection[Any],
    to: str = "head",
    *,
    listen: Listener = ignore,
) -> tuple[Revision, ...]:
    """Upgrade a database, each revision in a transaction of its own; return the revisions run.

    Args:
        history: the history to run.
        connection: the database to upgrade.
        to: the last revision to run: an id or its beginning, "head" or "heads".
        listen: receives an event for each revision.

    Raises:
        HistoryError: the target or the database's own revision is unknown.
        MigrationError: a revision failed; the revisions before it are committed.

    """
    pending = history.pending(version_table.current(history, connection), to)
    run(history, connection, pending, listen=listen)
    return pending


def downgrade(
    history: History, connection: psycopg.Connection[Any], to: str, *, listen: Listener = ignore
) -> tuple[Revision, ...]:
    """Downgrade a database to a revision, newest first; return the revisions downgraded.

    Args:
        history: the history to run.
        connection: the database to downgrade.
        to: the revision to keep: an id or its beginning, or "base".
        listen: receives an event for each revision.

    Raises:
        HistoryError: the target or the database's own revision is unknown.
        MigrationError: a downgrade failed; the downgrades before it are committed.

    """
    beyond = history.beyond(version_table.current(history, connection), to)
    run(history, connection, beyond, downgrade=True, listen=listen)
    return beyond


def run_steps(
    history: History,
    connection: psycopg.Connection[Any],
    revision: Revision,
    steps: int,
    *,
    downgrade: bool = False,
) -> None:
    """Run the first steps of a revision on a scratch database, as an interrupted run does.

    Args:
        history: the history that it belongs to.
        connection: where it runs.
        revision: the revision, whose parents are applied there.
        steps: how many steps to commit.
        downgrade: run its `downgrade` function.

    Raises:
        MigrationError: the revision failed before.

    """
    if not steps:
        return
    from limbeck.engine.progress import StoppedError  # noqa: PLC0415 - as above

    with suppress(StoppedError):
        terms = replace(PLAIN, steps=steps)
        run(history, connection, [revision], downgrade=downgrade, terms=terms)


def tried(  # noqa: PLR0913 - as above
    history: History,
    connection: psycopg.Connection[Any],
    revision: Revision,
    look: Callable[[], None],
    *,
    downgrade: bool = False,
    terms: Terms = PLAIN,
) -> bool:
    """Run a revision on a scratch database, look at what it makes of it, and roll it back.

    Args:
        history: the history that it belongs to.
        connection: where it runs.
        revision: the revision, whose parents are applied there.
        look: called on the same connection at the end of the revision's transaction.
        downgrade: run its `downgrade` function.
        terms: what else the run needs, as those of `run`.

    Returns:
        Whether that was possible. A revision of several transactions cannot be rolled back; then
        nothing has happened. Nor has it where a revision fails that the project's own interpreter
        runs: there its statements ran on another driver than they would.

    Raises:
        MigrationError: the revision failed.

    """
    from limbeck.engine.progress import StoppedError  # noqa: PLC0415 - as above
    from limbeck.project.code.in_process import InProcess  # noqa: PLC0415 - as above

    looked: list[bool] = []

    def looking() -> None:
        look()
        looked.append(True)

    if isinstance(history.code, InProcess):
        with suppress(StoppedError):
            own = replace(terms, look=looking)
            run(history, connection, [revision], downgrade=downgrade, terms=own)
    else:
        from limbeck.engine import trial  # noqa: PLC0415 - most projects need no worker

        with suppress(Exception):
            trial.tried(history, connection, revision, looking, terms, downgrade=downgrade)
    return bool(looked)


def stamp(history: History, connection: psycopg.Connection[Any], to: str) -> None:
    """Set the version table to a revision without running anything."""
    from limbeck.engine import environment  # noqa: PLC0415 - as above

    ids = [revision.id for revision in history.find(to)]
    environment.stamp(connection, ids, version_table.of(history, connection))
