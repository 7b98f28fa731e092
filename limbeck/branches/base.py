"""Branches of a database, and what any place that they come from can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from limbeck.branches.moment import Moment, Source
from limbeck.errors import BranchError

LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Branch:
    """A named copy of a database, made from its parent; a root branch has none.

    created_at is in UTC. default marks the branch that others are made from unless told
    otherwise: the oldest root, until another is chosen. From expires_at on it may be deleted by
    itself. id is what its place calls it, None where that is the name.
    """

    name: str
    parent: str | None
    created_at: datetime
    protected: bool = False
    default: bool = False
    expires_at: datetime | None = None
    id: str | None = None


class BranchProvider(Protocol):
    """A place that branches come from. Every refusal is a BranchError, and changes nothing.

    A branch is named by its name, or by its id where it has one.
    """

    def all(self) -> tuple[Branch, ...]:
        """Give the branches, oldest first."""
        ...

    def get(self, name: str) -> Branch:
        """Give one branch, or raise if there is none of that name."""
        ...

    def create(  # noqa: PLR0913 - what a branch can have
        self,
        name: str,
        parent: str | None = None,
        *,
        at: Moment | None = None,
        schema_only: bool = False,
        protected: bool = False,
        expires_at: datetime | None = None,
    ) -> Branch:
        """Copy the parent, as it is or was, into a new branch.

        schema_only leaves the rows behind and makes a root branch. Without a parent an empty
        root branch is made, where the place can do that.
        """
        ...

    def reset(
        self, name: str, parent: str | None = None, *, preserve_under: str | None = None
    ) -> Branch:
        """Replace a branch's content by its parent's; its URL stays, its sessions end.

        What it had is kept as the branch `preserve_under`, to which its children go. Refused for
        a protected branch, a root, a branch with children whose content is not kept, and when
        `parent` is given and is not the branch's parent.
        """
        ...

    def restore(self, name: str, source: Source, *, preserve_under: str | None = None) -> Branch:
        """Replace a branch's content by that of a source, which may be a snapshot's name.

        `^self` needs a moment and preserve_under. The URL stays, its sessions end.
        """
        ...

    def rename(self, name: str, new: str) -> Branch:
        """Give a branch another name."""
        ...

    def delete(self, name: str) -> None:
        """Remove a branch and its data; refused for a protected one and one with children."""
        ...

    def set_default(self, name: str) -> Branch:
        """Make it the branch that others are made from unless told otherwise."""
        ...

    def set_expiration(self, name: str, expires_at: datetime | None) -> Branch:
        """Have a branch deleted from a time on, or never; refused for default and protected."""
        ...

    def snapshot(self, name: str, label: str) -> str:
        """Keep what a branch is now; give the name under which `restore` finds it."""
        ...

    def databases(self, name: str) -> tuple[str, ...]:
        """Give the names of the databases of a branch."""
        ...

    def url(self, name: str, *, database: str | None = None, pooled: bool = False) -> str:
        """Give the URL of a branch with its password: the direct one, or the pooler's if any."""
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
    for branch in branches:
        if branch.id == name:
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


def resettable(
    branches: Sequence[Branch], name: str, parent: str | None, preserve_under: str | None = None
) -> Branch:
    """Give the branch, or raise when it may not be reset from that parent."""
    branch = find(branches, name)
    _refuse_protected(branch, "reset")
    if branch.parent is None:
        raise BranchError(
            f'the branch "{name}" is a root: it has no parent to be reset from',
            hint="delete it and create it again, with --parent",
        )
    if parent is not None and find(branches, parent).name != branch.parent:
        raise BranchError(
            f'the parent of the branch "{name}" is "{branch.parent}", not "{parent}"',
            hint=f'limbeck branches reset "{name}" --parent "{branch.parent}"',
        )
    find(branches, branch.parent)
    _refuse_replacing(branches, branch, "reset", preserve_under)
    return branch


def restorable(branches: Sequence[Branch], name: str, preserve_under: str | None) -> Branch:
    """Give the branch, or raise when its content may not be replaced."""
    branch = find(branches, name)
    _refuse_replacing(branches, branch, "restored", preserve_under)
    return branch


def expirable(branches: Sequence[Branch], name: str, expires_at: datetime | None) -> Branch:
    """Give the branch, or raise when it may not be deleted by itself at that time."""
    branch = find(branches, name)
    if expires_at is None:
        return branch
    _refuse_protected(branch, "given an end")
    _refuse_children(branches, branch, "given an end")
    if branch.default:
        raise BranchError(
            f'the branch "{branch.name}" is the default one, so it is not given an end',
            hint="first make another branch the default: limbeck branches set-default NAME",
        )
    refuse_past(expires_at)
    return branch


def refuse_past(expires_at: datetime | None) -> None:
    """Raise when the end of a branch has been already."""
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise BranchError(
            f"{expires_at:%Y-%m-%d %H:%M:%S UTC} has been already, so no branch can end then",
            hint="give a time to come, or a length of time such as 2h",
        )


def refuse_ending_parent(branches: Sequence[Branch], name: str) -> None:
    """Raise when a branch comes to an end, so that none may be made from it."""
    parent = find(branches, name)
    if parent.expires_at is not None:
        raise BranchError(
            f'the branch "{name}" ends at {parent.expires_at:%Y-%m-%d %H:%M UTC}, so no branch '
            "is made from it",
            hint=f'limbeck branches set-expiration "{name}" keeps it',
        )


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


def _refuse_replacing(
    branches: Sequence[Branch], branch: Branch, verb: str, preserve_under: str | None
) -> None:
    """Raise when children would lose what they came from, or its new place is taken."""
    if preserve_under is None:
        _refuse_children(branches, branch, verb, keep=True)
        return
    check_name(preserve_under)
    refuse_existing(branches, preserve_under)


def _refuse_children(
    branches: Sequence[Branch], branch: Branch, verb: str, *, keep: bool = False
) -> None:
    children = [f'"{other.name}"' for other in branches if other.parent == branch.name]
    if children:
        way_out = ", or keep what they came from: --preserve-under-name NAME" if keep else ""
        raise BranchError(
            f'the branch "{branch.name}" has children, so it is not {verb}: {", ".join(children)}',
            hint=f"first: limbeck branches delete {children[0]}{way_out}",
        )


def adopt(
    provider: BranchProvider, name: str, parent: str, *, expires_at: datetime | None = None
) -> tuple[Branch, bool]:
    """Give the branch of that name, made if it is not there; say whether it was made.

    Raises:
        BranchError: it is there, and made from another parent.
    """
    branches = provider.all()
    for branch in branches:
        if branch.name == name:
            _refuse_other_parent(branch, find(branches, parent))
            return branch, False
    return provider.create(name, parent, expires_at=expires_at), True


def _refuse_other_parent(branch: Branch, wanted: Branch) -> None:
    if branch.parent != wanted.name:
        raise BranchError(
            f'there is a branch "{branch.name}" already, but its parent is '
            f'"{branch.parent or "none"}", not "{wanted.name}"',
            hint=f'limbeck branches delete "{branch.name}", or take another name',
        )
