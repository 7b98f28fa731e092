"""Choose the server of the scratch databases: by what is set, what is at hand, and its major."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, ServerError
from limbeck.events import Listener, ignore
from limbeck.postgres.embedded import binaries
from limbeck.postgres.embedded.server import Server
from limbeck.project import majors, neon, servers, urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project

if TYPE_CHECKING:
    from limbeck.postgres.container import Container
    from limbeck.postgres.database import Database

SETTING = "SHADOW_DATABASE_URL"
TTL = timedelta(days=1)  # of a branch at Neon that has the scratch databases


@dataclass(frozen=True, slots=True)
class Choice:
    """A server for scratch databases; exactly one of the last four fields is set.

    `source` says where the server comes from, `major` is its major, None for whichever it has.
    """

    source: str
    major: int | None = None
    server: Server | None = None
    container: Container | None = None
    url: str | None = field(default=None, repr=False)
    environment: tuple[Project, Profile] | None = None

    def open(self, listen: Listener = ignore) -> Database:
        """Start the server unless it runs, and return the database to connect to.

        Raises:
            ServerError: it does not start.
            ConfigurationError: its URL must not be used.

        """
        return replace(self._opened(listen), row_security=None)

    def _opened(self, listen: Listener) -> Database:
        from limbeck.postgres.database import Database  # noqa: PLC0415 - psycopg is slow to import

        if self.url is not None:
            return Database.from_url(SETTING, self.url, listen=listen)
        if self.container is not None:
            return Database.from_url("shadow", self.container.start(listen))
        if self.environment is not None:
            return Database.from_url("shadow", _environment_url(*self.environment, listen))
        assert self.server is not None  # noqa: S101 - see the class
        self.server.start(listen)
        # Scratch databases belong to a role that is no superuser.
        database = Database.from_url("shadow", self.server.shadow_url())
        return replace(database, superuser=self.server.url())


def choose(project: Project, profile: Profile | None = None) -> Choice:
    """Return the server for the scratch databases of a project; nothing is started.

    It is the first of the major that `majors.wanted` returns among: SHADOW_DATABASE_URL, a server
    that runs or whose programs are installed, a container, the environment that SHADOW names. If
    there is none of a major that is only declared, the first of any major stands in for it.

    Raises:
        ServerError: the caller needs a certain major (`Project.on`), and no server has it.
        UnavailableError: no connection to the server of SHADOW_DATABASE_URL.

    """
    major, url = majors.wanted(project, profile), urls.shadow_url(project, profile)
    if major is not None:
        server = servers.server(project, major)
        candidates = _Candidates(project.home, server, url, (project, profile))
        looked: list[str] = []
        for choice in candidates.of(major, looked):
            return choice
        if project.shadow_major is not None:
            raise _missing(major, looked)
    if url is not None:
        return Choice(SETTING, url=url)
    usual = servers.server(project)
    if not servers.ready(usual) and (environment := _environment(project, profile)):
        return _named(environment)
    return Choice("embedded", server=usual)


def outside(home: Path, url: str | None, major: int) -> Choice:
    """Return a server for scratch databases where there is no project.

    Args:
        home: The folder for the data of an embedded server.
        url: SHADOW_DATABASE_URL, if it is set.
        major: The major that the server must have.

    Raises:
        ServerError: No server has this major.
        UnavailableError: No connection to the URL.

    """
    looked: list[str] = []
    for choice in _Candidates(home, servers.at(home, major), url).of(major, looked):
        return choice
    raise _missing(major, looked)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What may have the scratch databases: limbeck's folder, the embedded server, and settings."""

    home: Path
    server: Server
    url: str | None
    asking: tuple[Project, Profile | None] | None = None

    def of(self, major: int, looked: list[str]) -> Iterator[Choice]:
        """Yield the servers of a major; `looked` receives a line for each that is missing."""
        if self.url is not None:
            if (other := _asked(SETTING, self.url)) == major:
                yield Choice(SETTING, major, url=self.url)
            looked.append(f"{SETTING} has Postgres {other}")
        if servers.ready(self.server):
            yield Choice("embedded", major, server=self.server)
        looked.append(f"no programs of Postgres {major} are installed")
        from limbeck.postgres import container  # noqa: PLC0415 - asked only without programs

        if engine := container.engine(self.home, major):
            yield Choice("container", major, container=engine)
        looked.append("no container engine answers")
        environment = _environment(*self.asking) if self.asking else None
        if environment is not None:
            choice = _named(environment, major)
            # All branches of a project at Neon have one major: no branch is created to ask for it.
            if (other := _asked(choice.source, urls.database(*environment, ignore).url)) == major:
                yield choice
            looked.append(f"{choice.source} has Postgres {other}")


def _named(environment: tuple[Project, Profile], major: int | None = None) -> Choice:
    return Choice(f"SHADOW={environment[1].name}", major, environment=environment)


def _missing(major: int, looked: list[str]) -> ServerError:
    remedy = binaries.remedy(major)
    command = f"Run `{remedy}`" if remedy.startswith("pip") else remedy.removesuffix(".")
    return ServerError(
        f"this needs a server of Postgres {major} beside the database: {'; '.join(looked)}",
        hint=f"{command}, or set {SETTING} to a server of major {major}.",
    )


def _environment(project: Project, profile: Profile | None) -> tuple[Project, Profile] | None:
    """Return the environment that SHADOW of a profile names; by default of the default one."""
    if profile is None:
        known = {each.name: each for each in project.profiles()}
        profile = known.get(project.default_environment)
    if profile is None or profile.shadow is None:
        return None
    environment = project.profile(profile.shadow)
    if environment.protected and not urls.is_at_neon(project, environment):
        raise ConfigurationError(
            f"SHADOW={environment.name} names a protected environment: scratch databases would be "
            "created and dropped on its server",
            hint="Name another environment.",
        )
    return project, environment


def _environment_url(project: Project, profile: Profile, listen: Listener) -> str:
    """Return the URL of an environment; at Neon that of a branch of it, which expires."""
    if not urls.is_at_neon(project, profile):
        return urls.database(project, profile, listen).url
    from limbeck.branches import base  # noqa: PLC0415 - psycopg is slow to import

    provider, now = neon.branches(project, profile), datetime.now(UTC).replace(microsecond=0)
    parent, end = profile.neon_branch or profile.branch, now + TTL
    branch, created = base.adopt(provider, f"shadow/{profile.name}", parent, expires_at=end)
    if not created and (branch.expires_at is None or branch.expires_at < now + TTL / 2):
        provider.set_expiration(branch.name, end)
    return provider.url(branch.name)


def _asked(name: str, url: str) -> int:
    from limbeck.postgres.connect import connect  # noqa: PLC0415 - psycopg is slow to import
    from limbeck.postgres.database import Database  # noqa: PLC0415 - the same

    with connect(Database.from_url(name, url)) as connection:
        return connection.info.server_version // 10000
