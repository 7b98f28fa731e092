"""The application beside a migration that is killed: its statements work as at a commit point."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.engine import running, version_table
from limbeck.engine.terms import PLAIN
from limbeck.history.history import History
from limbeck.lint.probes import asking
from limbeck.lint.probes.concerned import LONGEST
from limbeck.lint.probes.gaps import Gap, Point, gaps
from limbeck.lint.probes.passage import Passage
from limbeck.lint.probes.proving import Change, Subject, passed, prepared
from limbeck.postgres.connect import connect
from limbeck.project.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from limbeck.engine.terms import Committed
    from limbeck.postgres.connect import Connection
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog


@dataclass(frozen=True)
class Application:
    """The statements of an application, and what it lived through in a run that was not killed."""

    subject: Subject
    passage: Passage

    @classmethod
    def beside(
        cls,
        root: Path,
        catalogs: tuple[Catalog, Catalog],
        template: Database,
        copied: Callable[[Database], AbstractContextManager[Database]],
        *,
        filled: bool,
    ) -> Application:
        """Put rows and a role into a database, and run the revisions on a copy of it.

        Args:
            root: the project.
            catalogs: those before and after its revisions.
            template: a database in the state before them.
            copied: yields a copy of a database.
            filled: whether the tables get rows besides those that they have.

        Raises:
            MigrationError: the revisions refuse the rows.

        """
        change = Change(lambda on, committed: _upgrade(root, on, committed), *catalogs)
        with connect(template) as asker:
            targets = change.relations(change.before)[:LONGEST]
            subject = prepared(change, asker, targets, filled=filled)
        with copied(template) as copy, connect(copy) as runner, connect(copy) as asker:
            return cls(subject, passed(change, subject, runner, asker))

    def gaps(self, database: Database) -> Iterator[Gap]:
        """Yield what fails or is seen in a database, though it is not before and not after.

        What the revisions interrupt at a commit point, they may interrupt here as well.
        """
        probes, points = self.subject.probes, self.passage.points
        known = {each for gap in self.passage.gaps for each in _parts(gap)}
        with connect(database) as asker:
            outcomes = asking.ask(asker, probes, self.subject.settings, {})
        now = Point((), tuple(outcomes))
        for gap in gaps(probes, [points[0], now, points[-1]], "plain"):
            new = [action for *rest, action in _parts(gap) if (*rest, action) not in known]
            if new:
                yield replace(gap, actions=tuple(new))


def _parts(gap: Gap) -> Iterator[tuple[object, ...]]:
    return ((gap.kind, gap.relation, action) for action in gap.actions)


def _upgrade(root: Path, connection: Connection, committed: Committed) -> None:
    history = History.of(Project.find(root))
    pending = history.pending(version_table.current(history, connection))
    running.run(history, connection, pending, terms=replace(PLAIN, committed=committed))
