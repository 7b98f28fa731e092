"""Which branches are stale."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from limbeck.branches.base import Branch


def stale(
    branches: Sequence[Branch], pattern: str, older_than: timedelta, now: datetime
) -> tuple[Branch, ...]:
    """Give those whose name fits a pattern such as `preview/*` and that are older than that.

    Never the default branch, a protected one, or one with children.
    """
    parents = {one.parent for one in branches}
    return tuple(
        one
        for one in branches
        if fnmatchcase(one.name, pattern)
        and now - one.created_at > older_than
        and not (one.default or one.protected or one.name in parents)
    )
