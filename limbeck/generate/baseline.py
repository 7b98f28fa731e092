"""The first revision of a database that is there already."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from limbeck.engine.version_table import recorded
from limbeck.errors import ConfigurationError, HistoryError, NotConfirmedError
from limbeck.events import Listener
from limbeck.generate import generate
from limbeck.generate.answers import Answers
from limbeck.generate.generated import Generated
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.models.pull import pulling
from limbeck.models.pull.edit.merged import Merge
from limbeck.models.pull.prove.proof import Proof
from limbeck.postgres.connect import connect
from limbeck.postgres.lock import migration_lock
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run import stamping
from limbeck.shadow.source import Live


@dataclass(frozen=True, slots=True)
class Baseline:
    """The models and the revision that were written; the database is stamped with it."""

    merge: Merge
    proof: Proof
    written: tuple[Path, ...]
    generated: Generated


def baseline(  # noqa: PLR0913 - all but the first three are asked for by name
    project: Project,
    profile: Profile,
    live: Live,
    *,
    confirm: Callable[[], bool],
    force: bool = False,
    listen: Listener = log,
) -> Baseline:
    """Take a database over: models, a first revision that makes them, and its stamp.

    Args:
        project: whose history is empty until now.
        profile: the environment of the database.
        live: the database.
        confirm: asked before anything is written.
        force: whether files with uncommitted changes are overwritten, too.
        listen: told of the stages.

    Raises:
        HistoryError: there are revisions already, here or in the database.
        ConfigurationError: the models hold what the database does not, or git lacks a file.
        NotConfirmedError: confirm said no; nothing was written.

    """
    history = History.of(project, profile)
    with connect(live.database, read_only=True, listen=listen) as connection:
        current = recorded(connection)
    if current or history.revisions():
        raise HistoryError(
            "a baseline is for a history without revisions, and there are some",
            hint="limbeck status shows where the database stands.",
        )
    merge, proof = pulling.into(project, profile, live, listen=listen)
    _refuse_more(merge)
    if not confirm():
        raise NotConfirmedError("not confirmed; nothing was changed")
    written = merge.write(force=force)
    _forget(project)
    made = generate.revision(
        project, profile, message="baseline", answers=Answers(any_body=True), listen=listen
    )
    with (
        connect(live.database, listen=listen) as connection,
        migration_lock(connection, listen=listen),
    ):
        stamping.mark(history, connection, "head")
    return Baseline(merge, proof, written, made)


def _refuse_more(merge: Merge) -> None:
    if merge.gone or merge.left:
        more = ", ".join([*(str(address) for address in merge.gone), *merge.left])
        raise ConfigurationError(
            f"the models hold what the database does not, so it is no baseline: {more}",
            hint="Take it out of the models; `limbeck generate` adds it afterwards.",
        )


def _forget(project: Project) -> None:
    """Let the models be imported again as they are written now."""
    top = project.models.partition(":")[0].partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]
