"""The models' schema without the differences to the history that a project accepts or ignores."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.dataclass import dataclass
from limbeck.history import accepted
from limbeck.history.accepted import Entry
from limbeck.plurals import counted
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff.settling import Difference, settled


@dataclass(frozen=True, slots=True)
class Settled:
    """The catalog; the differences that were left out; and entries that apply to none.

    `refused` are the entries about objects that Postgres refuses, see `Models`.
    """

    catalog: Catalog
    left_out: tuple[Difference, ...] = ()
    refused: tuple[Entry, ...] = ()
    idle: tuple[Entry, ...] = ()

    def notes(self) -> Iterator[str]:
        """Yield what to report: how much was left out, and what has become superfluous."""
        if self.left_out:
            yield f"{counted(len(self.left_out), 'accepted difference')} left out"
        if self.refused:
            count = counted(len(self.refused), "object")
            yield f"{count} of the models left out, which Postgres refuses (accepted.toml)"
        yield from (entry.idle for entry in self.idle)


def settle(project: Project, recorded: Catalog, models: Catalog) -> Settled:
    """Return the catalog of the models as `generate` and `check` take it.

    Raises:
        ConfigurationError: the project's accepted.toml is wrong.

    """
    every = accepted.read(project)
    entries = [entry for entry in every if entry.attribute != accepted.REFUSED]
    refused = tuple(entry for entry in every if entry.attribute == accepted.REFUSED)
    if not entries and not project.ignore.patterns:
        return Settled(models, refused=refused)
    catalog, left_out = settled(
        recorded,
        models,
        lambda each: project.ignore.ignores(each) or any(e.accepts(each) for e in entries),
    )
    idle = (entry for entry in entries if not any(entry.accepts(each) for each in left_out))
    return Settled(catalog, left_out, refused, tuple(idle))


def without_ignored(project: Project, recorded: Catalog, live: Catalog) -> Catalog:
    """Return the catalog of a database without the differences that a project ignores."""
    if not project.ignore.patterns:
        return live
    return settled(recorded, live, project.ignore.ignores)[0]
