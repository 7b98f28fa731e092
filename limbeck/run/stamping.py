"""Mark a database as being at a revision, without running anything: `limbeck stamp`."""

from __future__ import annotations

from collections.abc import Callable

from limbeck.engine import ledger, pushes, running, version_table
from limbeck.engine.ledger import Ledger
from limbeck.errors import NotConfirmedError
from limbeck.events import Listener
from limbeck.history import code
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.lock import migration_lock
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.applying import WAIT


def stamp(  # noqa: PLR0913 - what, where, to which revision, and who agrees
    project: Project,
    profile: Profile,
    database: Database,
    to: str,
    *,
    confirm: Callable[[], bool],
    wait: float = WAIT,
    listen: Listener = log,
) -> tuple[str, ...]:
    """Mark a revision and all below it as applied, and all others as not applied.

    Args:
        project: the project, with its history.
        profile: the environment.
        database: its database.
        to: the revision, or "base".
        confirm: returns whether to go on.
        wait: seconds to wait for another migrator.
        listen: receives connection attempts and waits.

    Returns:
        The rows of the version table afterwards.

    Raises:
        NotConfirmedError: `confirm` returned False; nothing was done.
        HistoryError: an unknown revision.
        LockNotAcquiredError: another migrator did not finish in time.

    """
    history = History.of(project, profile)
    history.find(to)
    if not confirm():
        raise NotConfirmedError(f"not confirmed: {profile.name} is unchanged", hint="Add --yes.")
    with (
        connect(database, listen=listen) as connection,
        migration_lock(connection, wait=wait, listen=listen),
    ):
        mark(history, connection, to)
        return version_table.recorded(connection, version_table.of(history, connection))


def mark(history: History, connection: Connection, to: str) -> None:
    """Write a revision to the version table, and to the ledger if the database has one."""
    running.stamp(history, connection, to)
    entries = ledger.read(connection)
    if entries.exists:
        _record(history, connection, entries, to)


def _record(history: History, connection: Connection, entries: Ledger, to: str) -> None:
    target = [revision.id for revision in history.find(to)]
    below = {revision.id for revision in history.applied(target)}
    known = history.revisions()
    with connection.transaction():
        for id_ in entries.interrupted():
            _execute(connection, *ledger.forget(id_, entries.tenant))
        for statement in pushes.forgotten(entries):
            _execute(connection, statement.text, {})
        for id_ in history.deleted(entries.applied()):
            _execute(connection, *ledger.leave(id_, entries.tenant))
        for revision in known:
            applied = revision.id in entries.applied()
            if applied != (revision.id in below):
                action = "downgrade" if applied else "stamp"
                values = {"sql": code.checksum(revision.path)}
                about = ledger.about(revision, action, entries.tenant)
                _execute(connection, *ledger.finish(about, values, begun=False))


def _execute(connection: Connection, statement: str, values: dict[str, object]) -> None:
    connection.execute(statement.encode(), values)
