"""Find the databases of a fleet that are alike, and what sets each group of them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.fleet.site import site
from limbeck.postgres.connect import connect
from limbeck.run.drift import outermost
from limbeck.schema.catalog.read import read
from limbeck.shadow.replay import Replay, searched
from limbeck.shadow.settled import without_ignored

if TYPE_CHECKING:
    from limbeck.events import Listener
    from limbeck.fleet.fleet import Overview
    from limbeck.fleet.outcome import Outcome
    from limbeck.schema.catalog.catalog import Change


@dataclass(frozen=True, slots=True)
class Difference:
    """Databases with one catalog, their revisions, and how they differ from a replay of those."""

    members: tuple[str, ...]
    current: tuple[str, ...]
    changes: tuple[Change, ...]


def differences(overview: Overview, listen: Listener) -> tuple[Difference, ...]:
    """Return the groups of databases that are alike, most databases first.

    One database of each group is compared with a replay of its revisions.

    Args:
        overview: Where the databases stand, with hashes of their catalogs.
        listen: Receives the stages of a replay.

    Raises:
        LimbeckError: A database cannot be read any more, or its revisions cannot be replayed.

    """
    alike: dict[tuple[str, tuple[str, ...], int], list[Outcome]] = {}
    unknown = {name for group in overview.groups if group.problem for name in group.members}
    for outcome in overview.outcomes:
        if outcome.start and outcome.contents and outcome.member not in unknown:
            key = outcome.contents, outcome.start.recorded, outcome.start.major
            alike.setdefault(key, []).append(outcome)
    ordered = sorted(alike.items(), key=lambda item: -len(item[1]))
    return tuple(
        Difference(
            tuple(outcome.member for outcome in outcomes),
            recorded,
            _changes(overview, outcomes[0].member, recorded, major, listen),
        )
        for (_, recorded, major), outcomes in ordered
    )


def _changes(
    overview: Overview, name: str, recorded: tuple[str, ...], major: int, listen: Listener
) -> tuple[Change, ...]:
    here = site(overview.reference)
    with connect(here.database(name), read_only=True) as connection:
        path = searched(connection)
        live = read(connection, filters=here.filters())
    project = here.project.on(major)
    revisions = ",".join(recorded) or "base"
    catalog = Replay(project, revisions, here.fleet.profile, listen, path).catalog()
    return outermost(catalog.changes_to(without_ignored(project, catalog, live)))
