"""Answer the questions of the pages, by the functions that the commands call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import field, replace
from threading import RLock
from typing import TYPE_CHECKING, Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, DatabaseError, LimbeckError, UnknownProfileError
from limbeck.events import Event, Listener, Notice
from limbeck.logs import log
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project import urls
from limbeck.project.code import process
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run import environments, hazards, places, planning, revealing
from limbeck.run.hooks import Hooks
from limbeck.run.places import Moment
from limbeck.run.plan import Plan
from limbeck.run.revealing import Revealed
from limbeck.run.status import Status
from limbeck.schema.diagram import Diagram, diagram
from limbeck.schema.diff import compare, recreated
from limbeck.schema.diff.script import script
from limbeck.schema.diff.steps import Step
from limbeck.shadow import source as sources
from limbeck.shadow.filters import filters
from limbeck.shadow.source import Source
from limbeck.studio import described, readings, rows
from limbeck.studio.described import Described
from limbeck.studio.readings import Reading
from limbeck.studio.rows import Filter, Rows

if TYPE_CHECKING:
    from limbeck.lint.linting import Report

PATIENCE: Final = "30s"
"""The statement timeout of every session with an environment."""
SOON: Final = 5.0
"""Seconds that a page waits for an environment to answer; a compute of Neon starts in less."""
MADE: Final = ("models", "head")
"""The sources that are no environment; any revision is one, too."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of `migrate` for an environment, its hazards, and what limbeck remarks on it."""

    plan: Plan
    hazards: Report | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The steps from one source to another, as `diff` shows them, and the picture."""

    before: str
    after: str
    steps: tuple[Step, ...]
    sql: str
    diagram: Diagram


@dataclass(frozen=True, slots=True)
class Desk:
    """A project, and the environments of it that are shown: those named, or all.

    The pages are asked for by several threads, and the project's code runs in one at a time.
    """

    project: Project
    names: tuple[str, ...] = ()
    listen: Listener = log
    _lock: RLock = field(default_factory=RLock, compare=False, repr=False)
    _readings: dict[str, Reading] = field(default_factory=dict, compare=False, repr=False)

    def profiles(self) -> tuple[Profile, ...]:
        """Return the environments, each with a statement timeout."""
        profiles = self.project.profiles()
        shown = [each for each in profiles if not self.names or each.name in self.names]
        return tuple(replace(each, statement_timeout=PATIENCE) for each in shown)

    def profile(self, name: str) -> Profile:
        """Return one of the environments.

        Raises:
            UnknownProfileError: It is not shown.

        """
        profiles = {each.name: each for each in self.profiles()}
        if name not in profiles:
            raise UnknownProfileError(
                f"there is no environment {name} here", hint=f"Shown are {', '.join(profiles)}."
            )
        return profiles[name]

    @property
    def first(self) -> str:
        """The source that is shown until another one is chosen."""
        names = [each.name for each in self.profiles()]
        default = self.project.default_environment
        return default if default in names else next(iter(names), "models")

    def sources(self) -> tuple[str, ...]:
        """Return the names of the sources to choose from; a revision is one, too."""
        return (*(each.name for each in self.profiles()), *MADE)

    def environments(self) -> tuple[Status, ...]:
        """Return the state of each environment, as `status` shows it."""
        profiles = self.profiles()
        project = self._reached(profiles)
        with self._lock:
            return environments.status(project, profiles, listen=self.listen)

    def timeline(self) -> tuple[Moment, ...]:
        """Return the revisions, newest first, and where they are applied."""
        profiles = self.profiles()
        project = self._reached(profiles)
        with self._lock:
            return places.timeline(project, profiles, self.listen)

    def revision(self, name: str, own: str | None = None, *, asked: bool = True) -> Revealed:
        """Return what is known about a revision, as `show` shows it.

        Args:
            name: Its id.
            own: An environment that keeps a history of its own, which has the revision.
            asked: Whether to ask the environments whether they hold it.

        """
        profile = self.profile(own) if own else None
        asking = ((profile,) if profile else self.profiles()) if asked else ()
        project = self._reached(asking)
        with self._lock:
            return revealing.reveal(project, name, asking, own=profile, listen=self.listen)

    def plan(self, name: str) -> Planned:
        """Return the plan of `migrate` for an environment, with its hazards."""
        notices: list[str] = []

        def listen(event: Event) -> None:
            if isinstance(event, Notice):
                notices.append(event.text)
            self.listen(event)

        profile = self.profile(name)
        project = self._reached([profile])
        with self._lock:
            database = urls.database(project, profile, listen)
            hooks = Hooks.of(project)
            plan = planning.plan(project, profile, database, hooks=hooks, listen=listen)
            report = hazards.look(plan, listen) if plan.revisions else None
        return Planned(plan, report, tuple(dict.fromkeys(notices)))

    def reading(self, name: str) -> Reading:
        """Return the schema of a source; a live one with its privileges and sizes."""
        with self._lock:
            if not self.is_live(name):
                return Reading(self._source(self.project, name).catalog())
            database = urls.database(self.project, self.profile(name), self.listen)
            wanted = replace(filters(self.project), grants=True)
        with explained(name), self.session(database) as connection:
            reading = readings.read(connection, wanted, self._readings.get(name))
        self._readings[name] = reading
        return reading

    def table(self, name: str, schema: str, table: str) -> tuple[Described, Reading]:
        """Return a table of a source.

        Raises:
            ConfigurationError: There is no such table.

        """
        reading = self.reading(name)
        if (owner := described.table(reading.catalog, schema, table)) is None:
            raise ConfigurationError(f"{name} has no table {schema}.{table}")
        return owner, reading

    def rows(self, name: str, table: Described, wanted: Filter, start: int) -> Rows:
        """Return rows of a table of an environment, without what the setting `mask` hides."""
        masked = rows.masked_columns(self.project.mask, table.columns)
        with self._lock:
            database = urls.database(self.project, self.profile(name), self.listen)
        # The rows that the role may see: nothing is counted or decided by them.
        with explained(name), self.session(replace(database, row_security=None)) as connection:
            return rows.read(connection, table, masked, wanted, start)

    def reached(self) -> Desk:
        """Return a desk that does not ask those environments again that do not answer now."""
        return replace(self, project=self._reached(self.profiles()))

    def _reached(self, profiles: Sequence[Profile]) -> Project:
        """Return the project, which knows those of some environments that do not answer.

        That is found out before the lock is held: one that keeps silent holds up no other page.
        """
        if not profiles:
            return self.project
        with ThreadPoolExecutor(environments.AT_ONCE) as pool:
            errors = list(pool.map(self._absence, profiles))
        absent = {each.name: error for each, error in zip(profiles, errors, strict=True) if error}
        return replace(self.project, absent={**self.project.absent, **absent})

    def _absence(self, profile: Profile) -> LimbeckError | None:
        try:
            with self._lock:
                database = urls.database(self.project, profile, self.listen)
            with self.session(database):
                return None
        except LimbeckError as error:
            return error

    def session(self, database: Database) -> AbstractContextManager[Connection]:
        """Return a read-only session with the database of an environment."""
        return connect(replace(database, patience=SOON), read_only=True, listen=self.listen)

    def difference(self, before: str, after: str) -> Difference:
        """Return what turns one source into another, as `diff` shows it."""
        live = [self.profile(each) for each in (before, after) if self.is_live(each)]
        project = self._reached(live)
        with self._lock:
            named = self._source(project, before), self._source(project, after)
            first, second = sources.catalogs(*named)
            steps = tuple(compare.steps(first, second, ()))
            whole = recreated.preserving(steps, first, second, ())
        return Difference(before, after, steps, script(whole), diagram(second, first))

    def is_live(self, name: str) -> bool:
        """Return whether a source is an environment."""
        return name in {each.name for each in self.profiles()}

    def _source(self, project: Project, name: str) -> Source:
        """Return a source by its name; an address of a database is none here.

        Raises:
            ConfigurationError: There is no such source.

        """
        if self.is_live(name):
            return sources.live(project, self.profile(name), self.listen)
        if "://" in name or name in {each.name for each in self.project.profiles()}:
            raise ConfigurationError(
                f"{name} is not shown here", hint=f"Choose one of {', '.join(self.sources())}."
            )
        if name == "models" and project.afresh:
            process.end_all()  # a worker has imported them as they were before
        return sources.parse(project, name, self.listen)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Raise what Postgres refuses inside of the block as an error with the environment's name."""
    try:
        yield
    except psycopg.Error as error:
        message = error.diag.message_primary or str(error)
        raise DatabaseError(f"{name}: {message}") from error
