"""The source of a local branch's content; a source in the past is refused."""

from __future__ import annotations

from limbeck.branches import base
from limbeck.branches.base import Branch
from limbeck.branches.moment import Moment, Source
from limbeck.errors import BranchError
from limbeck.shell import command


def refuse_past(at: Moment | None) -> None:
    """Refuse a moment: a local server keeps no history of its databases.

    Raises:
        BranchError: a moment is given.

    """
    if at is not None:
        raise BranchError(
            f"a local branch has no history, so its content at {at} is not available",
            hint="Create a branch before you need it, with limbeck branches create, or use Neon.",
        )


def origin(there: tuple[Branch, ...], branch: Branch, source: Source) -> Branch:
    """Return the branch that a source names.

    Raises:
        BranchError: there is no such branch, or it is the target itself.

    """
    if source.branch == "^self":
        raise BranchError(
            "a local branch has no history, so it cannot be restored from itself",
            hint=command("limbeck", "branches", "restore", branch.name, "BRANCH"),
        )
    if source.branch == "^parent" and branch.parent is None:
        raise BranchError(
            f'the branch "{branch.name}" is a root: it has no parent to be restored from',
            hint=command("limbeck", "branches", "restore", branch.name, "BRANCH"),
        )
    wanted = branch.parent if source.branch == "^parent" else source.branch
    parent = base.find(there, wanted or next(other.name for other in there if other.default))
    if parent.name == branch.name:
        raise BranchError(
            f'the branch "{branch.name}" cannot be restored from itself',
            hint=command("limbeck", "branches", "restore", branch.name, "BRANCH"),
        )
    return parent
