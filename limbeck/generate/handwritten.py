"""Write a revision for code of the user's own: `limbeck revision`, empty or for rows in batches."""

from __future__ import annotations

from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.engine import running
from limbeck.events import Listener, StageStarted
from limbeck.generate import batches, rows_test
from limbeck.generate.draft import draft
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.history.writing import write
from limbeck.logs import log
from limbeck.postgres.connect import connect
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.objects.address import Address
from limbeck.shadow.replay import Replay


@dataclass(frozen=True, slots=True)
class Written:
    """The revision that was written; for one that changes rows, their table and its test."""

    revision: Revision
    table: Address | None = None
    test: Path | None = None


def empty(project: Project, profile: Profile | None, message: str) -> Written:
    """Write a revision without any statement after the head.

    Raises:
        SeveralHeadsError: There are several heads.

    """
    history = History.of(project, profile)
    path = write(history, message)
    return Written(next(each for each in history.revisions() if each.path == path))


def data(
    project: Project,
    profile: Profile | None,
    message: str,
    *,
    table: str | None = None,
    listen: Listener = log,
) -> Written:
    """Write a revision that changes the rows of a table in batches, and its test.

    As written, the revision changes no row: the author says which rows it changes, and how. It is
    written only if it runs on the shadow.

    Args:
        project: The project, with its history.
        profile: An environment with a history of its own.
        message: The message of the revision.
        table: The table; it may be left out where the history makes only one.
        listen: Receives the stages.

    Raises:
        SeveralHeadsError: There are several heads.
        ConfigurationError: There is no such table, or it has no primary key.
        MigrationError: The history does not replay.

    """
    history = History.of(project, profile)
    history.head()  # refuses several before anything is replayed
    replay = Replay(project, profile=profile, listen=listen)
    rows = batches.batches(replay.catalog(), table)
    with draft(project, history) as unfinished:
        written = unfinished.write(message, rows.upgrade, rows.downgrade, data=rows.constants)
        listen(StageStarted("running the revision on the shadow"))
        shadow = replay.shadow
        with shadow.scratch(replay.template()) as database, connect(database) as connection:
            running.run(unfinished.history, connection, [written])
        unfinished.keep()
    revision = history.find(written.id)[0]
    return Written(revision, rows.table, rows_test.write(project, profile, revision, rows))
