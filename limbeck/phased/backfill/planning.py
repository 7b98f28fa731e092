"""What has to be filled in on a database: a plan, made by looking only."""

from __future__ import annotations

from dataclasses import dataclass, field

from limbeck.engine import ledger, version_table
from limbeck.errors import ConfigurationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.phased.backfill import state
from limbeck.phased.backfill.state import State
from limbeck.phased.phases import Backfill, Change, changes
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project


@dataclass(frozen=True, slots=True)
class Task:
    """One backfill of a change that is not verified yet; `definition` is a hash of it.

    `state` is how far it is, None where it was not begun.
    """

    change: str
    number: int
    backfill: Backfill
    definition: str
    state: State | None = None

    def __str__(self) -> str:
        return f"{self.change}: {self.backfill.table} ({', '.join(self.backfill.columns)})"


@dataclass(frozen=True, slots=True)
class Plan:
    """The backfills that wait on one database, in their order; `done` are verified already."""

    environment: str
    destination: str
    protected: bool
    tasks: tuple[Task, ...]
    done: tuple[Task, ...]
    project: Project = field(repr=False, compare=False)
    database: Database = field(repr=False, compare=False)


def plan(
    project: Project,
    profile: Profile,
    database: Database,
    change: str | None = None,
    *,
    listen: Listener = log,
) -> Plan:
    """Return what has to be filled in, of one change or of all that are expanded there.

    Raises:
        ConfigurationError: there is no such change, or it is not expanded there.
        HistoryError: a revision file is broken, or the database's revision is in none.
        UnavailableError: no connection.

    """
    history = History.of(project, profile)
    known = changes(history.revisions())
    with connect(database, read_only=True, listen=listen) as connection:
        applied = {one.id for one in history.applied(version_table.current(history, connection))}
        open_ = [one for one in known if _is_open(one, applied)]
        if change is not None:
            open_ = [_chosen(known, applied, change, profile.name)]
        tasks = [task for one in open_ for task in _tasks(connection, one)]
    return Plan(
        environment=profile.name,
        destination=database.destination,
        protected=profile.protected,
        tasks=tuple(one for one, verified in tasks if not verified),
        done=tuple(one for one, verified in tasks if verified),
        project=project,
        database=database,
    )


def _is_open(change: Change, applied: set[str]) -> bool:
    contracted = change.contract is not None and change.contract.id in applied
    return change.expand is not None and change.expand.id in applied and not contracted


def _chosen(known: tuple[Change, ...], applied: set[str], name: str, environment: str) -> Change:
    found = next((one for one in known if one.name == name), None)
    if found is None or found.expand is None:
        names = ", ".join(one.name for one in known if one.expand)
        raise ConfigurationError(
            f"no revision expands a change {name}",
            hint=f"The changes are: {names}" if names else "There is none in the history.",
        )
    if found.expand.id not in applied:
        raise ConfigurationError(
            f"{environment}: {name} is not expanded there yet",
            hint=f"limbeck migrate -e {environment}",
        )
    if not _is_open(found, applied):
        raise ConfigurationError(
            f"{environment}: {name} is contracted there already, so nothing is to be filled in"
        )
    return found


def _tasks(connection: Connection, change: Change) -> list[tuple[Task, bool]]:
    found, states = ledger.read(connection), state.read(connection)
    verified = state.verified(change, found, states)
    return [
        (_task(change, number, state.definition(change, number, found), states), verified[number])
        for number in range(len(change.backfills))
    ]


def _task(change: Change, number: int, wanted: str, states: dict[tuple[str, int], State]) -> Task:
    known = states.get((change.name, number))
    same = known if known and known.definition == wanted else None
    return Task(change.name, number, change.backfills[number], wanted, same)
