"""Whether the models are what the history records, known without making either."""

from __future__ import annotations

from limbeck.history.history import History
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shadow import cache, identity, keys


def unchanged(project: Project, profile: Profile | None = None) -> bool:
    """Return True where both catalogs are kept and equal; False means that it is not known.

    Nothing that a catalog is made of is taken on trust: each file is read and hashed.

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
