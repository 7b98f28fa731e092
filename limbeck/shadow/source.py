"""What can be compared with what, and how it is written on a command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from limbeck.errors import ConfigurationError, HistoryError
from limbeck.events import Listener, Notice, ignore
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters

if TYPE_CHECKING:
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.shadow.replay import Replay

# No profile says how long a statement may take in the database of a bare URL; its own options can.
LONGEST = "5min"


class Source(Protocol):
    """Something that has a schema; as a string it is the name that people gave it."""

    def catalog(self) -> Catalog:
        """Read the schema."""


@dataclass(frozen=True, slots=True)
class Live:
    """A database as it is now; it is only read, and with `near` as people spell expressions.

    `meanwhile` is something to do while the server is busy with the first questions.
    """

    database: Database
    kept: Filters = EVERYTHING
    listen: Listener = field(default=ignore, compare=False, repr=False)
    near: bool = False
    meanwhile: Callable[[], object] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.database.name

    def catalog(self) -> Catalog:
        """Read the database through a read-only connection.

        Raises:
            UnavailableError: no connection.

        """
        with connect(self.database, read_only=True, listen=self.listen) as connection:
            found = read(
                connection, filters=self.kept, with_near=self.near, meanwhile=self.meanwhile
            )
            user = connection.info.user
        if found.unreadable:
            names = ", ".join(found.unreadable)
            self.listen(Notice(f"{self}: role {user} may not read {names}; left out"))
        return found


def parse(
    project: Project | None, text: str, listen: Listener = ignore, *, grants: bool = False
) -> Source:
    """Return what `models`, `head`, `base`, a revision, an environment or a URL means.

    An environment comes before a revision whose id begins the same. A URL needs no project.
    `grants` reads privileges, whatever the project says.

    Raises:
        ConfigurationError: none of these, or a project is needed and there is none.

    """
    if project is not None and grants:
        project = replace(project, grants=True)
    if "://" in text:
        found = Database.from_url("", text, listen=listen)
        kept = filters(project) if project else Filters(grants=grants)
        found = replace(found, name=found.destination, statement_timeout=LONGEST)
        return Live(found, kept, listen)
    if project is None:
        raise ConfigurationError(
            f"{text} means something only in a project, and here is none",
            hint="Give postgresql://... or go to the folder with the alembic.ini.",
        )
    # A live database needs neither the history nor the embedded server: a third of the modules.
    if text == "models":
        from limbeck.shadow.models import Models  # noqa: PLC0415 - see above

        return Models(project, listen=listen)
    if text in {"head", "base"}:
        from limbeck.shadow.replay import Replay  # noqa: PLC0415 - see above

        return Replay(project, text, listen=listen)
    if text in {profile.name for profile in project.profiles()}:
        return live(project, project.profile(text), listen)
    return _revision(project, text, listen)


def live(project: Project, profile: Profile, listen: Listener = ignore) -> Live:
    """Return an environment's database, as far as the project's filters let it be seen."""
    from limbeck.project.urls import database  # noqa: PLC0415 - a bare URL needs no settings

    return Live(database(project, profile, listen), filters(project), listen)


def _revision(project: Project, text: str, listen: Listener) -> Replay:
    from limbeck.shadow.replay import Replay  # noqa: PLC0415 - a live database needs no history

    replay = Replay(project, text, listen=listen)
    try:
        replay.history.find(text)
    except HistoryError as error:
        names = ", ".join(profile.name for profile in project.profiles())
        raise ConfigurationError(
            f"{text} is no environment, and {error}",
            hint=f"Environments: {names}. Or: models, head, base, a revision, postgresql://...",
        ) from error
    return replay
