"""Branches of a database, and the protocol of the providers: this machine, and Neon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from limbeck.branches.moment import Moment, Source
from limbeck.dataclass import dataclass
from limbeck.errors import BranchError
from limbeck.postgres.database import Database
from limbeck.shell import command

LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Branch:
    """A named copy of a database, created from its parent; a root branch has no parent.

    `created_at` is in UTC. `default` marks the branch that new ones are created from unless a
    parent is given: the oldest root, until another is chosen. After `expires_at` the provider may
    delete it. `id` is the provider's own identifier, None if it has no other than the name.
    """

    name: str
    parent: str | None
    created_at: datetime
    protected: bool = False
    default: bool = False
    expires_at: datetime | None = None
    id: str | None = None


class BranchProvider(Protocol):
    """A provider of branches. Every refusal raises a BranchError, and changes nothing.

    `name` is the name of a branch, or its id if it has one.
    """

    def all(self) -> tuple[Branch, ...]:
        """Return the branches, oldest first."""
        ...

    def get(self, name: str) -> Branch:
        """Return the branch with this name."""
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
        """Create a branch as a copy of its parent, now or at a moment.

        Args:
            name: The name of the new branch.
            parent: The branch to copy; without one an empty root is created, if the provider can.
            at: A time or an LSN of the parent; None is now.
            schema_only: Whether to leave the rows out; the branch is a root then.
            protected: Whether it is refused to reset or delete the branch.
            expires_at: When the provider may delete the branch.

        """
        ...

    def reset(
        self, name: str, parent: str | None = None, *, preserve_under: str | None = None
    ) -> Branch:
        """Replace the content of a branch with that of its parent; its URL stays, sessions end.

        Refused for a protected branch, a root, and a branch with children whose content is not
        preserved.

        Args:
            name: The branch.
            parent: Its parent's name; any other name is refused.
            preserve_under: A name for a branch with the former content, which gets the children.

        """
        ...

    def restore(self, name: str, source: Source, *, preserve_under: str | None = None) -> Branch:
        """Replace the content of a branch with that of a source; its URL stays, sessions end.

        The source may be a snapshot. `^self` needs a moment and `preserve_under`.
        """
        ...

    def rename(self, name: str, new: str) -> Branch:
        """Rename a branch."""
        ...

    def delete(self, name: str) -> None:
        """Delete a branch and its data; refused for a protected branch and one with children."""
        ...

    def set_default(self, name: str) -> Branch:
        """Make a branch the one that new ones are created from by default."""
        ...

    def set_expiration(self, name: str, expires_at: datetime | None) -> Branch:
        """Set when a branch is deleted; refused for the default branch and a protected one."""
        ...

    def snapshot(self, name: str, label: str) -> str:
        """Save the present content of a branch; return the name for `restore`."""
        ...

    def databases(self, name: str) -> tuple[str, ...]:
        """Return the names of the databases of a branch."""
        ...

    def url(self, name: str, *, database: str | None = None, pooled: bool = False) -> str:
        """Return the URL of a branch with its password: the direct one, or a pooler's if any."""
        ...

    def isolated(self, name: str) -> Database:
        """Return the database of a temporary branch, for a trial run of revisions.

        On this machine, a role without rights on the machine becomes the owner of its content.
        """
        ...


