"""Branches of a database, and what any place that they come from can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from limbeck.errors import BranchError

LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Branch:
    """A named copy of a database, made from its parent; a root branch has none.

    created_at is in UTC. default marks the branch that others are made from unless told
    otherwise: the oldest root.
    """

    name: str
    parent: str | None
    created_at: datetime
    protected: bool = False
    default: bool = False


class BranchProvider(Protocol):
    """A place that branches come from. Every refusal is a BranchError, and changes nothing."""

    def all(self) -> tuple[Branch, ...]:
        """Give the branches, oldest first."""
        ...

    def get(self, name: str) -> Branch:
        """Give one branch, or raise if there is none of that name."""
        ...

    def create(self, name: str, parent: str | None = None, *, protected: bool = False) -> Branch:
        """Copy the parent into a new branch; without a parent make an empty root branch."""
        ...

    def reset(self, name: str, parent: str | None = None) -> Branch:
        """Replace a branch's content by its parent's; its URL stays, its sessions end.

        Refused for a protected branch, a root, a branch with children, and when `parent` is
        given and is not the branch's parent.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a branch and its data; refused for a protected one and one with children."""
        ...

    def url(self, name: str) -> str:
        """Give the direct URL of a branch, with its password."""
        ...


def check_name(name: str) -> None:
    """Raise unless the name may be a branch's: 1 to 256 printable characters."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise BranchError(
            f"{name[:80]!r} cannot be the name of a branch",
            hint=f"take 1 to {LONGEST_NAME} printable characters, with no space around them",
        )


def find(branches: Sequence[Branch], name: str) -> Branch:
    """Give the branch of that name, or raise an error that says which there are."""
    for branch in branches:
        if branch.name == name:
            return branch
    there = ", ".join(branch.name for branch in branches) or "none"
    raise BranchError(f'there is no branch "{name}"', hint=f"the branches are: {there}")


def refuse_existing(branches: Sequence[Branch], name: str) -> None:
    """Raise when there is a branch of that name."""
    if any(branch.name == name for branch in branches):
        raise BranchError(
            f'there is a branch "{name}" already',
            hint=f'to take its parent\'s content again: limbeck branches reset "{name}" --parent',
        )


def resettable(branches: Sequence[Branch], name: str, parent: str | None) -> Branch:
    """Give the branch, or raise when it may not be reset from that parent."""
    branch = find(branches, name)
    _refuse_protected(branch, "reset")
    if branch.parent is None:
        raise BranchError(
            f'the branch "{name}" is a root: it has no parent to be reset from',
            hint="delete it and create it again, with --parent",
        )
    if parent not in (None, branch.parent):
        raise BranchError(
            f'the parent of the branch "{name}" is "{branch.parent}", not "{parent}"',
            hint=f'limbeck branches reset "{name}" --parent "{branch.parent}"',
        )
    find(branches, branch.parent)
    _refuse_children(branches, branch, "reset")
    return branch


def deletable(branches: Sequence[Branch], name: str) -> Branch:
    """Give the branch, or raise when it may not be deleted."""
    branch = find(branches, name)
    _refuse_protected(branch, "deleted")
    _refuse_children(branches, branch, "deleted")
    return branch


def _refuse_protected(branch: Branch, verb: str) -> None:
    if branch.protected:
        raise BranchError(
            f'the branch "{branch.name}" is protected, so it is not {verb}',
            hint="set PROTECTED=false in the profile that names it, if you are sure",
        )


def _refuse_children(branches: Sequence[Branch], branch: Branch, verb: str) -> None:
    children = [f'"{other.name}"' for other in branches if other.parent == branch.name]
    if children:
        raise BranchError(
            f'the branch "{branch.name}" has children, so it is not {verb}: {", ".join(children)}',
            hint=f"first: limbeck branches delete {children[0]}",
        )
