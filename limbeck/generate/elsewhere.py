"""Prove a revision on more than one major: the lowest and the highest that the profiles declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from limbeck.dataclass import dataclass
from limbeck.errors import ModelsError, ProofError, ServerError
from limbeck.events import Listener
from limbeck.generate import proof
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.project import majors
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow
from limbeck.stages import Stage, staged

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Majors:
    """The project on the lowest declared major that starts, and on the highest if that is another.

    `missing` are declared majors without a server. With nothing declared the shadow has any major.
    """

    project: Project
    others: tuple[Project, ...] = ()
    missing: tuple[int, ...] = ()
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A change on another major: the replayed history, and the catalogs before and after it."""

    replay: Replay
    before: Catalog
    after: Catalog

    @property
    def major(self) -> int:
        """The major."""
        return self.before.major

    def prove(self, history: History, revisions: Sequence[Revision]) -> None:
        """Run drafted revisions up and down on this major, and compare the catalogs.

        Raises:
            ProofError: They fail there, or make something else than the models.

        """
        with staged(self.replay.listen, f"proving on Postgres {self.major}", "statement") as stage:
            _on(self.major, lambda: self._prove(history, revisions, stage))

    def _prove(self, history: History, revisions: Sequence[Revision], stage: Stage) -> None:
        own = filters(self.replay.project)
        with self.replay.shadow.scratch(self.replay.template()) as database:
            up = proof.run(history, revisions, database, own, stage)
            proof.compare("upgrade", up, self.after)
            down = proof.run(history, revisions[::-1], database, own, stage, downgrade=True)
            proof.compare("downgrade", down, self.before)


def choose(project: Project, profile: Profile | None, listen: Listener) -> Majors:
    """Return the majors to prove a revision of a history on; their servers are started."""
    declared = majors.declared(project, profile)
    if project.shadow_major is not None or not declared:
        return Majors(project, declared=False)
    missing: list[int] = []

    def starting(candidates: Iterable[int]) -> Iterator[Project]:
        for major in candidates:
            try:
                Shadow.of(project.on(major), profile, listen=listen)
            except ServerError:
                missing.append(major)
            else:
                yield project.on(major)

    lowest = next(starting(declared), None)
    if lowest is None:
        return Majors(project, missing=tuple(missing))
    above = [major for major in reversed(declared) if major > (lowest.shadow_major or 0)]
    highest = next(starting(above), None)
    return Majors(lowest, (highest,) if highest else (), tuple(sorted(missing)))


def change(
    project: Project,
    profile: Profile | None,
    narrowed: Callable[[Project, Replay, tuple[Catalog, Catalog]], Catalog],
    listen: Listener,
) -> Elsewhere:
    """Return the change between the history and the models on another major.

    Args:
        project: The project, with a shadow of that major.
        profile: An environment with a history of its own.
        narrowed: Returns the catalog after those changes that the revision contains.
        listen: Receives the stages.

    Raises:
        ModelsError: That major cannot create the models.
        ProofError: The selected changes need other changes there.

    """

    def changed() -> Elsewhere:
        replay = Replay(project, "head", profile, listen)
        before, after = replay.catalog(), Models(project, profile, listen).catalog()
        return Elsewhere(replay, before, narrowed(project, replay, (before, after)))

    return _on(project.shadow_major, changed)


def _on(major: int | None, step: Callable[[], Value]) -> Value:
    """Return the value of a step; its errors name the major."""
    try:
        return step()
    except (ModelsError, ProofError) as error:
        error.message = f"on Postgres {major}: {error.message}"
        error.args = (error.message,)
        raise
