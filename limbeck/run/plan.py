"""A plan: which revisions would run on which database, before anything has run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from limbeck.dataclass import dataclass
from limbeck.engine import offline
from limbeck.errors import ConfigurationError
from limbeck.history.baseline import Baseline
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.paths import shown
from limbeck.phased.gates.waiting import Terms, Waiting
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.own_objects import OwnObject
from limbeck.shell import command

if TYPE_CHECKING:
    from limbeck.run.reverting import Reversal


class Callbacks(Protocol):
    """What a plan needs of its hooks: they are called by name."""

    def call(self, name: str, *arguments: object) -> None:
        """Call the hook of this name, if there is one."""


@dataclass(frozen=True, slots=True)
class Words:
    """The SQL of revisions, rendered when it is first asked for.

    Rendering imports Alembic, takes as long as sending the statements, and runs the revision's
    Python offline: a run whose plan nobody looks at does not render it.
    """

    history: History
    downgrade: bool
    _known: dict[str, str] = field(default_factory=dict, init=False)

    def of(self, revision: Revision) -> str:
        """Return the statements of a revision."""
        if revision.id not in self._known:
            (text,) = offline.sql(self.history, [revision], downgrade=self.downgrade)
            self._known[revision.id] = text
        return self._known[revision.id]


@dataclass(frozen=True, slots=True)
class PlannedRevision:
    """A revision that will be applied or downgraded, and its SQL.

    `done` counts the steps that an interrupted run has completed, None if it has not begun;
    `steps` counts all of them, if known. `late` marks a revision that entered the history below
    the current revision. `reversal` takes back a revision whose upgrade was interrupted, instead of
    its `downgrade`.
    """

    id: str
    message: str
    path: Path
    done: int | None = None
    steps: int | None = None
    late: bool = False
    reversal: Reversal | None = None
    words: Words = field(kw_only=True, repr=False, compare=False)

    @property
    def sql(self) -> str:
        """The statements, each ended by a semicolon; rendered when it is first asked for."""
        if self.reversal is not None:
            return self.reversal.sql
        return self.words.of(self.words.history.find(self.id)[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """The revisions that would run on a database; nothing has run yet.

    `current` are the rows of its version table now, () before the first revision; `target` those
    after the run, () is base. `fingerprint` is a hash of the destination, the current revisions
    and the bytes of the files to run. `waiting` are contract revisions on hold, and `gate` says
    how far the environment goes. `own` are the objects that only this database has and that the
    plan takes away, cannot remove, or carries over. `baseline` is created before the revisions run.
    `recording` says that the revisions are only recorded as applied: their schema was pushed.
    """

    environment: str
    destination: str
    protected: bool
    current: tuple[str, ...]
    target: tuple[str, ...]
    revisions: tuple[PlannedRevision, ...]
    downgrade: bool
    fingerprint: str
    project: Project = field(repr=False, compare=False)
    profile: Profile = field(repr=False, compare=False)
    history: History = field(repr=False, compare=False)
    database: Database = field(repr=False, compare=False)
    hooks: Callbacks = field(repr=False, compare=False)
    waiting: tuple[Waiting, ...] = ()
    gate: Terms | None = field(default=None, repr=False, compare=False)
    own: tuple[OwnObject, ...] = ()
    baseline: Baseline | None = None
    recording: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.revisions and self.baseline is None

    def script(self) -> str:
        """Return the plan as a script for psql, with transactions and version rows.

        Raises:
            HistoryError: a revision queries the database, so it cannot be a script.
            ConfigurationError: the plan begins with a baseline, which is a script of its own.

        """
        if self.baseline is not None:
            psql = command("psql", "-1", "-v", "ON_ERROR_STOP=1", "-f", shown(self.baseline.path))
            stamp = command("limbeck", "stamp", "-e", self.environment, self.baseline.at)
            raise ConfigurationError(
                f"the plan begins with {self.baseline}, which is no part of a script",
                hint=f"Run it by itself, then ask again: {psql}, {stamp}",
            )
        halves = [each.reversal for each in self.revisions if each.reversal]
        texts = [half.script() for half in halves]
        rest = revisions(self)[len(halves) :]
        if rest:
            bodies = not self.recording
            texts.append(
                offline.script(self.history, rest, downgrade=self.downgrade, bodies=bodies)
            )
        return "\n\n".join(texts)


def fingerprint(
    destination: str,
    current: Sequence[str],
    planned: Sequence[Revision],
    baseline: Baseline | None = None,
) -> str:
    """Return a hash of what a plan rests on: the destination, its revisions, the files to run."""
    parts = [destination, *current, *(revision.digest for revision in planned)]
    parts += [baseline.digest] if baseline else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def revisions(plan: Plan) -> tuple[Revision, ...]:
    """Return the revisions of a plan as their files are now."""
    known = {revision.id: revision for revision in plan.history.revisions()}
    return tuple(known.get(each.id) or plan.history.find(each.id)[0] for each in plan.revisions)
