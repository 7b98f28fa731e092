"""Where revisions are applied: the last entry of each environment about each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from limbeck.dataclass import dataclass
from limbeck.engine.ledger import Entry
from limbeck.errors import LimbeckError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.journal import Journal, journals


@dataclass(frozen=True, slots=True)
class Place:
    """Whether an environment holds a revision, with the last entry of its ledger about it.

    `applied` is None where the database could not be read, or is at a revision without a file.
    """

    environment: str
    protected: bool
    applied: bool | None
    entry: Entry | None = None
    problem: LimbeckError | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What one environment holds of a history; `applied` is None where that is unknown."""

    profile: Profile
    applied: frozenset[str] | None
    entries: Mapping[str, Entry]
    problem: LimbeckError | None = None

    @classmethod
    def of(cls, history: History, profile: Profile, journal: Journal) -> Holding:
        """Return what an environment holds, by its journal."""
        known = {each.id for each in history.revisions()}
        applied: frozenset[str] | None = None
        if journal.current is not None and known.issuperset(journal.current):
            applied = frozenset(each.id for each in history.applied(journal.current))
        # Of several entries about a revision, the last one stays.
        entries = {each.revision: each for each in journal.ledger.entries}
        return cls(profile, applied, entries, journal.problem)

    def place(self, revision: Revision) -> Place:
        """Return the environment as the place of a revision."""
        applied = None if self.applied is None else revision.id in self.applied
        entry = self.entries.get(revision.id)
        return Place(self.profile.name, self.profile.protected, applied, entry, self.problem)


@dataclass(frozen=True, slots=True)
class Moment:
    """A revision of a history, and its places.

    `own` is an environment that keeps this history, if it is not the project's.
    """

    revision: Revision
    places: tuple[Place, ...] = ()
    own: str | None = None


def holdings(
    project: Project, history: History, profiles: Sequence[Profile], listen: Listener = log
) -> tuple[Holding, ...]:
    """Return what each environment holds of a history; the databases are only read."""
    asked = zip(profiles, journals(project, profiles, listen=listen), strict=True)
    return tuple(Holding.of(history, profile, journal) for profile, journal in asked)


def timeline(
    project: Project, profiles: Sequence[Profile], listen: Listener = log
) -> tuple[Moment, ...]:
    """Return the revisions of all histories of some environments, newest first in each.

    Raises:
        HistoryError: The revision files are broken.

    """
    return tuple(_moments(project, profiles, listen))


def _moments(project: Project, profiles: Sequence[Profile], listen: Listener) -> Iterator[Moment]:
    for folder in dict.fromkeys([None, *(each.versions for each in profiles)]):
        sharing = [each for each in profiles if each.versions == folder]
        own = sharing[0] if folder else None
        history = History.of(project, own)
        with history.held():
            held = holdings(project, history, sharing, listen)
            for revision in reversed(history.revisions()):
                places = tuple(each.place(revision) for each in held)
                yield Moment(revision, places, own.name if own else None)
