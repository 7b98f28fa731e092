"""Compare a database with replays of its history, and with steps of a revision on the shadow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine import running
from limbeck.engine.batch import Statement, send_together
from limbeck.errors import MigrationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import Connection, connect
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.drift import named
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay, searched
from limbeck.shadow.shadow import Shadow
from limbeck.shell import command

# A body may name an object that is gone already.
UNCHECKED = "SET LOCAL check_function_bodies = off"


@dataclass(frozen=True, slots=True)
class Sides:
    """The ids in the version table without a revision and with it."""

    without: tuple[str, ...]
    with_it: tuple[str, ...]

    @classmethod
    def of(cls, history: History, current: Sequence[str], revision: Revision) -> Sides:
        """Return the sides of a revision on a database at the current ones."""
        known = {each.id for each in history.revisions()}
        applied = {each.id for each in history.applied([id_ for id_ in current if id_ in known])}
        return cls(history.tops(applied - {revision.id}), history.tops(applied | {revision.id}))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A database that is compared with replays of its history."""

    project: Project
    profile: Profile
    live: Catalog
    path: tuple[str, ...]
    listen: Listener

    @classmethod
    def of(
        cls, project: Project, profile: Profile, connection: Connection, listen: Listener
    ) -> Comparison:
        """Return the comparison for the database of a connection."""
        live = read(connection, filters=filters(project))
        return cls(project.on(live.major), profile, live, searched(connection), listen)

    def replay(self, ids: Sequence[str]) -> Replay:
        """Return the replay up to the revisions that a version table names."""
        to = ",".join(ids) or "base"
        return Replay(self.project, to, self.profile, self.listen, self.path)


@dataclass(frozen=True, slots=True)
class Bench:
    """Scratch databases on which a revision runs up to a step.

    `template` is as before the revision, or with `downgrade` as after it.
    """

    comparison: Comparison
    history: History
    revision: Revision
    template: str
    downgrade: bool = False

    @property
    def hint(self) -> str:
        """What to do by hand."""
        environment = self.comparison.profile.name
        repair = command("limbeck", "repair", "-e", environment, self.revision.id)
        return f"Complete the revision or take it back by hand. Then run `{repair}`."

    @contextmanager
    def stepped(self, steps: int) -> Iterator[Connection]:
        """Yield a connection to a database in which the first steps of the revision have run."""
        project, profile = self.comparison.project, self.comparison.profile
        shadow = Shadow.of(project, profile, listen=self.comparison.listen)
        with shadow.scratch(self.template) as database, connect(database) as connection:
            self.comparison.replay(()).take_path(connection, [self.revision])
            try:
                running.run_steps(
                    self.history, connection, self.revision, steps, downgrade=self.downgrade
                )
            except MigrationError as error:
                raise MigrationError(
                    f"the half of revision {self.revision} cannot be repeated on the shadow: "
                    f"{error.message}",
                    hint=self.hint,
                ) from error
            yield connection

    def after(self, steps: int) -> Catalog:
        """Return the schema after the first steps."""
        with self.stepped(steps) as connection:
            return self._read(connection)

    def has_run(self, steps: int) -> bool:
        """Return whether the database has what the statement after these steps makes."""
        further = self.after(steps + 1)
        new = {change.address for change in self.after(steps).changes_to(further)}
        return not within(self.comparison.live.changes_to(further), new)

    def prove(self, steps: int, statements: Sequence[str], wanted: Catalog) -> None:
        """Take the half back on a scratch database; MigrationError where something is left."""
        texts = [Statement(text) for text in ("BEGIN", UNCHECKED, *statements, "COMMIT")]
        with self.stepped(steps) as connection:
            try:
                send_together(connection, texts)
                rest = self._read(connection).changes_to(wanted)
            except psycopg.Error as error:
                reason = str(error)
            else:
                reason = named(rest)
        if reason:
            raise MigrationError(
                f"the half of revision {self.revision} cannot be taken back by itself: {reason}",
                hint=self.hint,
            )

    def _read(self, connection: Connection) -> Catalog:
        return read(connection, filters=filters(self.comparison.project))


def within(changes: Sequence[Change], addresses: Collection[Address]) -> tuple[Change, ...]:
    """Return the changes of some objects."""
    return tuple(change for change in changes if change.address in addresses)
