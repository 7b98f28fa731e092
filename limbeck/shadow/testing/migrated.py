"""A database on which a test runs one revision: rows before it, assertions after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from limbeck.dataclass import dataclass
from limbeck.engine import running, version_table
from limbeck.errors import HistoryError
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow

if TYPE_CHECKING:
    from limbeck.history.revisions import Revision
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project


@dataclass(frozen=True, slots=True)
class Migrated:
    """A database that is one revision, `to`, short of having it.

    Only `to` and `database` are for tests; `history` is where the revision comes from.
    """

    to: Revision
    database: Database
    history: History

    @property
    def url(self) -> str:
        """The URL for create_engine and create_async_engine, with psycopg."""
        return self.database.url.replace("postgresql://", "postgresql+psycopg://", 1)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute SQL in a transaction of its own, and return its rows.

        Args:
            sql: One statement, or several without parameters; %s stands for a parameter.
            parameters: Their values.

        """
        with connect(self.database) as connection:
            cursor = connection.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def upgrade(self) -> None:
        """Run the revision.

        Raises:
            HistoryError: It is applied already.
            MigrationError: It failed.

        """
        self._run(downgrade=False)

    def downgrade(self) -> None:
        """Run its downgrade.

        Raises:
            HistoryError: It is not applied.
            MigrationError: It failed.

        """
        self._run(downgrade=True)

    def _run(self, *, downgrade: bool) -> None:
        with connect(self.database) as connection:
            applied = version_table.current(self.history, connection)
            if (self.to.id in applied) is not downgrade:
                state = "not applied" if downgrade else "applied already"
                raise HistoryError(f"revision {self.to} is {state} in this database")
            running.run(self.history, connection, [self.to], downgrade=downgrade)


class MigratedTo(Protocol):
    """The fixture `limbeck_migrated`: a function that returns the database of a revision."""

    def __call__(self, *, to: str) -> Migrated:
        """Return a database on which every revision before `to` has run, and no other.

        Args:
            to: A revision's id or the beginning of it, or "head".

        """


@contextmanager
def migrated(project: Project, profile: Profile | None, to: str) -> Iterator[Migrated]:
    """Yield a copy of the cached replay of what comes before a revision; it is dropped afterwards.

    Raises:
        HistoryError: There is no such revision.
        MigrationError: The revisions before it do not run.

    """
    history = History.of(project, profile)
    revisions = history.find(to)
    if len(revisions) != 1:
        raise HistoryError(f"{to} is not one revision", hint="Name the id of a revision.")
    revision = revisions[0]
    with Shadow.of(project, profile).opened() as shadow:
        before = ",".join(revision.parents) or "base"
        replay = Replay(project, before, profile, opened=shadow)
        with shadow.scratch(replay.template()) as database:
            yield Migrated(revision, database, history)
