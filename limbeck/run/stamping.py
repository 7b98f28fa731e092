"""Write down that a database is at a revision, without running anything."""

from __future__ import annotations

from collections.abc import Callable

from limbeck.engine import ledger, offline, running, statements, version_table
from limbeck.engine.ledger import Ledger
from limbeck.errors import NotConfirmedError
from limbeck.events import Listener
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
    """Mark a revision and all below it as applied, all others as not; return what it is at.

    Raises:
        NotConfirmedError: confirm said no; nothing was done.
        HistoryError: an unknown revision.
        LockNotAcquiredError: a migrator is at work.

    """
    history = History.of(project, profile)
    history.find(to)
    if not confirm():
        raise NotConfirmedError(f"not confirmed: {profile.name} is as it was", hint="Give --yes.")
    with (
        connect(database, listen=listen) as connection,
        migration_lock(connection, wait=wait, listen=listen),
    ):
        mark(history, connection, to)
        return version_table.recorded(connection)


def mark(history: History, connection: Connection, to: str) -> None:
    """Let the version table and the ledger say that a database is at a revision."""
    running.stamp(history, connection, to)
    found = ledger.read(connection)
    if found.exists:
        _write_down(history, connection, found, to)


def _write_down(history: History, connection: Connection, found: Ledger, to: str) -> None:
    below = {one.id for one in history.applied([one.id for one in history.find(to)])}
    known = history.revisions()
    texts = dict(zip((one.id for one in known), offline.sql(history, known), strict=True))
    with connection.transaction():
        for id_ in found.interrupted():
            _execute(connection, *ledger.forget(id_))
        for id_ in history.deleted(found.applied()):
            _execute(connection, *ledger.leave(id_))
        for one in known:
            applied = one.id in found.applied()
            if applied != (one.id in below):
                action = "downgrade" if applied else "stamp"
                values = {"sql": statements.checksum([texts[one.id]])}
                _execute(connection, *ledger.finish(one, action, values, begun=False))


def _execute(connection: Connection, statement: str, values: dict[str, object]) -> None:
    connection.execute(statement.encode(), values)
