"""Where a branch on this machine gets its content from, and what it cannot be had from."""

from __future__ import annotations

from limbeck.branches import base
from limbeck.branches.base import Branch
from limbeck.branches.moment import Moment, Source
from limbeck.errors import BranchError


def refuse_past(at: Moment | None) -> None:
    """Refuse a moment that is over, for nothing is kept of it.

    Raises:
        BranchError: there is one.

    """
    if at is not None:
        raise BranchError(
            f"a branch on this machine has no past, so there is nothing at {at}",
            hint="Neon keeps one. Here, make a branch before you need it: limbeck branches create",
        )


def origin(there: tuple[Branch, ...], branch: Branch, source: Source) -> Branch:
    """Find the branch whose content another is to get.

    Raises:
        BranchError: there is none, or it is the branch itself.

    """
    if source.branch == "^self":
        raise BranchError(
            "a branch on this machine has no past, so it cannot be restored from itself",
            hint=f'give another branch: limbeck branches restore "{branch.name}" BRANCH',
        )
    if source.branch == "^parent" and branch.parent is None:
        raise BranchError(
            f'the branch "{branch.name}" is a root: it has no parent to be restored from',
            hint=f'name a branch: limbeck branches restore "{branch.name}" BRANCH',
        )
    wanted = branch.parent if source.branch == "^parent" else source.branch
    found = base.find(there, wanted or next(one.name for one in there if one.default))
    if found.name == branch.name:
        raise BranchError(
            f'the branch "{branch.name}" already has its own content',
            hint="give another branch",
        )
    return found
