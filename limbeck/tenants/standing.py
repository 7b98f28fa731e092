"""Where an environment with tenants stands: what exists once, and each group of tenants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from limbeck.dataclass import dataclass
from limbeck.engine import version_table
from limbeck.errors import LimbeckError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.phased.backfill import state as backfills
from limbeck.postgres.connect import connect
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Part, Project
from limbeck.run import environments
from limbeck.run.status import Finding, Status, findings
from limbeck.shell import for_tenant
from limbeck.tenants import remembered, selection, state


@dataclass(frozen=True, slots=True)
class Alike:
    """Tenants at the same revisions with the same objects and the same verified backfills.

    `status` is the state of the first of them.
    """

    tenants: tuple[str, ...]
    status: Status

    @property
    def name(self) -> str:
        """What they are called together."""
        others = len(self.tenants) - 1
        return self.tenants[0] if not others else f"{self.tenants[0]} and {others} more"

    def addressed(self, hint: str) -> str:
        """Return a hint with commands for the first of them; `migrate` is for all of them."""
        return for_tenant(hint, self.tenants[0], alone=len(self.tenants) == 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """One environment: what exists once, and its tenants; `problem` says why it is not known."""

    environment: str
    shared: Status | None
    alike: tuple[Alike, ...] = ()
    problem: LimbeckError | None = None
    tenants: tuple[str, ...] = field(default=())


def standing(project: Project, profile: Profile, listen: Listener = log) -> Standing:
    """Return where an environment stands; of tenants that are alike, one is read.

    Args:
        project: The project, with both histories.
        profile: The environment.
        listen: Receives the stages.

    """
    try:
        groups, tenants = _groups(project, profile, listen)
    except LimbeckError as error:
        return Standing(profile.name, None, problem=error)
    shared = None
    if project.has_shared:
        own = replace(project.only("shared"), hides=tenants)
        (shared,) = environments.status(own, [profile], listen=listen)
    alike = tuple(
        Alike(names, environments.status(project.of_tenant(names[0]), [profile], listen=listen)[0])
        for names in groups
    )
    return Standing(profile.name, shared, alike, tenants=tenants)


def _groups(
    project: Project, profile: Profile, listen: Listener
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Return the tenants in groups that are alike in every way, and all of them."""
    history = History.of(project.only("tenants"), profile)
    database = urls.database(project, profile, listen)
    with connect(database, read_only=True, listen=listen) as connection:
        tenants = selection.names(connection, project)
        table = version_table.of(history, connection)
        recorded = state.groups(connection, table, tenants)
        alike = remembered.alike(connection, project, database, tenants)
        filled = backfills.alike(connection)
    objects, rows = _numbered(alike), _numbered(filled)
    kinds = {name: (objects[name], rows.get(name)) for name in tenants}
    groups = [tuple(_parted(group.tenants, kinds)) for group in recorded]
    return tuple(sorted(names for parts in groups for names in parts)), tenants


def _numbered(groups: Sequence[Sequence[str]]) -> dict[str, int]:
    return {name: number for number, names in enumerate(groups) for name in names}


def _parted(names: Sequence[str], kinds: Mapping[str, object]) -> Iterator[tuple[str, ...]]:
    """Yield the names of each kind."""
    for kind in dict.fromkeys(kinds[name] for name in names):
        yield tuple(name for name in names if kinds[name] == kind)


def check(
    project: Project, profiles: Sequence[Profile], listen: Listener = log
) -> tuple[Finding, ...]:
    """Return the findings about both histories, the models, and each group of tenants.

    Args:
        project: The project, with both histories.
        profiles: The environments.
        listen: Receives the stages.

    """
    parts: tuple[Part, ...] = ("shared", "tenants") if project.has_shared else ("tenants",)
    recorded = [
        finding
        for part in parts
        for finding in environments.unrecorded(project.only(part), None, listen)
    ]
    standings = [standing(project, profile, listen) for profile in profiles]
    return (*recorded, *(finding for each in standings for finding in _findings(each)))


def _findings(standing_: Standing) -> Iterator[Finding]:
    if standing_.problem:
        name, problem = standing_.environment, standing_.problem
        yield Finding("unreachable", name, problem.message, problem.hint)
    if standing_.shared:
        yield from findings(standing_.shared)
    for alike in standing_.alike:
        for finding in findings(alike.status):
            name = f"{standing_.environment}, {alike.name}"
            hint = alike.addressed(finding.hint) if finding.hint else None
            yield replace(finding, environment=name, hint=hint)
