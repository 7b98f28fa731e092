"""Adopt an existing database: models, a first revision, and its stamp: `pull --baseline`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.engine.version_table import of, recorded
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
from limbeck.project import majors
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run import stamping
from limbeck.shadow.source import Live


@dataclass(frozen=True, slots=True)
class Baseline:
    """The models and the revision that were written; the database is stamped with the revision."""

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
    """Adopt a database: write its models and a first revision, and stamp it.

    Args:
        project: The project, whose history is empty.
        profile: The environment of the database.
        live: The database.
        confirm: Returns whether to write the files.
        force: Overwrite files with uncommitted changes, too.
        listen: Receives the stages.

    Raises:
        HistoryError: The project or the database has revisions already.
        ConfigurationError: The models declare objects that the database lacks, or a file has
            uncommitted changes.
        NotConfirmedError: `confirm` returned False; nothing was written.

    """
    history = History.of(project, profile)
    with connect(live.database, read_only=True, listen=listen) as connection:
        current = recorded(connection, of(history, connection))
        major = connection.info.server_version // 10000
    if current or history.revisions():
        raise HistoryError(
            "a baseline needs a history without revisions, but there are some",
            hint="Compare the database with the history: limbeck status",
        )
    merge, proof = pulling.into(project, profile, live, listen=listen)
    _refuse_more(merge)
    if not confirm():
        raise NotConfirmedError("not confirmed; nothing was changed")
    written = merge.write(force=force)
    _forget(project)
    if not majors.declared(project, profile):
        project = project.on(major)  # the revision says what this database has
    generated = generate.revision(
        project, profile, message="baseline", answers=Answers(any_body=True), listen=listen
    )
    with (
        connect(live.database, listen=listen) as connection,
        migration_lock(connection, listen=listen),
    ):
        stamping.mark(history, connection, "head")
    return Baseline(merge, proof, written, generated)


def _refuse_more(merge: Merge) -> None:
    if merge.gone or merge.left:
        more = ", ".join([*(str(address) for address in merge.gone), *merge.left])
        raise ConfigurationError(
            f"the models declare objects that the database does not have: {more}",
            hint="Remove them from the models; `limbeck generate` adds them afterwards.",
        )


def _forget(project: Project) -> None:
    """Remove the models from sys.modules, so that the written files are imported."""
    top = project.models.partition(":")[0].partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]
