"""Compare a half-done revision with the catalog; used by `repair` and by `rollback`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from limbeck.engine.ledger import Entry, Ledger
from limbeck.errors import MigrationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import Connection
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog, Change
from limbeck.schema.catalog.read import read
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay, searched

Standing: TypeAlias = Literal["done", "undone", "half", "unknown", "failing", "deleted"]
"""What the catalog of the database says of an interrupted run of a revision.

"done": it has all that the run would have changed. "undone": it has nothing of it. "half": it has
some. "unknown": the revision changes rows only. "failing": it fails on the shadow, too, so that
only the schema before it is known. "deleted": the revision has no file any more.
"""


@dataclass(frozen=True, slots=True)
class Half:
    """A revision whose run was interrupted after some steps.

    Args:
        revision: Its id.
        message: Its message.
        action: "upgrade" or "downgrade".
        steps: The number of committed steps.
        doubt: Whether a statement outside of a transaction was begun after them.
        path: Its file; None if it is missing.
        standing: What the catalog says of it.
        missing: What the database lacks of a run that is done.
        left: What it has of a run that is undone.

    """

    revision: str
    message: str
    action: str
    steps: int
    doubt: bool
    path: Path | None
    standing: Standing
    missing: tuple[Change, ...] = ()
    left: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """The ids in the version table without a revision and with it."""

    without: tuple[str, ...]
    with_it: tuple[str, ...]

    @classmethod
    def of(cls, history: History, current: Sequence[str], revision: Revision) -> Sides:
        """Return the sides of a revision on a database at the current ones."""
        known = {each.id for each in history.revisions()}
        applied = {each.id for each in history.applied([id_ for id_ in current if id_ in known])}
        return cls(history.tops(applied - {revision.id}), history.tops(applied | {revision.id}))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A database that is compared with replays of its history."""

    project: Project
    profile: Profile
    live: Catalog
    path: tuple[str, ...]
    listen: Listener

    @classmethod
    def of(
        cls, project: Project, profile: Profile, connection: Connection, listen: Listener
    ) -> Comparison:
        """Return the comparison for the database of a connection."""
        live = read(connection, filters=filters(project))
        return cls(project.on(live.major), profile, live, searched(connection), listen)

    def replay(self, ids: Sequence[str]) -> Replay:
        """Return the replay up to the revisions that a version table names."""
        to = ",".join(ids) or "base"
        return Replay(self.project, to, self.profile, self.listen, self.path)

    def half(self, history: History, current: Sequence[str], entry: Entry) -> Half:
        """Return what the catalog says of an interrupted revision."""
        about = (entry.revision, entry.message, entry.action, entry.steps, entry.doubt is not None)
        known = {each.id: each for each in history.revisions()}
        revision = known.get(entry.revision)
        if revision is None:
            return Half(*about, None, "deleted")
        sides = Sides.of(history, current, revision)
        without = self.replay(sides.without).catalog()
        try:
            with_it = self.replay(sides.with_it).catalog()
        except MigrationError:  # it fails on the shadow as it did here
            left = self.live.changes_to(without)
            return Half(*about, revision.path, "failing", left=left)
        done, undone = (with_it, without) if entry.action == "upgrade" else (without, with_it)
        touched = {change.address for change in undone.changes_to(done)}
        missing, left = (
            tuple(each for each in self.live.changes_to(side) if each.address in touched)
            for side in (done, undone)
        )
        standing: Standing = "half" if missing and left else "undone" if missing else "done"
        return Half(*about, revision.path, standing if touched else "unknown", missing, left)


def halves(
    comparison: Comparison, history: History, current: Sequence[str], entries: Ledger
) -> tuple[Half, ...]:
    """Return the half-done revisions of a database.

    Args:
        comparison: the database.
        history: its revision files.
        current: the rows of its version table.
        entries: its ledger.

    """
    begun = entries.interrupted().values()
    return tuple(comparison.half(history, current, entry) for entry in begun)
