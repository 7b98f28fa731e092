"""Whether the models are what the history records, from the cache alone; for no-op commands."""

from __future__ import annotations

from limbeck.history.history import History
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow import cache, identity, keys


def unchanged(project: Project, profile: Profile | None = None) -> bool:
    """Return whether both catalogs are cached and equal; False may mean that it is unknown.

    Each file that a catalog was made of is read and hashed; no time or size of one is trusted.

    Raises:
        SeveralHeadsError: two revisions follow the same one.
        UnavailableError: no connection to the shadow.

    """
    if not project.cache or (shadow := identity.known(project, profile)) is None:
        return False
    models = keys.models(project, shadow)
    if models is None or (described := cache.fingerprint(project, models)) is None:
        return False
    head = keys.chain(project, History.of(project, profile), "head", shadow)[-1]
    return described == cache.fingerprint(project, head.name)
