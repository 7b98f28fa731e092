"""A plan of a push: what it would do to a database, proved on the shadow; and its report."""

from __future__ import annotations

from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.engine.pushes import Push, Pushed
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.difference import Mark
from limbeck.schema.diff.script import script
from limbeck.schema.diff.steps import Step


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements that bring a database to the models; none if it has their schema.

    `current` are the rows of its version table, `pushed` is what was pushed since. `tables` is the
    number of those that were compared. `text` is the draft that runs, and `push` the row for the
    ledger. `live` is the schema that the database had at the moment of the mark `since`.
    """

    environment: str
    destination: str
    current: tuple[str, ...]
    pushed: Pushed | None
    steps: tuple[Step, ...]
    tables: int
    push: Push
    text: str = field(repr=False)
    live: Catalog = field(repr=False, compare=False)
    since: Mark = field(repr=False, compare=False)
    project: Project = field(repr=False, compare=False)
    profile: Profile = field(repr=False, compare=False)
    database: Database = field(repr=False, compare=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to run, and no interrupted push to complete."""
        return not self.steps and (self.pushed is None or self.pushed.interrupted is None)

    def script(self) -> str:
        """Return the statements as a script for psql, in transactions where Postgres allows one."""
        return script(self.steps)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a push: its plan, and how long its statements took."""

    plan: Plan
    seconds: float = 0.0
