"""The majors of Postgres that a project's profiles declare, and which of them a command needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a bare URL is read without settings
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project


def _is_declared(project: Project) -> bool:
    """Return whether a profile mentions the setting; most projects need not read any for it."""
    setting = re.compile(rb"^[ \t]*(?:export[ \t]+)?POSTGRES\b", re.MULTILINE)
    return any(setting.search(path.read_bytes()) for path in project.profiles_dir.glob("*.env"))


def declared(project: Project, profile: Profile | None = None) -> tuple[int, ...]:
    """Return the majors that the environments of a history declare, the lowest first.

    Args:
        project: The project.
        profile: An environment of the history; by default the project's own history.

    """
    if not _is_declared(project):
        return ()
    versions = profile.versions if profile else None
    profiles = (each for each in project.profiles() if each.versions == versions)
    return tuple(sorted({each.postgres for each in profiles if each.postgres}))


def lowest(project: Project) -> int | None:
    """Return the lowest major that any environment declares, which has to accept all SQL."""
    if not _is_declared(project):
        return None
    return min((each.postgres for each in project.profiles() if each.postgres), default=None)


def wanted(project: Project, profile: Profile | None = None) -> int | None:
    """Return the major on which schemas of an environment are tried out; None is any.

    It is the one that the caller chose with `Project.on`, or else the environment's own, or else
    the lowest that the environments of its history declare.
    """
    if project.shadow_major is not None:
        return project.shadow_major
    if profile is not None and profile.postgres is not None:
        return profile.postgres
    return next(iter(declared(project, profile)), None)


def local(project: Project, profile: Profile | None = None) -> int | None:
    """Return the major of the embedded server for an environment; by default the default one.

    It is the one that its profile declares, or that of a branch which it descends from, because
    branches are copied on one server; or else the lowest that any environment declares.
    """
    if not _is_declared(project):
        return None
    profiles = project.profiles()
    branches = {each.branch: each for each in profiles}
    if profile is None:
        name = project.default_environment
        profile = next((each for each in profiles if each.name == name), None)
    passed: set[str] = set()
    while profile is not None and profile.branch not in passed:
        if profile.postgres is not None:
            return profile.postgres
        passed.add(profile.branch)
        profile = branches.get(profile.parent or "")
    return lowest(project)
