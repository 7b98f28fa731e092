"""The databases of a branch, their owners, and the URL to connect to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limbeck.branches.neon import compute
from limbeck.branches.neon.api import Api
from limbeck.branches.neon.branch import NeonBranch
from limbeck.dataclass import dataclass
from limbeck.errors import BranchError, ConfigurationError, NeonError
from limbeck.postgres import tls
from limbeck.postgres import url as urls


@dataclass(frozen=True, slots=True)
class NeonDatabase:
    """A database of a branch."""

    name: str
    owner: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> NeonDatabase:
        """Return a database from an answer."""
        return cls(data["name"], data["owner_name"])


@dataclass(frozen=True, slots=True)
class Wanted:
    """The database and the role of a URL; without a role it is the database's owner.

    `sslmode` replaces the one in Neon's answer.
    """

    database: str | None = None
    role: str | None = None
    pooled: bool = False
    sslmode: str | None = None


def databases(api: Api, branch: NeonBranch) -> tuple[NeonDatabase, ...]:
    """Return the databases of a branch, sorted by name."""
    data = api.get(f"/branches/{branch.id}/databases")["databases"]
    return tuple(sorted((NeonDatabase.of(each) for each in data), key=lambda item: item.name))


def uri(api: Api, branch: NeonBranch, wanted: Wanted) -> str:
    """Return the URL of a branch, whose compute is started if it is suspended.

    The request always has the branch's id: without it Neon returns the default branch's URL.

    Raises:
        BranchError: no such database, or no compute.
        ConfigurationError: there are several databases, and none is named.
        NeonError: the URL that Neon returns is another branch's.

    """
    chosen = _choose(branch, databases(api, branch), wanted.database)
    running = compute.awake(api, branch)
    answer = api.get(
        "/connection_uri",
        branch_id=branch.id,
        endpoint_id=running.id,
        database_name=chosen.name,
        role_name=wanted.role or chosen.owner,
        pooled="true" if wanted.pooled else "false",
    )
    _refuse_other(branch, running, answer["uri"])
    if wanted.sslmode is None:
        return str(answer["uri"])
    return urls.render(tls.verified(urls.parse(answer["uri"]), wanted.sslmode))


def _choose(branch: NeonBranch, there: tuple[NeonDatabase, ...], name: str | None) -> NeonDatabase:
    names = ", ".join(database.name for database in there) or "none"
    if name is not None:
        for database in there:
            if database.name == name:
                return database
        raise BranchError(
            f'the branch "{branch.name}" has no database "{name}"',
            hint=f"The databases are: {names}",
        )
    if len(there) == 1:
        return there[0]
    raise ConfigurationError(
        f'the branch "{branch.name}" has several databases: {names}',
        hint="Write NEON_DATABASE=... into the profile.",
    )


def _refuse_other(branch: NeonBranch, running: compute.Compute, text: str) -> None:
    """Refuse a URL that leads to the compute of another branch."""
    hosts = urls.parse(text)
    given = urls.address(urls.direct(hosts))
    host, _, port = running.host.partition(":")
    expected = urls.address({"host": host, "port": port})
    if given != expected:
        raise NeonError(
            f'Neon returned the URL of {given} for the branch "{branch.name}" at {expected}',
            hint="Nothing was done. Try again, and report it to Neon if it happens again.",
        )
