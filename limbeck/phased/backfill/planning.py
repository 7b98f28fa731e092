"""Plans the backfills of a database; planning only reads."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
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
from limbeck.shell import command


@dataclass(frozen=True, slots=True)
class Task:
    """One backfill of a change; `definition` is a hash of what it does.

    `state` is its progress; None if it was not started.
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
    """The pending backfills of one database, in their order, and the verified ones (`done`)."""

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
    """Return the backfills of one change, or of all changes expanded on a database.

    Args:
        project: The project.
        profile: The environment.
        database: Its database.
        change: The name of a change; None for all.
        listen: Receives events of the connection.

    Raises:
        ConfigurationError: there is no such change, or it is not expanded there.
        HistoryError: a revision file is broken, or the database's revision is in none.
        UnavailableError: no connection.

    """
    history = History.of(project, profile)
    known = changes(history.revisions())
    with connect(database, read_only=True, listen=listen) as connection:
        current = version_table.current(history, connection)
        applied = {revision.id for revision in history.applied(current)}
        open_ = [each for each in known if _is_open(each, applied)]
        if change is not None:
            open_ = [_chosen(known, applied, change, profile.name)]
        tasks = [task for each in open_ for task in _tasks(connection, each)]
    return Plan(
        environment=profile.name,
        destination=database.destination,
        protected=profile.protected,
        tasks=tuple(task for task, verified in tasks if not verified),
        done=tuple(task for task, verified in tasks if verified),
        project=project,
        database=database,
    )


def _is_open(change: Change, applied: set[str]) -> bool:
    contracted = change.contract is not None and change.contract.id in applied
    return change.expand is not None and change.expand.id in applied and not contracted


def _chosen(known: tuple[Change, ...], applied: set[str], name: str, environment: str) -> Change:
    change = next((each for each in known if each.name == name), None)
    if change is None or change.expand is None:
        names = ", ".join(each.name for each in known if each.expand)
        raise ConfigurationError(
            f"no revision expands a change {name}",
            hint=f"Choose one of: {names}." if names else "The history has no expand revision.",
        )
    if change.expand.id not in applied:
        raise ConfigurationError(
            f"{environment}: {name} is not expanded there yet",
            hint=command("limbeck", "migrate", "-e", environment),
        )
    if not _is_open(change, applied):
        raise ConfigurationError(
            f"{environment}: {name} is contracted already; there is nothing to backfill"
        )
    return change


def _tasks(connection: Connection, change: Change) -> list[tuple[Task, bool]]:
    entries, states = ledger.read(connection), state.read(connection)
    verified = state.verified(change, entries, states)
    return [
        (_task(change, number, state.definition(change, number, entries), states), verified[number])
        for number in range(len(change.backfills))
    ]


def _task(change: Change, number: int, wanted: str, states: dict[tuple[str, int], State]) -> Task:
    known = states.get((change.name, number))
    same = known if known and known.definition == wanted else None
    return Task(change.name, number, change.backfills[number], wanted, same)
