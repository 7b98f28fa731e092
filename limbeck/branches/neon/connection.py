"""How to connect to a branch: its databases, their owners, the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limbeck.branches.neon import compute
from limbeck.branches.neon.api import Api
from limbeck.branches.neon.branch import NeonBranch
from limbeck.errors import BranchError, ConfigurationError, NeonError
from limbeck.postgres import url as urls


@dataclass(frozen=True, slots=True)
class NeonDatabase:
    """A database of a branch."""

    name: str
    owner: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> NeonDatabase:
        """Read one out of an answer."""
        return cls(data["name"], data["owner_name"])


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which database, as which role; without a role it is the database's owner."""

    database: str | None = None
    role: str | None = None
    pooled: bool = False


def databases(api: Api, branch: NeonBranch) -> tuple[NeonDatabase, ...]:
    """Ask for the databases of a branch, by name."""
    data = api.get(f"/branches/{branch.id}/databases")["databases"]
    return tuple(sorted((NeonDatabase.of(each) for each in data), key=lambda one: one.name))


def uri(api: Api, branch: NeonBranch, wanted: Wanted) -> str:
    """Ask for the URL of a branch, whose compute is started if it sleeps.

    The branch's id always goes along: without it Neon answers with the default branch's URL.

    Raises:
        BranchError: no such database, or several and none is named, or no compute.
        NeonError: the URL that Neon gives is not this branch's.
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
    return str(answer["uri"])


def _choose(branch: NeonBranch, there: tuple[NeonDatabase, ...], name: str | None) -> NeonDatabase:
    names = ", ".join(one.name for one in there) or "none"
    if name is not None:
        for one in there:
            if one.name == name:
                return one
        raise BranchError(
            f'the branch "{branch.name}" has no database "{name}"', hint=f"it has: {names}"
        )
    if len(there) == 1:
        return there[0]
    raise ConfigurationError(
        f'which database of the branch "{branch.name}"? It has: {names}',
        hint="write NEON_DATABASE=... into the profile",
    )


def _refuse_other(branch: NeonBranch, running: compute.Compute, text: str) -> None:
    """Stop where the URL would lead to another branch's compute."""
    hosts = urls.parse(text)
    given = urls.address(urls.direct(hosts))
    host, _, port = running.host.partition(":")
    expected = urls.address({"host": host, "port": port})
    if given != expected:
        raise NeonError(
            f'Neon gave the URL of {given} for the branch "{branch.name}", which is at {expected}',
            hint="nothing was done; try again, and tell Neon's support if it comes again",
        )
