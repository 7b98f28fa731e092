"""Probe a revision at its commit points while it is rehearsed, on the data of an environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import psycopg

from limbeck.dataclass import dataclass
from limbeck.engine.terms import Committed
from limbeck.errors import LimbeckError
from limbeck.events import Listener, Notice
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.probes import phased
from limbeck.lint.probes.concerned import concerned
from limbeck.lint.probes.passage import Passage
from limbeck.lint.probes.proving import Change, probe_on
from limbeck.lint.trace.observer import Observer
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

    history: History
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
        subject = self._subject(revision)
        if subject is None or not subject.touched:
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

        role = phased.role_of(revision)
        middle = subject.after if role == "expand" else subject.before
        change = Change(
            observed,
            subject.before,
            subject.after,
            role,
            phased.wrong(phased.backfills(self.history, revision), middle),
            create_role=False,
            touched=subject.touched,
            real=True,
        )
        # As a session of an application: policies hide rows from its statements.
        with connect(replace(self.database, row_security=None)) as asker:
            passage = probe_on(change, connection, asker)
        self.seconds = time.monotonic() - began - running
        return passage

    def _timed(self, committed: Committed) -> Committed:
        def timed(statements: Sequence[tuple[str, str | None]]) -> None:
            began = time.monotonic()
            committed(statements)
            self.seconds += time.monotonic() - began

        return timed

    def _subject(self, revision: Revision) -> _Subject | None:
        """Return the branch before and after a revision that may be seen half done."""
        role = phased.role_of(revision)
        if role == "plain" and not revision.commits:
            return None
        try:
            before, after = self._recorded(revision)
            application = after if role == "contract" else before
            targets = concerned(before, after, probed=application)
            with connect(self.database) as connection:
                everything = replace(filters(self.project), grants=True)
                branch = read(connection, filters=everything)
        except (LimbeckError, psycopg.Error) as error:
            self.listen(Notice(f"{revision} is rehearsed without probes: {error}"))
            return None
        return _Subject(branch, _changed(branch, before, after), tuple(targets))

    def _recorded(self, revision: Revision) -> tuple[Catalog, Catalog]:
        """Return the catalogs that the history has before and after a revision."""
        names = (",".join(revision.parents) or "base", revision.id)
        replays = (Replay(self.project, name, self.profile, self.listen) for name in names)
        before, after = (replay.catalog() for replay in replays)
        return before, after


@dataclass(frozen=True, slots=True)
class _Subject:
    """The catalogs of the branch before and after a revision, and the relations it changes."""

    before: Catalog
    after: Catalog
    touched: tuple[Address, ...]


def _changed(branch: Catalog, before: Catalog, after: Catalog) -> Catalog:
    """Return the catalog of a branch with the change that a revision makes to the history.

    What only the branch has stays, such as the privileges of its roles.
    """
    objects = dict(branch.objects)
    for change in before.changes_to(after):
        if change.after is None:
            objects.pop(change.address, None)
        else:
            objects[change.address] = change.after
    return replace(branch, objects=objects, depends={**branch.depends, **after.depends})
