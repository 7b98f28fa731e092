"""A plan: which revisions would run on which database, before anything has run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from limbeck.engine import offline
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.phased.gates.waiting import Terms, Waiting
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project


class Callbacks(Protocol):
    """What a plan needs of the hooks: they are called by name."""

    def call(self, name: str, *arguments: object) -> None:
        """Call the hook of this name, if there is one."""


@dataclass(frozen=True, slots=True)
class Words:
    """What revisions say they run; each is put into words once, when it is asked for first.

    That takes Alembic, and as long as sending them: a run without a look at them does it while
    the server works.
    """

    history: History
    downgrade: bool
    _known: dict[str, str] = field(default_factory=dict, init=False)

    def known(self, revision: Revision) -> str | None:
        """Return the statements of a revision, if they are rendered already."""
        return self._known.get(revision.id)

    def of(self, revision: Revision) -> str:
        """Return the statements of a revision."""
        if revision.id not in self._known:
            (text,) = offline.sql(self.history, [revision], downgrade=self.downgrade)
            self._known[revision.id] = text
        return self._known[revision.id]


@dataclass(frozen=True, slots=True)
class PlannedRevision:
    """A revision that will run (or be taken back), and the SQL it runs.

    `done` are the steps that an interrupted run has done already, None for one that is not begun;
    `steps` is how many there are, as far as that is known. `late` is one that came into the
    history below the current revision.
    """

    id: str
    message: str
    path: Path
    done: int | None = None
    steps: int | None = None
    late: bool = False
    words: Words = field(kw_only=True, repr=False, compare=False)

    @property
    def sql(self) -> str:
        """The statements, every one ended by a semicolon; they are put into words when asked."""
        return self.words.of(self.words.history.find(self.id)[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to which database; nothing has been done yet.

    `current` are the revisions it is at, () before the first; `target` are those it will be
    at, () is base. `fingerprint` is a hash of all that was seen: of the destination, the current
    revisions and the bytes of the files to run. `waiting` are contract revisions that may not run
    yet, and `gate` how far it may go.
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

    def script(self) -> str:
        """Return the plan as a script for psql, with transactions and version rows.

        Raises:
            HistoryError: a revision asks the database something, so it is no script.

        """
        return offline.script(self.history, revisions(self), downgrade=self.downgrade)


def fingerprint(destination: str, current: Sequence[str], todo: Sequence[Revision]) -> str:
    """Return a hash of what a plan rests on."""
    seen = [destination, *current, *(_content(one.path) for one in todo)]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def revisions(plan: Plan) -> tuple[Revision, ...]:
    """Return the revisions of a plan as the files have them now."""
    return tuple(plan.history.find(one.id)[0] for one in plan.revisions)


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
