"""Probe a revision at its commit points while it is rehearsed, on the data of an environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import psycopg

from limbeck.engine.terms import Committed
from limbeck.errors import LimbeckError
from limbeck.events import Listener, Notice
from limbeck.history.revisions import Revision
from limbeck.lint.probes.concerned import concerned
from limbeck.lint.probes.gaps import Role
from limbeck.lint.probes.passage import Passage
from limbeck.lint.probes.proving import Change, probe_on
from limbeck.lint.trace.observer import Observer
from limbeck.phased import phases
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay


@dataclass(slots=True)
class Probing:
    """The branch on which revisions are probed.

    `seconds` is how long the probes of the last revision took, which are no part of its duration.
    """

    project: Project
    profile: Profile
    database: Database
    listen: Listener
    seconds: float = 0.0

    def passage(
        self,
        revision: Revision,
        connection: Connection,
        observer: Observer,
        run: Callable[[], None],
    ) -> Passage | None:
        """Run a revision, and probe at its commit points if it may commit more than once.

        Args:
            revision: what runs.
            connection: where it runs.
            observer: reports what is committed.
            run: runs it.

        """
        began, self.seconds = time.monotonic(), 0.0
        catalog, targets = self._subject(revision)
        if catalog is None or not targets:
            self.seconds = time.monotonic() - began
            run()
            return None
        running = 0.0

        def observed(_: Connection, committed: Committed) -> None:
            nonlocal running
            observer.committed = self._timed(committed)
            started = time.monotonic()
            try:
                run()
                observer.report()
            finally:
                observer.committed = None
                running = time.monotonic() - started - self.seconds

        change = Change(
            observed,
            catalog,
            catalog,
            _role(revision),
            create_role=False,
            touched=targets,
            real=True,
        )
        with connect(self.database) as asker:
            passage = probe_on(change, connection, asker)
        self.seconds = time.monotonic() - began - running
        return passage

    def _timed(self, committed: Committed) -> Committed:
        def timed(statements: Sequence[tuple[str, str | None]]) -> None:
            began = time.monotonic()
            committed(statements)
            self.seconds += time.monotonic() - began

        return timed

    def _subject(self, revision: Revision) -> tuple[Catalog | None, tuple[Address, ...]]:
        """Return the catalog of the branch, and the tables that the history says are changed."""
        if not (_commits(revision) or phases.of(revision)):
            return None, ()
        try:
            targets = self._changed(revision)
            with connect(self.database) as connection:
                everything = replace(filters(self.project), grants=True)
                return read(connection, filters=everything), targets
        except (LimbeckError, psycopg.Error) as error:
            self.listen(Notice(f"{revision} is rehearsed without probes: {error}"))
            return None, ()

    def _changed(self, revision: Revision) -> tuple[Address, ...]:
        parents = ",".join(revision.parents) or "base"
        before, after = (
            Replay(self.project, name, self.profile, self.listen).catalog()
            for name in (parents, revision.id)
        )
        return tuple(concerned(before, after))


def _commits(revision: Revision) -> bool:
    """Return whether a revision may commit before its end, as far as its text tells."""
    text = revision.path.read_text(encoding="utf-8")
    return "autocommit_block" in text or "COMMIT" in text.upper()


def _role(revision: Revision) -> Role:
    """Return "expand" for one; the catalog after a contract is not known before it has run."""
    phase = phases.of(revision)
    return "expand" if phase is not None and phase.kind == "expand" else "plain"
