"""What was done to each environment, when, by whom and how long it took: `limbeck log`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, version_table
from limbeck.engine.ledger import Ledger
from limbeck.errors import DatabaseError, LimbeckError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.sql.quoting import quote

AT_ONCE = 8
"""How many environments are asked at the same time."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The ledger of one environment, and the rows of its version table.

    The ledger is empty where it could not be read: `problem` says why. `current` is None where
    nothing could be read.
    """

    environment: str
    destination: str = ""
    ledger: Ledger = Ledger()
    current: tuple[str, ...] | None = None
    problem: LimbeckError | None = None


def journals(
    project: Project, profiles: Sequence[Profile], *, listen: Listener = log
) -> tuple[Journal, ...]:
    """Return the journal of each environment, read side by side.

    One that cannot be read has a `problem` and does not hide the others.

    Raises:
        HistoryError: The revision files are broken.

    """
    # What is started on this machine for an environment, is started before a thread asks it.
    asking = [_asking(project, profile, listen) for profile in profiles]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(lambda function: function(), asking))


def _asking(project: Project, profile: Profile, listen: Listener) -> partial[Journal]:
    history = History.of(project, profile)
    try:
        database = urls.database(project, profile, listen)
    except LimbeckError as error:
        return partial(Journal, profile.name, problem=error)
    return partial(_read, profile, history, database, listen)


def _read(profile: Profile, history: History, database: Database, listen: Listener) -> Journal:
    try:
        with connect(database, read_only=True, listen=listen) as connection:
            current = version_table.recorded(connection, version_table.of(history, connection))
            entries = ledger.read(connection)
            problem = _hidden(connection) if entries.hidden else None
            return Journal(profile.name, database.destination, entries, current, problem)
    except LimbeckError as error:
        return Journal(profile.name, database.destination, problem=error)


def _hidden(connection: Connection) -> DatabaseError:
    role = quote(connection.info.user)
    return DatabaseError(
        f"the role {connection.info.user} may not read the ledger, limbeck_state.ledger",
        hint=f"GRANT USAGE ON SCHEMA limbeck_state TO {role}; "
        f"GRANT SELECT ON limbeck_state.ledger TO {role}",
    )
