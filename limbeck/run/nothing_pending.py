"""Remember that a plan was empty: while nothing has changed since, the next one is, too.

Without this, `migrate` reads the head of each revision file and each row of the ledger to learn
that nothing is pending. An empty plan depends only on the files, the version rows and the ledger.
It is valid as long as the files have the same names, times and sizes, and the server computes the
same hash of the rows.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from limbeck.engine.ledger import Ledger
from limbeck.paths import write_whole
from limbeck.run.route import Route

if TYPE_CHECKING:
    from limbeck.engine.state import Brief, State
    from limbeck.history.history import History
    from limbeck.postgres.database import Database
    from limbeck.project.project import Project


class Memo(NamedTuple):
    """An empty plan: the state of the files, the version rows and the ledger, and its target."""

    files: str
    current: tuple[str, ...]
    rows: str
    target: tuple[str, ...]

    @classmethod
    def saved(cls, place: Path | None, history: History) -> Self | None:
        """Return the memo of a place, or None where there is none, or a file has changed."""
        if place is None:
            return None
        try:
            files, current, rows, target = json.loads(place.read_bytes())
            memo = cls(files, tuple(current), rows, tuple(target))
        except (OSError, ValueError, TypeError):
            return None
        return memo if memo.files == history.state() else None

    def holds(self, brief: Brief) -> bool:
        """Return whether the database is in the same state still."""
        return (brief.recorded, brief.hash) == (self.current, self.rows)

    def route(self, history: History) -> Route:
        """Return the route of the empty plan."""
        return Route(history, self.current, (), Ledger(), end=self.target)


def place(project: Project, history: History, database: Database, to: str) -> Path | None:
    """Return the file of the memo of a database; None where the cache is off.

    Args:
        project: The project.
        history: The history of the environment.
        database: The database.
        to: The revision of the plan; of none but the head is a memo kept.

    """
    if not project.cache or to != "head":
        return None
    names = [database.destination, *map(str, history.folders)]
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    return project.home / "cache" / f"pending-{key}"


def remember(place_: Path | None, start: State, route: Route) -> None:
    """Save the memo of an empty plan without notices, where a change of what it rests on shows.

    Args:
        place_: The file; None to save nothing.
        start: The state of the database.
        route: The route of the plan.

    """
    files = route.history.state()
    if place_ is not None and files is not None and start.hash is not None:
        memo = Memo(files, start.recorded, start.hash, route.target())
        write_whole(place_, json.dumps(memo).encode())
