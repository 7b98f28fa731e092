"""Find the branches of a project, on this machine or at Neon, protected as its profiles say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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


class Place(NamedTuple):
    """An environment's branch, and the provider that has it."""

    provider: BranchProvider
    branch: str


def place(project: Project, profile: Profile, listen: Listener = log) -> Place:
    """Return where an environment's branch is: at Neon with NEON_BRANCH, else on this machine.

    Raises:
        ConfigurationError: it is at Neon, and the key or the project is not set; or the
            environment has the URL of another server, which has no branches.

    """
    if is_at_neon(project, profile):
        return Place(neon.branches(project, profile), profile.neon_branch or profile.branch)
    if not find_url(project, profile).local:
        raise ConfigurationError(
            f"{profile.name} has a URL, but its branch is not known",
            hint="If it is a branch at Neon, write NEON_BRANCH=... into "
            f"{project.profiles_dir.name}/{profile.name}.env.",
        )
    return Place(local_branches(project, listen, profile), profile.branch)


def branches(
    project: Project, profile: Profile | None = None, listen: Listener = log
) -> BranchProvider:
    """Return the branches among which an environment's is; by default the default environment's.

    They are Neon's if the profile has NEON_BRANCH and its URL is not `local`.

    Raises:
        ConfigurationError: they are Neon's, and the key or the project is not set; or the
            environment has the URL of another server, whose branches are not known.
        ServerError: the embedded server does not start.

    """
    chosen = profile or _default(project)
    if chosen is None:
        return local_branches(project, listen)
    return place(project, chosen, listen).provider


def local_branches(
    project: Project, listen: Listener = log, profile: Profile | None = None
) -> LocalBranches:
    """Start the embedded server and return its branches, protected as the profiles say now.

    Args:
        project: The project.
        listen: Receives the start of the server.
        profile: The environment whose server it is; by default the default environment.

    Raises:
        ServerError: the embedded server does not start.

    """
    from limbeck.branches.local import LocalBranches  # noqa: PLC0415 - only for a local branch
    from limbeck.project import servers  # noqa: PLC0415 - only for a local branch

    provider = LocalBranches(servers.local(project, profile), listen)
    protected = {profile.branch: profile.protected for profile in project.profiles()}
    for branch in provider.all():
        if protected.get(branch.name, branch.protected) != branch.protected:
            provider.protect(branch.name, protected[branch.name])
    return provider


def databases(project: Project, profile: Profile, listen: Listener = log) -> tuple[Database, ...]:
    """Return every database of an environment's branch; on this machine a branch has one.

    Raises:
        ConfigurationError: the environment's branch or its URL is not known.
        ServerError: the embedded server does not start.

    """
    home = place(project, profile, listen)
    if not is_at_neon(project, profile):
        return (database(project, profile, listen),)
    # Each database may have another owner, so the URLs differ in more than its name.
    provider, branch = home.provider, home.branch
    return tuple(
        timed(profile, provider.url(branch, database=name)) for name in provider.databases(branch)
    )


def _default(project: Project) -> Profile | None:
    profiles = {profile.name: profile for profile in project.profiles()}
    return profiles.get(project.default_environment)
