"""Where the environments are: none may be in the middle of what is replaced."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.engine.version_table import recorded
from limbeck.errors import CheckFailedError, LimbeckError
from limbeck.events import Listener, Notice
from limbeck.generate.squash.line import Line
from limbeck.history.history import History
from limbeck.postgres.connect import connect
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project


def refuse_middle(project: Project, history: History, line: Line, listen: Listener) -> None:
    """Ask each environment of this history where it is; who cannot be asked is told.

    Raises:
        CheckFailedError: one of them has some of the revisions, and not all.

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
            f"in the middle of what would be one revision: {where}",
            hint=f"Bring it to the end first: limbeck migrate -e {name} --to {line.last.id}; "
            f"or squash up to where it is: limbeck squash --to {at}",
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
                yield profile, recorded(connection)
        except LimbeckError as error:
            listen(Notice(f"{profile.name} was not asked where it is: {error.message}"))
