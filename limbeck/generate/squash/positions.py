"""The current revisions of the environments: none may be in the middle of a squash."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.engine.version_table import of, recorded
from limbeck.errors import CheckFailedError, LimbeckError
from limbeck.events import Listener, Notice
from limbeck.generate.squash.line import Line
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.shell import command


def refuse_middle(project: Project, history: History, line: Line, listen: Listener) -> None:
    """Raise an error if an environment has applied some of the revisions, but not all.

    An environment that cannot be read is reported in a notice.

    Raises:
        CheckFailedError: An environment is in the middle.

    """
    stuck = [
        (profile, [id_ for id_ in current if id_ in line.middle])
        for profile, current in _current(project, history, listen)
        if set(current) & set(line.middle)
    ]
    if stuck:
        where = "; ".join(f"{profile.name} is at {', '.join(ids)}" for profile, ids in stuck)
        name, at = stuck[0][0].name, stuck[0][1][0]
        raise CheckFailedError(
            f"an environment is in the middle of the revisions: {where}",
            hint="First apply the rest: "
            f"{command('limbeck', 'migrate', '-e', name, '--to', line.last.id)}. "
            f"Or squash only up to there: {command('limbeck', 'squash', '--to', at)}",
        )


def _current(
    project: Project, history: History, listen: Listener
) -> Iterator[tuple[Profile, tuple[str, ...]]]:
    for profile in project.profiles():
        if History.of(project, profile).folder != history.folder:
            continue
        try:
            database = urls.database(project, profile, listen)
            with connect(database, read_only=True, listen=listen) as connection:
                yield profile, recorded(connection, of(history, connection))
        except LimbeckError as error:
            listen(Notice(f"the revision of {profile.name} is unknown: {error.message}"))
