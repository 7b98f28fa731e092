"""Snapshots a branch before a contract, and restores it on `limbeck undo`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import UTC, datetime
from typing import Final, TypeAlias

import psycopg

from limbeck.branches.moment import Source
from limbeck.dataclass import dataclass
from limbeck.engine import version_table
from limbeck.errors import ConfigurationError, NotConfirmedError
from limbeck.events import Listener, StageStarted
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project import places
from limbeck.project.places import Place
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shell import command

_CREATE: Final = (
    "CREATE SCHEMA IF NOT EXISTS limbeck_state",
    """CREATE TABLE IF NOT EXISTS limbeck_state.kept (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    changes text[] NOT NULL,
    revisions text[] NOT NULL,
    kept timestamptz NOT NULL DEFAULT clock_timestamp()
)""",
)
_SESSIONS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'"""


@dataclass(frozen=True, slots=True)
class Undo:
    """A planned restore of a branch to its state before a contract.

    `snapshot` is the snapshot or branch that was created at `since`, at the revisions
    `current`. `revisions` are the revisions
    that are lost again, newest first; `sessions` is the number of connections that end. Data
    written since remains only on the branch `preserved`.
    """

    environment: str
    destination: str
    branch: str
    snapshot: str
    since: datetime
    changes: tuple[str, ...]
    current: tuple[str, ...]
    revisions: tuple[str, ...]
    sessions: int
    preserved: str
    place: Place = field(repr=False, compare=False)


Confirm: TypeAlias = Callable[[Undo], bool]
"""Takes the planned restore; returns whether to run it."""


def keep(
    place: Place,
    database: Database,
    changes: tuple[str, ...],
    *,
    listen: Listener = log,
) -> str:
    """Snapshot an environment's branch, record it in its database and return its name.

    Args:
        place: The branch.
        history: The revision files.
        database: The environment's database.
        changes: The names of the changes that are about to be contracted.
        listen: Receives events.

    Raises:
        BranchError: the provider of the branches refuses.
        UnavailableError: no connection.

    """
    now = datetime.now(UTC)
    listen(StageStarted(f"creating a snapshot of {place.branch} before the contract"))
    label = f"{place.branch} before contract {now:%Y-%m-%d %H:%M:%S}"
    name = place.provider.snapshot(place.branch, label)
    with connect(database, listen=listen) as connection:
        current = version_table.recorded(connection)
        with connection.transaction():
            for statement in _CREATE:
                connection.execute(statement.encode())
            connection.execute(
                "INSERT INTO limbeck_state.kept (name, changes, revisions) VALUES (%s, %s, %s)",
                [name, list(changes), list(current)],
            )
    return name


def plan(project: Project, profile: Profile, database: Database, *, listen: Listener = log) -> Undo:
    """Return the restore of the last snapshot; planning only reads.

    Raises:
        ConfigurationError: there is no snapshot, or the environment's branch is not known.
        UnavailableError: no connection.

    """
    wanted = last(
        project, profile, database, lambda: places.place(project, profile, listen), listen=listen
    )
    if wanted is None:
        raise ConfigurationError(
            f"{profile.name}: there is no snapshot from before a contract",
            hint="Roll the contract back: " + command("limbeck", "rollback", "-e", profile.name),
        )
    return wanted


def last(
    project: Project,
    profile: Profile,
    database: Database,
    place: Callable[[], Place],
    *,
    listen: Listener = log,
) -> Undo | None:
    """Return the restore of the last snapshot; None where there is none.

    Args:
        project: The project, with its history.
        profile: The environment.
        database: The database; it is only read.
        place: Returns its branch.
        listen: Receives events.

    Raises:
        UnavailableError: no connection.

    """
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
        snapshot = _last(connection)
        if snapshot is None:
            return None
        name, since, changes, former = snapshot
        current = version_table.current(history, connection)
        now = {revision.id for revision in history.applied(current)}
        then = {revision.id for revision in history.applied(former)}
        sessions = connection.execute(_SESSIONS).fetchone()
    home = place()
    lost = [each.id for each in reversed(history.revisions()) if each.id in now - then]
    return Undo(
        environment=profile.name,
        destination=database.destination,
        branch=home.branch,
        snapshot=name,
        since=since,
        changes=changes,
        current=former,
        revisions=tuple(lost),
        sessions=int(str(sessions[0])) if sessions else 0,
        preserved=f"{home.branch} undone {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        place=home,
    )


def undo(wanted: Undo, *, confirm: Confirm, listen: Listener = log) -> None:
    """Restore the snapshot; the current state is preserved as a branch.

    Raises:
        NotConfirmedError: `confirm` returned False; nothing was changed.
        BranchError: the provider of the branches refuses.

    """
    if not confirm(wanted):
        raise NotConfirmedError(
            f"not confirmed: {wanted.environment} is unchanged",
            hint=f"Type {wanted.environment}, or add --yes.",
        )
    listen(StageStarted(f"restoring {wanted.branch} from {wanted.snapshot}"))
    source = Source(wanted.snapshot)
    wanted.place.provider.restore(wanted.branch, source, preserve_under=wanted.preserved)


def _last(
    connection: Connection,
) -> tuple[str, datetime, tuple[str, ...], tuple[str, ...]] | None:
    try:
        row = connection.execute(
            "SELECT name, kept, changes, revisions FROM limbeck_state.kept"
            " ORDER BY id DESC LIMIT 1",
            binary=True,  # whatever the DateStyle of the database
        ).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None
    if row is None:
        return None
    name, since, changes, revisions = row
    return str(name), since, tuple(changes), tuple(revisions)  # type: ignore[return-value,arg-type]  # as the table has them
