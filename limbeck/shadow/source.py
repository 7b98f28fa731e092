"""Sources of schemas, and their names on a command line: models, head, an environment, a URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from typing import TYPE_CHECKING, Protocol

from limbeck.dataclass import dataclass
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

# A bare URL has no profile with a limit; `options` in the URL can set another one.
LONGEST = "5min"


class Source(Protocol):
    """Something that has a schema; str() of it is the name that the user gave it."""

    def catalog(self) -> Catalog:
        """Return the schema."""

    def on(self, major: int) -> Source:
        """Return the source as a server of this major makes it."""


@dataclass(frozen=True, slots=True)
class Live:
    """A live database, which is only read.

    With `near` the catalog has expressions as people write them, too. `meanwhile` is called while
    the server is busy with the first questions. `progress` receives how far the read is.
    """

    database: Database
    filters: Filters = EVERYTHING
    listen: Listener = field(default=ignore, compare=False, repr=False)
    near: bool = False
    meanwhile: Callable[[], object] | None = field(default=None, compare=False, repr=False)
    progress: Listener = field(default=ignore, compare=False, repr=False)

    def __str__(self) -> str:
        return self.database.name

    def on(self, major: int) -> Live:  # noqa: ARG002 - a live database has the major that it has
        """Return the same database."""
        return self

    def catalog(self) -> Catalog:
        """Return the catalog of the database, read on a read-only connection.

        Raises:
            UnavailableError: no connection.

        """
        with connect(self.database, read_only=True, listen=self.listen) as connection:
            catalog = read(
                connection,
                filters=self.filters,
                with_near=self.near,
                meanwhile=self.meanwhile,
                listen=self.progress,
            )
            user = connection.info.user
        if catalog.unreadable:
            names = ", ".join(catalog.unreadable)
            self.listen(Notice(f"{self}: role {user} may not read {names}; left out"))
        return catalog


def parse(
    project: Project | None, text: str, listen: Listener = ignore, *, grants: bool = False
) -> Source:
    """Return the source that a text names.

    Args:
        project: the project around the current directory; a URL needs none.
        text: `models`, `head`, `base`, an environment, a URL, or the beginning of a revision's id
            (an environment of that name comes first).
        listen: receives an event for each stage and notice.
        grants: read privileges, whatever the project's settings say.

    Raises:
        ConfigurationError: the text names none of these, or it needs a project.

    """
    if project is not None and grants:
        project = replace(project, grants=True)
    if "://" in text:
        database = Database.from_url("", text, listen=listen)
        database = replace(database, name=database.destination, statement_timeout=LONGEST)
        return Live(database, filters(project) if project else Filters(grants=grants), listen)
    if project is None:
        raise ConfigurationError(
            f"{text} needs a project, and there is none around the current directory",
            hint="Pass a postgresql:// URL, or run this in the folder with the alembic.ini.",
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


def catalogs(first: Source, second: Source) -> tuple[Catalog, Catalog]:
    """Return the schemas of two sources, made to be compared.

    Majors print some definitions differently. So beside a live database, limbeck makes the other
    schema on a server of its major; the live one is read first, because it tells the major.

    Raises:
        ServerError: There is no server of the major of the live database.

    """
    if isinstance(first, Live):
        before = first.catalog()
        return before, second.on(before.major).catalog()
    if isinstance(second, Live):
        after = second.catalog()
        return first.on(after.major).catalog(), after
    return first.catalog(), second.catalog()


def live(project: Project, profile: Profile, listen: Listener = ignore) -> Live:
    """Return an environment's database, read through the project's filters."""
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
            f"{text} is not an environment, and {error}",
            hint=f"Environments: {names}. Or models, head, base, a revision, a URL.",
        ) from error
    return replay
