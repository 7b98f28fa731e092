"""Which databases a fleet has: a file of URLs, a query, a pattern, projects or branches at Neon.

A `Selection` names them without any password, so that it can be sent to another machine. There,
`members` reads the addresses anew: the file, the profile and the keys of that machine decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, NeonError
from limbeck.plurals import counted, listed
from limbeck.postgres import url as urls
from limbeck.project.places import Place

if TYPE_CHECKING:
    from limbeck.branches.neon.provider import NeonBranches
    from limbeck.project.project import Project

KINDS: Final = ("urls", "query", "databases", "neon_projects", "neon_branches")
"""The fields of a selection, of which exactly one is set."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which databases a fleet has.

    Args:
        urls: A file with a URL in each line, after a name or alone.
        query: An environment, and a query of its database that returns names or URLs.
        databases: A pattern of databases on the server of `environment`.
        neon_projects: A part of the names of projects at Neon: the default branch of each.
        neon_branches: A pattern of branches of the Neon project.
        environment: The environment whose server or profile it is; may be None.
        names: Only these members; () for all.
        shard: Only every n-th member: the number of the shard from 1, and how many there are.
        without: The template of the fleet, which a pattern may match and which is no member.

    """

    urls: Path | None = None
    query: tuple[str, str] | None = None
    databases: str | None = None
    neon_projects: str | None = None
    neon_branches: str | None = None
    environment: str | None = None
    names: tuple[str, ...] = ()
    shard: tuple[int, int] | None = None
    without: str | None = None

    @property
    def kind(self) -> str:
        """The one field that is set.

        Raises:
            ConfigurationError: none is, or several are.

        """
        chosen = [name for name in KINDS if getattr(self, name) is not None]
        options = [f"--{name.replace('_', '-')}" for name in (chosen or KINDS)]
        if not chosen:
            raise ConfigurationError(
                "no databases are chosen",
                hint=f"Add one of {', '.join(options)}, or -e with the name of a fleet profile.",
            )
        if len(chosen) > 1:
            raise ConfigurationError(
                f"{' and '.join(options)} exclude each other", hint="Choose one of them."
            )
        return chosen[0]


@dataclass(frozen=True, slots=True)
class Member:
    """One database of a fleet: its name there, its number from 1, and its server.

    `url` returns the URL when it is called, since Neon's API has to be asked for it. `place`
    returns the branch at Neon; other databases have none.
    """

    name: str
    number: int
    server: str
    url: Callable[[], str] = field(repr=False, compare=False)
    place: Callable[[], Place] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Address:
    """An address as a source has it; `place` names the line or row in errors."""

    name: str | None
    place: str
    server: str | None = None
    text: str | None = field(default=None, repr=False)
    url: Callable[[], str] | None = field(default=None, repr=False)
    home: Callable[[], Place] | None = field(default=None, repr=False)


def members(project: Project, selection: Selection) -> tuple[Member, ...]:
    """Return the databases of a selection, in the order of their source.

    Raises:
        ConfigurationError: A URL cannot be read, two lead to one database, a name is not there, or
            there is none.

    """
    reader = _READERS[selection.kind]
    everything = tuple(_numbered(reader(project, selection)))
    if not everything:
        raise ConfigurationError(
            f"{_shown(selection)} selects no database", hint="Check the pattern, the file or query."
        )
    return _sharded(_named(everything, selection), selection)


def _named(everything: tuple[Member, ...], selection: Selection) -> tuple[Member, ...]:
    if not selection.names:
        return everything
    known = {member.name: member for member in everything}
    missing = [name for name in selection.names if name not in known]
    if missing:
        raise ConfigurationError(
            f"{_shown(selection)} has no database {listed(missing)}",
            hint=f"It has {counted(len(known), 'database')}: {listed([*known])}.",
        )
    return tuple(known[name] for name in dict.fromkeys(selection.names))


def _sharded(chosen: tuple[Member, ...], selection: Selection) -> tuple[Member, ...]:
    if selection.shard is None:
        return chosen
    number, count = selection.shard
    return tuple(member for member in chosen if member.number % count == number % count)


def _numbered(addresses: Iterable[_Address]) -> Iterable[Member]:
    """Yield the members, whose names and databases are all different."""
    names: dict[str, str] = {}
    places: dict[tuple[str, str], str] = {}
    for number, address in enumerate(addresses, 1):
        name, server, url = _read(address)
        if address.text is not None:
            where = (server, urls.parse(address.text)["dbname"])
            if (other := places.setdefault(where, address.place)) != address.place:
                raise ConfigurationError(
                    f"{address.place} is the database of {other}: {where[0]}/{where[1]}",
                    hint="Remove one of them.",
                )
        if (other := names.setdefault(name, address.place)) != address.place:
            raise ConfigurationError(
                f"{address.place} has the name of {other}: {name}",
                hint="Put a name of its own before each URL, with a space between them.",
            )
        yield Member(name, number, server, url, address.home)


def _read(address: _Address) -> tuple[str, str, Callable[[], str]]:
    if address.url is not None and address.name is not None:
        return address.name, address.server or address.name, address.url
    text = address.text or ""
    try:
        parameters = urls.parse(text)
    except ConfigurationError as error:
        raise type(error)(f"{address.place}: {error.message}", hint=error.hint) from None
    name = address.name or parameters["dbname"]
    return name, urls.address(parameters), lambda: text


def _of_file(project: Project, selection: Selection) -> Iterable[_Address]:
    path = selection.urls or Path()
    file = path if path.is_absolute() else project.root / path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(
            f"{path} cannot be read: {reason}",
            hint="Write a URL into each line, after a name or alone.",
        ) from error
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#"):
            name, _, url = text.partition(" ")
            alone = not url or "=" in name or "://" in name
            place = f"{path} line {number}"
            yield _Address(None if alone else name, place, text=text if alone else url.strip())


def _of_query(project: Project, selection: Selection) -> Iterable[_Address]:
    from limbeck.postgres.connect import connect  # noqa: PLC0415 - the file of URLs needs none
    from limbeck.project import urls as places  # noqa: PLC0415 - as above

    environment, query = selection.query or ("", "")
    database = places.database(project, project.profile(environment))
    with connect(database, read_only=True) as connection:
        rows = connection.execute(query.encode()).fetchall()
    for number, row in enumerate(rows, 1):
        place = f"row {number} of the query"
        if not 1 <= len(row) <= 2 or not all(isinstance(cell, str) for cell in row):  # noqa: PLR2004 - a name and a URL
            raise ConfigurationError(
                f"{place} is not a text, or a name and a text",
                hint="Select a URL or the name of a database, after a name of the tenant or alone.",
            )
        *name, text = map(str, row)
        url = text if "://" in text or "=" in text else database.on(text).url
        yield _Address(name[0] if name else None, place, text=url)


_DATABASES: Final = """SELECT datname FROM pg_database
WHERE datallowconn AND NOT datistemplate AND datconnlimit <> -2 ORDER BY datname"""


def _of_server(project: Project, selection: Selection) -> Iterable[_Address]:
    from limbeck.postgres.connect import connect  # noqa: PLC0415 - as above
    from limbeck.project import urls as places  # noqa: PLC0415 - as above

    database = places.database(project, project.profile(selection.environment))
    with connect(database, read_only=True) as connection:
        names = [str(name) for (name,) in connection.execute(_DATABASES).fetchall()]
    for name in names:
        if name != selection.without and fnmatchcase(name, selection.databases or ""):
            yield _Address(name, f"the database {name}", text=database.on(name).url)


def _of_branches(project: Project, selection: Selection) -> Iterable[_Address]:
    from limbeck.project import neon  # noqa: PLC0415 - httpx only for Neon

    profile = project.profile(selection.environment) if selection.environment else None
    provider = neon.branches(project, profile)
    for branch, url in provider.addresses():
        matches = fnmatchcase(branch.name, selection.neon_branches or "")
        if matches and branch.name != selection.without:
            yield _at_neon(branch.name, url, partial(Place, provider, branch.name))


def _of_projects(project: Project, selection: Selection) -> Iterable[_Address]:
    from limbeck.project import neon  # noqa: PLC0415 - as above

    for name, provider in neon.projects(project, selection.neon_projects or ""):
        yield _at_neon(name, partial(_of_default, provider, name), partial(_default, provider))


_REFUSED: Final = {401, 403, 404}


def _of_default(provider: NeonBranches, name: str) -> str:
    """Return the URL of the default branch of a project."""
    try:
        return next(url for branch, url in provider.addresses() if branch.default)()
    except NeonError as error:
        if error.status not in _REFUSED:
            raise
        raise NeonError(
            f"the key in NEON_API_KEY has no access to the project {name}",
            hint="Use a key of its organisation, or select projects that it may read.",
            status=error.status,
        ) from error


def _default(provider: NeonBranches) -> Place:
    return Place(provider, next(branch.name for branch in provider.all() if branch.default))


def _at_neon(name: str, url: Callable[[], str], home: Callable[[], Place]) -> _Address:
    return _Address(name, f"{name} at Neon", server=name, url=url, home=home)


_READERS: Final = {
    "urls": _of_file,
    "query": _of_query,
    "databases": _of_server,
    "neon_projects": _of_projects,
    "neon_branches": _of_branches,
}


def _shown(selection: Selection) -> str:
    """Return how messages name a selection."""
    value = getattr(selection, selection.kind)
    option = f"--{selection.kind.replace('_', '-')}"
    return f"{option} {value[0] if isinstance(value, tuple) else value}"
