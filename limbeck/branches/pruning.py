"""The choice of stale branches, for `limbeck branches prune`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from limbeck.branches.base import Branch


def stale(
    branches: Sequence[Branch], pattern: str, older_than: timedelta, now: datetime
) -> tuple[Branch, ...]:
    """Return the branches that match a pattern and are older than a duration.

    The default branch, protected branches and branches with children are never stale.

    Args:
        branches: All branches.
        pattern: A shell pattern of names, such as `preview/*`.
        older_than: The least age.
        now: The present time.

    """
    parents = {branch.parent for branch in branches}
    return tuple(
        branch
        for branch in branches
        if fnmatchcase(branch.name, pattern)
        and now - branch.created_at > older_than
        and not (branch.default or branch.protected or branch.name in parents)
    )