def check_name(name: str) -> None:
    """Refuse a name that is not 1 to 256 printable characters without space around them."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise BranchError(
            f"{name[:80]!r} cannot be the name of a branch",
            hint=f"Use 1 to {LONGEST_NAME} printable characters, without space around them.",
        )


def find(branches: Sequence[Branch], name: str) -> Branch:
    """Return the branch with this name or id, or raise an error that lists the branches."""
    for branch in branches:
        if branch.name == name:
            return branch
    for branch in branches:
        if branch.id == name:
            return branch
    from limbeck.suggestions import meant  # noqa: PLC0415 - for errors only

    names = ", ".join(branch.name for branch in branches)
    raise BranchError(
        f'there is no branch "{name}"',
        hint=f"{meant(name, (branch.name for branch in branches))}The branches are: {names}"
        if names
        else "limbeck branches create NAME",
    )


def refuse_existing(branches: Sequence[Branch], name: str) -> None:
    """Refuse the name of an existing branch."""
    if any(branch.name == name for branch in branches):
        raise BranchError(
            f'there is a branch "{name}" already',
            hint="To copy its parent again: "
            + command("limbeck", "branches", "reset", name, "--parent"),
        )


def resettable(
    branches: Sequence[Branch], name: str, parent: str | None, preserve_under: str | None = None
) -> Branch:
    """Return the branch, or raise an error if it cannot be reset to this parent."""
    branch = find(branches, name)
    _refuse_protected(branch, "be reset")
    if branch.parent is None:
        raise BranchError(
            f'the branch "{name}" is a root: it has no parent to be reset to',
            hint="Delete it and create it again, with --parent.",
        )
    if parent is not None and find(branches, parent).name != branch.parent:
        raise BranchError(
            f'the parent of the branch "{name}" is "{branch.parent}", not "{parent}"',
            hint=command("limbeck", "branches", "reset", name, "--parent", branch.parent),
        )
    find(branches, branch.parent)
    _refuse_replacing(branches, branch, "be reset", preserve_under)
    return branch


def restorable(branches: Sequence[Branch], name: str, preserve_under: str | None) -> Branch:
    """Return the branch, or raise an error if its content cannot be replaced."""
    branch = find(branches, name)
    _refuse_replacing(branches, branch, "be restored", preserve_under)
    return branch


def expirable(branches: Sequence[Branch], name: str, expires_at: datetime | None) -> Branch:
    """Return the branch, or raise an error if it cannot expire at that time."""
    branch = find(branches, name)
    if expires_at is None:
        return branch
    _refuse_protected(branch, "expire")
    _refuse_children(branches, branch, "expire")
    if branch.default:
        raise BranchError(
            f'the branch "{branch.name}" is the default branch, so it cannot expire',
            hint="Make another branch the default first: limbeck branches set-default NAME",
        )
    refuse_past(expires_at)
    return branch


def refuse_past(expires_at: datetime | None) -> None:
    """Refuse an expiration time that has passed."""
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise BranchError(
            f"{expires_at:%Y-%m-%d %H:%M:%S UTC} has passed, so no branch can expire then",
            hint="Give a time in the future, or a duration such as 2h.",
        )


def refuse_ending_parent(branches: Sequence[Branch], name: str) -> None:
    """Refuse to create a branch from one that expires, as Neon does."""
    parent = find(branches, name)
    if parent.expires_at is not None:
        raise BranchError(
            f'the branch "{name}" expires at {parent.expires_at:%Y-%m-%d %H:%M UTC}, so no branch '
            "can be created from it",
            hint=f"To keep it: {command('limbeck', 'branches', 'set-expiration', name)}",
        )


def deletable(branches: Sequence[Branch], name: str) -> Branch:
    """Return the branch, or raise an error if it cannot be deleted."""
    branch = find(branches, name)
    _refuse_protected(branch, "be deleted")
    _refuse_children(branches, branch, "be deleted")
    return branch


def _refuse_protected(branch: Branch, verb: str) -> None:
    if branch.protected:
        raise BranchError(
            f'the branch "{branch.name}" is protected, so it cannot {verb}',
            hint="If you are sure, set PROTECTED=false in the profile of its environment.",
        )


def _refuse_replacing(
    branches: Sequence[Branch], branch: Branch, verb: str, preserve_under: str | None
) -> None:
    """Refuse if children would lose their parent's content, or if the new name is taken."""
    if preserve_under is None:
        _refuse_children(branches, branch, verb, keep=True)
        return
    check_name(preserve_under)
    refuse_existing(branches, preserve_under)


def _refuse_children(
    branches: Sequence[Branch], branch: Branch, verb: str, *, keep: bool = False
) -> None:
    children = [other.name for other in branches if other.parent == branch.name]
    if children:
        names = ", ".join(f'"{name}"' for name in children)
        way_out = ", or keep the content: --preserve-under-name NAME" if keep else ""
        raise BranchError(
            f'the branch "{branch.name}" has children, so it cannot {verb}: {names}',
            hint=f"First: {command('limbeck', 'branches', 'delete', children[0])}{way_out}",
        )


def adopt(
    provider: BranchProvider, name: str, parent: str, *, expires_at: datetime | None = None
) -> tuple[Branch, bool]:
    """Return the branch with this name, created if it is missing, and whether it was created.

    Args:
        provider: Where the branch is.
        name: Its name.
        parent: The branch to create it from.
        expires_at: When a new branch expires.

    Raises:
        BranchError: it exists, and has another parent.

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
            hint=f"Run {command('limbeck', 'branches', 'delete', branch.name)}, "
            "or use another name.",
        )
