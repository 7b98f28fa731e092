"""The revisions of a squash, the history around them, and scratch databases to run them on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from limbeck.dataclass import dataclass
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
class Context:
    """The revisions to replace and their history; `listen` receives the stages."""

    project: Project
    profile: Profile | None
    history: History
    line: Line
    listen: Listener

    def template(self, revision: str | None) -> str:
        """Return the name of a shadow database that is at a revision; None is before the first."""
        if revision is None and not self.line.on_tables:
            return "template0"
        return Replay(self.project, revision or "base", self.profile, self.listen).template()

    @property
    def shadow(self) -> Shadow:
        """The shadow that the revisions run on."""
        return Shadow.of(self.project, self.profile, listen=self.listen)

    @property
    def seeing_all(self) -> Project:
        """The project without filters and with grants, so that no object is lost unnoticed."""
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
    context: Context, revisions: Sequence[Revision], database: Database, *, downgrade: bool = False
) -> None:
    """Run revisions of the history on a scratch database, or downgrade them."""
    with connect(database) as connection:
        connection.execute("SET synchronous_commit = off")
        running.run(context.history, connection, revisions, downgrade=downgrade)


@contextmanager
def copy(context: Context, revision: str | None) -> Iterator[Database]:
    """Yield a scratch database that is at a revision; None is an empty one."""
    with context.shadow.scratch(context.template(revision)) as database:
        yield database


def catalog(context: Context, database: Database) -> Catalog:
    """Return the whole catalog of a database, without the filters of the project."""
    with connect(database) as connection:
        return read(connection, filters=filters(context.seeing_all))
