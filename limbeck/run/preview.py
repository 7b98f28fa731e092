"""Previews: a branch for each pull request, made or adopted, migrated, and taken down again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from limbeck.branches import base
from limbeck.branches.base import Branch
from limbeck.events import Listener, Notice, StageStarted
from limbeck.logs import log
from limbeck.postgres.database import Database
from limbeck.project import places
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run import applying, planning
from limbeck.run.report import Report

PREFIX = "preview/"
TTL = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Preview:
    """A branch that is up: made just now or adopted, migrated, and how to connect to it."""

    branch: Branch
    created: bool
    report: Report
    url: str = field(repr=False)
    pooled_url: str = field(repr=False)


def up(  # noqa: PLR0913 - of what, how, for how long
    project: Project,
    profile: Profile,
    name: str,
    *,
    reset: bool = False,
    ttl: timedelta | None = TTL,
    listen: Listener = log,
) -> Preview:
    """Bring a preview up: its branch is made from the environment's, or adopted, and migrated.

    With `reset` an adopted one is first made a fresh copy of its parent.

    Raises:
        BranchError: the branch is there with another parent, or cannot be made.
        MigrationError: a revision failed.
    """
    place = places.place(project, profile, listen)
    provider, branch = place.provider, branch_name(name)
    end = (datetime.now(UTC) + ttl).replace(microsecond=0) if ttl else None
    made, created = base.adopt(provider, branch, place.branch, expires_at=end)
    listen(StageStarted(f"{'made' if created else 'adopted'} the branch {branch}"))
    if reset and not created:
        listen(StageStarted(f"resetting {branch} to {place.branch}"))
        made = provider.reset(branch, place.branch)
    url = provider.url(branch)
    own = replace(profile, name=branch, protected=False)
    database = Database.from_url(branch, url)
    plan = planning.plan(project, own, database, listen=listen)
    for one in plan.waiting:
        listen(Notice(f"{one.revision} {one.message} waits: {one.reason}"))
    report = applying.apply(plan, confirm=lambda _: True, listen=listen)
    return Preview(made, created, report, url, provider.url(branch, pooled=True))


def down(project: Project, profile: Profile, name: str, listen: Listener = log) -> bool:
    """Take a preview down; False when it was not there.

    Raises:
        BranchError: it is protected, or has children.
    """
    place = places.place(project, profile, listen)
    branch = branch_name(name)
    if not any(one.name == branch for one in place.provider.all()):
        return False
    place.provider.delete(branch)
    return True


def branch_name(name: str) -> str:
    """The branch of a preview: `preview/` and its name."""
    return name if name.startswith(PREFIX) else PREFIX + name
