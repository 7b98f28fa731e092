"""Previews: a branch for each pull request, created or adopted, migrated, and deleted."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from limbeck.branches import base
from limbeck.branches.base import Branch
from limbeck.dataclass import dataclass
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
    """A migrated preview branch and its URLs; `created` is False if the branch was adopted."""

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
    """Create or adopt a preview branch and migrate it.

    Args:
        project: the project, with its history.
        profile: the environment whose branch is the parent.
        name: the name of the preview, with or without `preview/`.
        reset: reset an existing branch to its parent first.
        ttl: how long a new branch lives; None for no end.
        listen: receives the stages.

    Raises:
        BranchError: the branch exists with another parent, or cannot be created.
        MigrationError: a revision failed.

    """
    place = places.place(project, profile, listen)
    provider, branch = place.provider, branch_name(name)
    end = (datetime.now(UTC) + ttl).replace(microsecond=0) if ttl else None
    adopted, created = base.adopt(provider, branch, place.branch, expires_at=end)
    listen(StageStarted(f"{'created' if created else 'adopted'} the branch {branch}"))
    if reset and not created:
        listen(StageStarted(f"resetting {branch} to {place.branch}"))
        adopted = provider.reset(branch, place.branch)
    url = provider.url(branch)
    own = replace(profile, name=branch, protected=False)
    database = Database.from_url(branch, url)
    plan = planning.plan(project, own, database, listen=listen)
    for waiting in plan.waiting:
        listen(Notice(f"{waiting.revision} {waiting.message} is on hold: {waiting.reason}"))
    report = applying.apply(plan, confirm=lambda _: True, listen=listen)
    return Preview(adopted, created, report, url, provider.url(branch, pooled=True))


def down(project: Project, profile: Profile, name: str, listen: Listener = log) -> bool:
    """Delete a preview branch; return whether it existed.

    Raises:
        BranchError: the branch is protected, or has children.

    """
    place = places.place(project, profile, listen)
    branch = branch_name(name)
    if not any(existing.name == branch for existing in place.provider.all()):
        return False
    place.provider.delete(branch)
    return True


def branch_name(name: str) -> str:
    """Return the name of a preview's branch: `preview/` and the name of the preview."""
    return name if name.startswith(PREFIX) else PREFIX + name
