"""What a squash works with: the line, the history around it, and scratch databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from limbeck.engine import running
from limbeck.events import Listener
from limbeck.generate.squash.line import Line
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow


@dataclass(frozen=True, slots=True)
class Work:
    """The line of a history, and whom to tell the stages."""

    project: Project
    profile: Profile | None
    history: History
    line: Line
    listen: Listener

    def template(self, revision: str | None) -> str:
        """The name of a database on the shadow that is at a revision; None is before the first."""
        if revision is None:
            return "template0"
        return Replay(self.project, revision, self.profile, self.listen).template()

    @property
    def shadow(self) -> Shadow:
        """Where all of it is tried."""
        return Shadow.of(self.project, self.profile, listen=self.listen)

    @property
    def seeing_all(self) -> Project:
        """The project as if it looked at everything: nothing may get lost unseen."""
        empty: tuple[str, ...] = ()
        return replace(
            self.project,
            include_schemas=empty,
            exclude_schemas=empty,
            include_tables=empty,
            exclude_tables=empty,
            grants=True,
        )


def run(
    work: Work, revisions: Sequence[Revision], database: Database, *, downgrade: bool = False
) -> None:
    """Run revisions of the history on a scratch database, or take them back."""
    with connect(database) as connection:
        connection.execute("SET synchronous_commit = off")
        running.run(work.history, connection, revisions, downgrade=downgrade)


@contextmanager
def copy(work: Work, revision: str | None) -> Iterator[Database]:
    """Give a scratch database that is at a revision; None is an empty one."""
    with work.shadow.scratch(work.template(revision)) as database:
        yield database


def catalog(work: Work, database: Database) -> Catalog:
    """Read all of a database, whatever the project looks at."""
    with connect(database) as connection:
        return read(connection, filters=filters(work.seeing_all))
