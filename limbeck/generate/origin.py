"""Keep the schema that a history starts from, read from an environment: `limbeck baseline`."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, version_table
from limbeck.errors import CheckFailedError, ConfigurationError
from limbeck.events import Listener, Notice, StageStarted
from limbeck.history import baseline as baselines
from limbeck.history.baseline import Baseline
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.paths import shown
from limbeck.plurals import counted
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.drift import named
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.shadow.baselines import create
from limbeck.shadow.filters import filters
from limbeck.shadow.shadow import Shadow
from limbeck.shell import command


@dataclass(frozen=True, slots=True)
class Origin:
    """The baseline that was written, and how many tables it has.

    `covered` is how many revisions it contains; `following` is how many are replayed on it.
    """

    baseline: Baseline
    tables: int
    covered: int
    following: int


class _Task(NamedTuple):
    """The project and the environment whose schema is written."""

    project: Project
    profile: Profile
    history: History
    listen: Listener


class _Read(NamedTuple):
    """What a database has: its schema, the version of its server, and its revisions."""

    catalog: Catalog
    server: str
    current: tuple[str, ...]


def keep(
    project: Project,
    profile: Profile,
    *,
    at: str | None = None,
    force: bool = False,
    listen: Listener = log,
) -> Origin:
    """Write the schema of an environment as the baseline of its history.

    The SQL is tried out on the shadow before the file is written. The database is only read.

    Args:
        project: The project, with its history.
        profile: The environment, which is at the revision.
        at: The revision; by default the one that the environment is at. "base" is the schema before
            the first revision.
        force: Replace a baseline that is there already.
        listen: Receives the stages.

    Raises:
        ConfigurationError: There is a baseline, or the environment has no revision and `at` is not
            "base".
        CheckFailedError: The environment is at another revision, or in the middle of one.
        MigrationError: The SQL does not run on an empty database.
        UnavailableError: No connection.

    """
    history = History.of(project, profile)
    file = baselines.path(history)
    if file.exists() and not force:
        raise ConfigurationError(
            f"{shown(file)} exists already", hint="To write it again, add --force."
        )
    database = urls.database(project, profile, listen)
    listen(StageStarted(f"reading {profile.name}"))
    with connect(database, read_only=True, listen=listen) as connection:
        present = _read(_Task(project, profile, history, listen), connection, at)
    beside = project.on(present.catalog.major)  # majors print some definitions differently
    with Shadow.of(beside, profile, listen=listen).scratch(untrusted=listen) as scratch:
        baseline = _tried_out(_Task(beside, profile, history, listen), scratch, present)
    baseline.write()
    covered = len(history.applied(present.current))
    tables = sum(1 for _ in present.catalog.every(Table))
    return Origin(baseline, tables, covered, len(history.revisions()) - covered)


def _read(task: _Task, connection: Connection, at: str | None) -> _Read:
    project, profile, history, _ = task
    current = version_table.current(history, connection)
    _refuse_other(profile, history, current, at)
    if begun := ledger.read(connection).interrupted():
        raise CheckFailedError(
            f"{profile.name} is in the middle of revision {', '.join(begun)}",
            hint=f"Finish it first: {command('limbeck', 'migrate', '-e', profile.name)}",
        )
    server = str(connection.info.parameter_status("server_version"))
    return _Read(read(connection, filters=_everything(project)), server, current)


def _refuse_other(
    profile: Profile, history: History, current: tuple[str, ...], at: str | None
) -> None:
    """Raise an error unless the environment is at the revision that was asked for."""
    if at is None and not current and history.revisions():
        base = command("limbeck", "baseline", "--from-environment", profile.name, "--at", "base")
        raise ConfigurationError(
            f"{profile.name} is at no revision",
            hint=f"If its schema is the one before the first revision: {base}. If it has the "
            f"schema of a revision: {command('limbeck', 'stamp', '-e', profile.name, 'REV')}",
        )
    if at is None:
        return
    wanted = history.tops(each.id for each in history.applied([r.id for r in history.find(at)]))
    if set(wanted) == set(current):
        return
    here = ", ".join(current) or "no revision"
    raise CheckFailedError(
        f"{profile.name} is at {here}, not at {', '.join(wanted) or 'base'}: its schema is not the "
        "one that was asked for; nothing was written",
        hint="Leave --at out to start from the revision that it is at, or name an environment "
        "(a restored backup, for example) that is at this one.",
    )


def _everything(project: Project) -> Filters:
    """Return filters that leave nothing out: a revision may use what the models do not cover."""
    return replace(
        filters(project),
        schemas=("*",),
        ignore_schemas=(),
        tables=("*",),
        ignore=(),
        allowed=None,
    )


def _sql(before: Catalog, after: Catalog) -> str:
    return "".join(f"{step.sql};\n" for step in compare.steps(before, after))


def _tried_out(task: _Task, scratch: Database, present: _Read) -> Baseline:
    """Return the baseline of what a database has, after it ran on an empty one."""
    task.listen(StageStarted("trying it out on the shadow"))
    everything = _everything(task.project)
    with connect(scratch) as connection:
        empty = read(connection, filters=everything)
        file, sql = baselines.path(task.history), _sql(empty, present.catalog)
        baseline = Baseline(file, present.current, task.profile.name, present.server, sql)
        create(task.history, connection, baseline, scratch=task.listen)
        changes = read(connection, filters=everything).changes_to(present.catalog)
    if changes:
        differences = counted(len(changes), "difference")
        text = f"{differences} from {task.profile.name} on an empty database: {named(changes)}"
        task.listen(Notice(text))
    return baseline
