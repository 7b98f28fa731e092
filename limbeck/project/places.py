"""The branches of a project, protected as its profiles say: on this machine, or at Neon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limbeck.errors import ConfigurationError
from limbeck.events import Listener
from limbeck.logs import log
from limbeck.project import neon
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.urls import database, find_url, is_at_neon, timed

if TYPE_CHECKING:
    from limbeck.branches.base import BranchProvider
    from limbeck.branches.local import LocalBranches
    from limbeck.postgres.database import Database


@dataclass(frozen=True, slots=True)
class Place:
    """An environment's branch, by its name, among the others."""

    provider: BranchProvider
    branch: str


def place(project: Project, profile: Profile, listen: Listener = log) -> Place:
    """Where an environment's branch is: Neon's with NEON_BRANCH, else one on this machine.

    Raises:
        ConfigurationError: Neon is meant, and its key or project is nowhere; or the environment
            has a URL of another server, of whose branches nothing is known.
    """
    if is_at_neon(project, profile):
        return Place(neon.branches(project, profile), profile.neon_branch or profile.branch)
    if not find_url(project, profile).local:
        raise ConfigurationError(
            f"{profile.name} has a URL, so limbeck does not know its branch",
            hint="If it is a branch at Neon, write NEON_BRANCH=... into "
            f"{project.profiles_dir.name}/{profile.name}.env.",
        )
    return Place(local_branches(project, listen), profile.branch)


def branches(
    project: Project, profile: Profile | None = None, listen: Listener = log
) -> BranchProvider:
    """Return the provider of an environment's branches, by default of the default environment.

    Raises:
        ConfigurationError: Neon's key or project is missing; or the environment has the URL of
            another server, whose branches are unknown.
        ServerError: the embedded server does not start.

    """
    chosen = profile or _default(project)
    if chosen is None:
        return local_branches(project, listen)
    return place(project, chosen, listen).provider


def local_branches(project: Project, listen: Listener = log) -> LocalBranches:
    """The branches on the embedded server, which is started; a profile's PROTECTED holds at once.

    Raises:
        ServerError: the embedded server does not start.
    """
    from limbeck.branches.local import LocalBranches  # noqa: PLC0415 - only for a local branch
    from limbeck.postgres.embedded.server import Server  # noqa: PLC0415 - only for a local branch

    found = LocalBranches(Server(project.home), listen)
    named = {profile.branch: profile.protected for profile in project.profiles()}
    for branch in found.all():
        if named.get(branch.name, branch.protected) != branch.protected:
            found.protect(branch.name, named[branch.name])
    return found


def databases(project: Project, profile: Profile, listen: Listener = log) -> tuple[Database, ...]:
    """Every database of an environment's branch; on this machine a branch is one.

    Raises:
        ConfigurationError: nothing is known of the environment's branch, or how to reach it.
        ServerError: the embedded server does not start.
    """
    found = place(project, profile, listen)
    if not is_at_neon(project, profile):
        return (database(project, profile, listen),)
    # Each may belong to a role of its own, so its URL is more than another name.
    provider, branch = found.provider, found.branch
    return tuple(
        timed(profile, provider.url(branch, database=one)) for one in provider.databases(branch)
    )


def _default(project: Project) -> Profile | None:
    there = {each.name: each for each in project.profiles()}
    return there.get(project.default_environment)
