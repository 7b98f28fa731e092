"""Mark a half-done revision as done or undone, after a look at the catalog: `limbeck repair`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, running, state, version_table
from limbeck.errors import CheckFailedError, ConfigurationError, NotConfirmedError
from limbeck.events import Listener
from limbeck.history import code
from limbeck.history.history import History
from limbeck.logs import log
from limbeck.postgres.connect import Connection, connect, tenant_of
from limbeck.postgres.database import Database
from limbeck.postgres.lock import migration_lock
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.applying import WAIT
from limbeck.run.comparison import Comparison, Sides
from limbeck.run.drift import named
from limbeck.run.halves import Half, halves
from limbeck.shell import command

Mark: TypeAlias = Literal["done", "undone", "forgotten"]
"""How a half-done revision is recorded from now on."""

Confirm: TypeAlias = Callable[[Half, Mark], bool]


@dataclass(frozen=True, slots=True)
class Repair:
    """The half-done revisions of an environment, and how one of them was marked, if one was.

    `current` are the rows of the version table afterwards.
    """

    environment: str
    destination: str
    halves: tuple[Half, ...]
    current: tuple[str, ...]
    marked: str | None = None
    mark: Mark | None = None


def look(
    project: Project, profile: Profile, database: Database, *, listen: Listener = log
) -> Repair:
    """Return the half-done revisions of a database, compared with its catalog; nothing is changed.

    Args:
        project: the project, with its history.
        profile: the environment.
        database: its database.
        listen: receives the stages of replays.

    """
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
        return _look(project, profile, database, connection, history, listen)


def repair(  # noqa: PLR0913 - what, where, how, and who agrees
    project: Project,
    profile: Profile,
    database: Database,
    mark: Mark,
    *,
    revision: str | None = None,
    force: bool = False,
    confirm: Confirm,
    wait: float = WAIT,
    listen: Listener = log,
) -> Repair:
    """Mark a half-done revision as done or undone, or forget one whose file is missing.

    The schema is not changed. "done" and "undone" are about the run that was interrupted: after an
    upgrade, "done" is applied; after a downgrade, it is not.

    Args:
        project: the project, with its history.
        profile: the environment.
        database: its database.
        mark: how to record it.
        revision: its id, or the beginning of it; may be omitted if there is only one.
        force: mark it although the catalog says otherwise.
        confirm: receives the revision and the mark; returns whether to go on.
        wait: seconds to wait for another migrator.
        listen: receives the stages of replays.

    Raises:
        CheckFailedError: the catalog says otherwise; nothing was done.
        ConfigurationError: there is no such half-done revision, or the mark does not suit it.
        NotConfirmedError: `confirm` returned False; nothing was done.
        LockNotAcquiredError: another migrator did not finish in time.

    """
    history = History.of(project, profile)
    with (
        connect(database, listen=listen) as connection,
        migration_lock(connection, wait=wait, listen=listen),
    ):
        looked = _look(project, profile, database, connection, history, listen)
        half = _chosen(looked, revision)
        _refuse(half, mark, profile, force=force)
        if not confirm(half, mark):
            text = f"not confirmed: {profile.name} is unchanged"
            raise NotConfirmedError(text, hint="Add --yes.")
        _write(history, connection, half, mark)
        current = version_table.recorded(connection, version_table.of(history, connection))
        return replace(looked, current=current, marked=half.revision, mark=mark)


def _look(  # noqa: PLR0913, PLR0917 - where, over what
    project: Project,
    profile: Profile,
    database: Database,
    connection: Connection,
    history: History,
    listen: Listener,
) -> Repair:
    now = state.read(connection, version_table.of(history, connection))
    if not now.ledger.interrupted():
        return Repair(profile.name, database.destination, (), now.recorded)
    comparison = Comparison.of(project, profile, connection, listen)
    begun = halves(comparison, history, now.recorded, now.ledger)
    return Repair(profile.name, database.destination, begun, now.recorded)


def _chosen(repair: Repair, revision: str | None) -> Half:
    chosen = [each for each in repair.halves if each.revision.startswith(revision or "")]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        what = f"revision {revision}" if revision else "no revision"
        text = f"{what} is not half-done" if revision else "no revision is half-done"
        raise ConfigurationError(
            f"{repair.environment}: {text}",
            hint=command("limbeck", "status", "-e", repair.environment),
        )
    names = ", ".join(each.revision for each in chosen)
    raise ConfigurationError(f"several revisions are half-done: {names}", hint="Name one of them.")


def _refuse(half: Half, mark: Mark, profile: Profile, *, force: bool) -> None:
    again = ("limbeck", "repair", "-e", profile.name, half.revision)
    if half.path is None and mark != "forgotten":
        raise ConfigurationError(
            f"revision {half.revision} has no file any more: it can only be forgotten",
            hint=f"Restore the file, or run `{command(*again, '--forget')}`.",
        )
    if half.path is not None and mark == "forgotten":
        raise ConfigurationError(
            f"revision {half.revision} has a file: mark it as done or undone",
            hint=f"Run `{command(*again)}` to see which of them it is.",
        )
    if half.standing == "failing" and mark == "done" and not force:
        raise CheckFailedError(
            f"revision {half.revision} fails on the shadow, so limbeck cannot compare the database "
            "with it; nothing was done",
            hint="Correct its file, or add --force.",
        )
    others = {"done": half.missing, "undone": half.left, "forgotten": ()}[mark]
    if others and not force:
        verb = "lacks" if mark == "done" else "still has"
        raise CheckFailedError(
            f"{profile.name} {verb} parts of revision {half.revision}: {named(others)}; "
            "nothing was done",
            hint="Complete them by hand and run the command again, or add --force.",
        )


def _write(history: History, connection: Connection, half: Half, mark: Mark) -> None:
    if half.path is None:
        _execute(connection, ledger.forget(half.revision, tenant_of(connection)))
        return
    revision = history.find(half.revision)[0]
    applies = (half.action == "upgrade") is (mark == "done")
    now = version_table.recorded(connection, version_table.of(history, connection))
    sides = Sides.of(history, now, revision)
    # First the version rows: a crash in between leaves the revision half-done, to be marked again.
    if set(now) != set(rows := sides.with_it if applies else sides.without):
        running.stamp(history, connection, ",".join(rows) or "base")
    if mark == "undone":
        _execute(connection, ledger.forget(half.revision, tenant_of(connection)))
        return
    action = "stamp" if applies else "downgrade"
    about = ledger.about(revision, action, tenant_of(connection))
    values = {"steps": half.steps, "sql": code.checksum(revision.path)}
    _execute(connection, ledger.finish(about, values, begun=True))


def _execute(connection: Connection, statement: tuple[str, dict[str, object]]) -> None:
    query, values = statement
    connection.execute(query.encode(), values)
