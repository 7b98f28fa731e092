"""Lint both histories of a project with tenants: what exists once, and what each tenant has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.engine import version_table
from limbeck.errors import HistoryError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint import linting
from limbeck.lint.linting import Report
from limbeck.logs import log
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Part, Project
from limbeck.tenants import selection, state


def named(
    project: Project,
    profile: Profile | None,
    names: Sequence[str],
    since: str | None,
    listen: Listener = log,
) -> Report:
    """Return the hazards of revisions that are named, or that the git branch adds.

    Args:
        project: The project, with both histories.
        profile: The environment, for its timeouts.
        names: The revisions, of either history.
        since: A git reference, instead.
        listen: Receives the stages.

    Raises:
        HistoryError: No history has one of them.

    """
    reports: list[Report] = []
    missing, error = set(names), HistoryError("")
    for part in _parts(project):
        own = project.only(part)
        history = History.of(own, profile)
        there: list[str] = []
        for name in names:
            try:
                history.find(name)
            except HistoryError as reason:
                error = reason
            else:
                there.append(name)
        missing -= set(there)
        revisions = linting.chosen(history, there, since)
        reports.append(linting.lint(own, revisions, profile=profile, listen=listen))
    if missing:
        raise error
    return _together(reports)


def pending(
    project: Project, profile: Profile, database: Database, listen: Listener = log
) -> Report:
    """Return the hazards of what is pending: once, and for the tenants that are furthest behind.

    Args:
        project: The project, with both histories.
        profile: The environment.
        database: Its database, for the sizes of tables.
        listen: Receives the stages.

    """
    history = History.of(project.only("tenants"), profile)
    with connect(database, read_only=True, listen=listen) as connection:
        tenants = selection.names(connection, project)
        table = version_table.of(history, connection)
        groups = state.groups(connection, table, tenants)
    reports: list[Report] = []
    if project.has_shared:
        own = replace(project.only("shared"), hides=tenants)
        whole = replace(database, hides=tenants)
        revisions, applied = linting.pending(own, profile, whole, listen)
        reports.append(
            linting.lint(
                own, revisions, applied=applied, profile=profile, database=whole, listen=listen
            )
        )
    for current, first in _starts(history, groups):
        reports.append(
            linting.lint(
                project.only("tenants") if first is None else project.of_tenant(first),
                history.pending(current),
                applied=current,
                profile=profile,
                database=None if first is None else replace(database, tenant=first, hides=()),
                listen=listen,
            )
        )
    return _together(reports)


def _starts(
    history: History, groups: Sequence[state.Group]
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Yield where tenants stand with the name of one, unless others have the same pending."""
    if not groups:
        yield (), None
        return
    seen: set[Revision] = set()
    lacking = {group.first: {*history.pending(group.current)} for group in groups}
    for group in sorted(groups, key=lambda each: len(lacking[each.first]), reverse=True):
        if not lacking[group.first] <= seen:
            seen |= lacking[group.first]
            yield group.current, group.first


def _parts(project: Project) -> tuple[Part, ...]:
    return ("shared", "tenants") if project.has_shared else ("tenants",)


def _together(reports: Sequence[Report]) -> Report:
    """Return reports as one; a revision that several have is in it once."""
    revisions = dict.fromkeys(revision for each in reports for revision in each.revisions)
    return Report(
        tuple(revisions),
        tuple(dict.fromkeys(hazard for each in reports for hazard in each.hazards)),
        tuple(dict.fromkeys(allowed for each in reports for allowed in each.allowed)),
        next((each.environment for each in reports if each.environment), None),
        {id_: passage for each in reports for id_, passage in each.passages.items()},
        tuple(line for each in reports for line in each.timelines),
    )
