"""What a branch was just before a contract is kept, and brought back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

import psycopg

from limbeck.branches.moment import Source
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
    """A return to what a branch was just before a contract; nothing has been done yet.

    `kept` is the branch or snapshot, made at `since`. `revisions` are those that go again, newest
    first, `sessions` the connections that end. What was written since is then on the branch
    `preserved` only.
    """

    environment: str
    destination: str
    branch: str
    kept: str
    since: datetime
    changes: tuple[str, ...]
    revisions: tuple[str, ...]
    sessions: int
    preserved: str
    place: Place = field(repr=False, compare=False)


Confirm: TypeAlias = Callable[[Undo], bool]
"""Told what would be done, says whether to go on."""


def keep(
    place: Place,
    database: Database,
    changes: tuple[str, ...],
    *,
    listen: Listener = log,
) -> str:
    """Keep what an environment's branch is now, and note it in its database; return the name.

    Raises:
        BranchError: the place of the branches refuses.
        UnavailableError: no connection.

    """
    now = datetime.now(UTC)
    listen(StageStarted(f"keeping what {place.branch} is before the contract"))
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
    """Return what a return to the branch kept last would do; it is only read.

    Raises:
        ConfigurationError: nothing was kept, or nothing is known of the environment's branch.
        UnavailableError: no connection.

    """
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
        found = _kept(connection)
        if found is None:
            raise ConfigurationError(
                f"{profile.name}: nothing was kept there before a contract",
                hint=f"limbeck rollback -e {profile.name} takes the contract revision back.",
            )
        name, since, changes, former = found
        now = {one.id for one in history.applied(version_table.current(history, connection))}
        then = {one.id for one in history.applied(former)}
        sessions = connection.execute(_SESSIONS).fetchone()
    place = places.place(project, profile, listen)
    gone = [one.id for one in reversed(history.revisions()) if one.id in now - then]
    return Undo(
        environment=profile.name,
        destination=database.destination,
        branch=place.branch,
        kept=name,
        since=since,
        changes=changes,
        revisions=tuple(gone),
        sessions=int(str(sessions[0])) if sessions else 0,
        preserved=f"{place.branch} undone {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        place=place,
    )


def undo(wanted: Undo, *, confirm: Confirm, listen: Listener = log) -> None:
    """Bring back what was kept; what is there now stays as a branch of its own.

    Raises:
        NotConfirmedError: confirm said no; nothing was done.
        BranchError: the place of the branches refuses.

    """
    if not confirm(wanted):
        raise NotConfirmedError(
            f"not confirmed: {wanted.environment} is as it was", hint="Answer yes, or give --yes."
        )
    listen(StageStarted(f"restoring {wanted.branch} from {wanted.kept}"))
    source = Source(wanted.kept)
    wanted.place.provider.restore(wanted.branch, source, preserve_under=wanted.preserved)


def _kept(
    connection: Connection,
) -> tuple[str, datetime, tuple[str, ...], tuple[str, ...]] | None:
    try:
        row = connection.execute(
            "SELECT name, kept, changes, revisions FROM limbeck_state.kept ORDER BY id DESC LIMIT 1"
        ).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None
    if row is None:
        return None
    name, kept, changes, revisions = row
    return str(name), kept, tuple(changes), tuple(revisions)  # type: ignore[return-value,arg-type]  # as the table has them
