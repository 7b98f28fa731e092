"""The branches of a project, protected as its profiles say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.events import Listener, ignore
from limbeck.settings.project import Project

if TYPE_CHECKING:
    from limbeck.branches.local import LocalBranches


def local_branches(project: Project, listen: Listener = ignore) -> LocalBranches:
    """The branches on the embedded server, which is started; a profile's PROTECTED holds at once.

    Raises:
        ServerError: the embedded server does not start.
    """
    from limbeck.branches.embedded import Server  # noqa: PLC0415 - only for a local branch
    from limbeck.branches.local import LocalBranches  # noqa: PLC0415 - only for a local branch

    found = LocalBranches(Server(project.home), listen)
    named = {profile.branch: profile.protected for profile in project.profiles()}
    for branch in found.all():
        if named.get(branch.name, branch.protected) != branch.protected:
            found.protect(branch.name, named[branch.name])
    return found
