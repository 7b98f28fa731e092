"""Try limbeck on a project: `limbeck init --try`, which writes nothing.

The history is replayed on the shadow, and compared with a database and with the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple, TypeAlias

from limbeck.branches.local import LocalBranches
from limbeck.dataclass import dataclass
from limbeck.engine import version_table
from limbeck.errors import (
    ConfigurationError,
    HistoryError,
    LimbeckError,
    MigrationError,
    SeveralHeadsError,
)
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project import servers as embedded
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.schema.diff.settling import Difference, differences
from limbeck.shadow import servers
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models
from limbeck.shadow.replay import USUAL_PATH, Replay, searched
from limbeck.shadow.settled import settle, without_ignored
from limbeck.shell import command

Side: TypeAlias = Literal["history", "database", "models"]
PRODUCTION: Final = "production"
"""The environment that stands for a URL: one of those for which `init` writes a profile."""


class Next(NamedTuple):
    """A command to type next, and what it does."""

    command: str
    effect: str


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one of the three questions of a trial.

    Args:
        problem: Why the question has no answer, or what is wrong beside it.
        sides: What was compared, if it could be.
        differences: What the second side has different from the first.
        next: Commands for what was found.

    """

    problem: LimbeckError | None = None
    sides: tuple[Side, Side] | None = None
    differences: tuple[Difference, ...] = ()
    next: tuple[Next, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong or different."""
        return self.problem is None and not self.differences and not self.next


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is in the history.

    Args:
        destination: Its address, without the password.
        current: The rows of its version table; None if they could not be read.
        behind: The number of revisions that it lacks.
        compared: The revisions with which it was compared; those of the head if it has no row.

    """

    destination: str
    current: tuple[str, ...] | None = None
    behind: int = 0
    compared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """The three answers of a trial; `database` is None where none was named."""

    revisions: int
    history: Part
    models: Part
    database: Part | None = None
    place: Place | None = None

    @property
    def agrees(self) -> bool:
        """Whether all of it agrees."""
        parts = (self.history, self.models, self.database)
        return all(part is None or part.agrees for part in parts)


@dataclass(frozen=True, slots=True)
class _Live:
    """What a database holds; `path` is its search path."""

    catalog: Catalog
    current: tuple[str, ...]
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What the three questions share; `environment` is the name for the next commands."""

    project: Project
    profile: Profile | None
    environment: str
    listen: Listener

    @property
    def recorded(self) -> History:
        """The history of the project, or of the environment."""
        return History.of(self.project, self.profile)

    def replay(self, revision: str, path: tuple[str, ...] = USUAL_PATH) -> Catalog:
        """Return what the history makes."""
        return Replay(self.project, revision, self.profile, self.listen, path).catalog()

    def typed(self, *words: str) -> str:
        """Return a command for the environment."""
        return command("limbeck", words[0], "-e", self.environment, *words[1:])


def attempt(
    project: Project,
    profile: Profile | None = None,
    database: Database | None = None,
    *,
    listen: Listener = log,
) -> Trial:
    """Compare the history of a project with a database and with the models.

    Args:
        project: The project, whose own files limbeck may write (`project.apart`).
        profile: The environment, if there is one.
        database: A database that the history has made; it is only read.
        listen: Receives the stages.

    Raises:
        HistoryError: The revision files are broken.

    """
    name = profile.name if profile else PRODUCTION
    shared = _Attempt(project, profile, name, listen)
    revisions = shared.recorded.revisions()
    live, unread = _asked(shared, database)
    if live is not None and unread is None:
        shared = replace(shared, project=project.on(live.catalog.major))
    head, history = _history(shared, live)
    if database is None:
        return Trial(len(revisions), history, _models(shared, head, None))
    place, part = _database(shared, database, live, unread)
    if part.sides and history.next and isinstance(history.problem, MigrationError):
        # The history comes to where the database is, and fails in a revision after that.
        history = replace(history, next=())
    return Trial(len(revisions), history, _models(shared, head, live), part, place)


def find(project: Project, name: str, listen: Listener = log) -> tuple[Profile, Database]:
    """Return an environment and its database; nothing is started or created for it.

    Without profiles in the project, the name leads to DATABASE_URL_NAME.

    Raises:
        ConfigurationError: there is no such environment, no URL, or no such branch yet.

    """
    known = project.profiles()
    profile = project.profile(name) if known else Profile(name, name, protected=True)
    if not urls.find_url(project, profile).local:
        return profile, urls.database(project, profile, listen)
    server = embedded.local(project, profile)
    if not server.running():
        raise ConfigurationError(
            f"{name} is a branch on this machine, and its server does not run",
            hint="limbeck local start",
        )
    return profile, urls.timed(profile, LocalBranches(server, listen).url(profile.branch), listen)


def _asked(shared: _Attempt, database: Database | None) -> tuple[_Live | None, LimbeckError | None]:
    """Return what the database holds, and why it cannot be compared."""
    if database is None:
        return None, None
    try:
        shown = filters(shared.project)  # runs env.py on the shadow, if it has to run
        with connect(database, read_only=True, listen=shared.listen) as connection:
            table = version_table.of(shared.recorded, connection)
            current = version_table.recorded(connection, table)
            live = _Live(read(connection, filters=shown), current, searched(connection))
    except LimbeckError as error:
        return None, error
    try:
        servers.choose(shared.project.on(live.catalog.major), shared.profile)
    except LimbeckError as error:  # no server of this major on the machine
        return live, error
    return live, None


def _history(shared: _Attempt, live: _Live | None) -> tuple[Catalog | None, Part]:
    """Return what the history makes of an empty database."""
    several: SeveralHeadsError | None = None
    try:
        shared.recorded.find("head")
    except SeveralHeadsError as error:
        several = error
    try:
        catalog = shared.replay("heads")
    except MigrationError as error:
        at = (",".join(live.current) or "base") if live else "REV"
        keep = ("--from-environment", shared.environment, "--at", at)
        baseline = command("limbeck", "baseline", *keep)
        effect = "keeps the schema that the history starts from, for replays"
        return None, Part(error, next=(Next(baseline, effect),))
    except LimbeckError as error:
        return None, Part(error)
    if several is not None:
        merge = Next("limbeck merge", "joins the heads")
        return catalog, Part(SeveralHeadsError(several.message), next=(merge,))
    return catalog, Part()


def _database(
    shared: _Attempt, database: Database, live: _Live | None, unread: LimbeckError | None
) -> tuple[Place, Part]:
    """Return how a database differs from what the history makes up to where the database is."""
    place = Place(database.destination)
    if live is None:
        return place, Part(unread)
    history = shared.recorded
    place = replace(place, current=live.current, compared=live.current)
    known = {each.id for each in history.revisions()}
    if unknown := [id_ for id_ in live.current if id_ not in known]:
        return place, Part(_unknown(unknown), next=(_search(unknown[0]),))
    place = replace(place, behind=len(history.pending(live.current)))
    unversioned = not live.current and bool(live.catalog.objects) and bool(known)
    if unversioned:  # made by the whole history, or by something else
        place = replace(place, compared=tuple(head.id for head in history.heads()))
    if unread is not None:
        return place, Part(unread)
    try:
        recorded = shared.replay(",".join(place.compared) or "base", live.path)
    except MigrationError:  # it is the first answer
        return place, Part(MigrationError("the history does not run up to its revision"))
    except LimbeckError as error:
        return place, Part(error)
    shown = without_ignored(shared.project, recorded, live.catalog)
    changes = differences(recorded, shown)
    steps = _steps(shared, changes, unversioned=unversioned)
    return place, Part(None, ("history", "database"), changes, steps)


def _steps(
    shared: _Attempt, changes: Sequence[Difference], *, unversioned: bool
) -> tuple[Next, ...]:
    """Return the commands for a database that is not what the history makes."""
    if unversioned and not changes:
        stamp = shared.typed("stamp", "heads" if len(shared.recorded.heads()) > 1 else "head")
        return (Next(stamp, "records that the database has all revisions"),)
    if unversioned:
        stamp = shared.typed("stamp", "REV")
        return (Next(stamp, "records the revision that the database has come to"),)
    pull = Next(shared.typed("pull"), "takes it into the models; exclude-tables leaves tables out")
    return (pull,) if changes else ()


def _models(shared: _Attempt, recorded: Catalog | None, live: _Live | None) -> Part:
    """Return how the models differ from what the history makes, or else from the database."""
    side: Side = "history" if recorded is not None else "database"
    before = recorded if recorded is not None else live.catalog if live else None
    try:
        models = Models(shared.project, shared.profile, shared.listen).catalog()
    except LimbeckError as error:
        return Part(error)
    if before is None:
        return Part()
    changes = differences(before, settle(shared.project, before, models).catalog)
    generate = shared.profile.generate if shared.profile else "limbeck generate"
    steps = (
        Next(generate, "writes the revision"),
        Next("limbeck accept", "leaves the differences as they are"),
    )
    # Beside a database, the history has to run first: the first answer names the command.
    return Part(None, (side, "models"), changes, steps if changes and side == "history" else ())


def _unknown(ids: Sequence[str]) -> HistoryError:
    return HistoryError(f"the database is at revision {', '.join(ids)}, which no file has")


def _search(id_: str) -> Next:
    return Next(command("git", "log", "--all", "--", f"*{id_}*"), "looks for the file")
