"""The two URLs of an environment: the direct one and the pooled one; for `limbeck url`."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.events import Listener
from limbeck.logs import log
from limbeck.project import neon
from limbeck.project import urls as places
from limbeck.project.profile import Profile
from limbeck.project.project import Project


@dataclass(frozen=True, slots=True)
class Urls:
    """Both URLs of an environment, with their passwords.

    They are equal if no pooler is known. `branch` is the branch at Neon, if the environment is one.
    """

    environment: str
    branch: str | None
    direct: str = field(repr=False)
    pooled: str = field(repr=False)


def urls(project: Project, profile: Profile, listen: Listener = log) -> Urls:
    """Return the URLs of an environment: the direct one for DDL, the pooled one for applications.

    Raises:
        ConfigurationError: there is no URL, or one that must not be used; names where it is set.
        ServerError: the embedded server does not start.
        NeonError: Neon's API refuses the request.

    """
    from limbeck.postgres import url as texts  # noqa: PLC0415 - psycopg only when it is needed

    if places.find_url(project, profile).neon and profile.neon_branch:
        provider = neon.branches(project, profile)
        direct, pooled = (provider.url(profile.neon_branch, pooled=each) for each in (False, True))
        return Urls(profile.name, profile.neon_branch, direct, pooled)
    direct = places.database(project, profile, listen).url
    parameters = texts.parse(direct)
    pooled = texts.render(texts.pooled(parameters))
    return Urls(profile.name, profile.neon_branch, direct, pooled)
