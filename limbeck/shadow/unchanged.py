"""Whether the models are what the history records, from the cache alone; for no-op commands."""

from __future__ import annotations

from typing import NamedTuple

from limbeck.history.history import History
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow import cache, identity, keys


class Unchanged(NamedTuple):
    """Two equal catalogs; `tables` is their number of tables, None in an older version's cache."""

    tables: int | None


def unchanged(project: Project, profile: Profile | None = None) -> Unchanged | None:
    """Return what is known where both catalogs are cached and equal; None may mean: unknown.

    Each file that a catalog was made of is read and hashed; no time or size of one is trusted, but
    those of limbeck's own files in a clone of it.

    Raises:
        SeveralHeadsError: two revisions follow the same one.
        UnavailableError: no connection to the shadow.

    """
    if not project.cache or (shadow := identity.known(project, profile)) is None:
        return None
    models = keys.models(project, shadow)
    if models is None or (described := cache.fingerprint(project, models)) is None:
        return None
    head = keys.chain(project, History.whole(project, profile), "head", shadow)[-1]
    recorded = cache.fingerprint(project, head.name) or ""
    same, _, tables = described.partition(" ")
    if same != recorded.partition(" ")[0]:
        return None
    return Unchanged(int(tables) if tables else None)
