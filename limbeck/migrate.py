"""Plan a migration, have it confirmed, carry it out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from limbeck.database import Connection, Database, connect, migration_lock
from limbeck.errors import (
    ConfigurationError,
    DatabaseError,
    MigrationError,
    MigrationInterruptedError,
    NotConfirmedError,
)
from limbeck.events import Event, Listener, RevisionFinished, ignore
from limbeck.history import History, Revision
from limbeck.settings import Profile, Project

WAIT = 60.0

Confirm: TypeAlias = "Callable[[Plan], bool]"
"""Told the plan, says whether to go on."""


@dataclass(frozen=True, slots=True)
class PlannedRevision:
    """A revision that will run (or be taken back), and the SQL it runs."""

    id: str
    message: str
    path: Path
    sql: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to which database; nothing has been done yet.

    `current` are the revisions it is at, () before the first; `target` are those it will be
    at, () is base. `fingerprint` is a hash of all that was seen: of the destination, the current
    revisions and the bytes of the files to run.
    """

    environment: str
    destination: str
    protected: bool
    current: tuple[str, ...]
    target: tuple[str, ...]
    revisions: tuple[PlannedRevision, ...]
    downgrade: bool
    fingerprint: str
    history: History = field(repr=False, compare=False)
    database: Database = field(repr=False, compare=False)

    def script(self) -> str:
        """Return the plan as a script for psql, with transactions and version rows.

        Raises:
            HistoryError: a revision asks the database something, so it is no script.

        """
        return self.history.script(_revisions(self), downgrade=self.downgrade)


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision that ran, and how long it took."""

    id: str
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, and where the database is now.

    `elsewhere` says that another migrator had done the work when the lock was ours.
    """

    environment: str
    destination: str
    current: tuple[str, ...]
    applied: tuple[Applied, ...]
    downgrade: bool = False
    elsewhere: bool = False


def plan(
    project: Project,
    profile: Profile,
    database: Database,
    *,
    to: str = "head",
    listen: Listener = ignore,
) -> Plan:
    """Return what has to run to bring a database up to a revision; it is only read.

    Raises:
        HistoryError: an unknown revision, broken files, or several heads.
        UnavailableError: no connection.

    """
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
        current = history.current(connection)
    if to not in {"head", "heads"} and not history.pending(current, to):
        _refuse_below(history, current, to)
    todo = history.pending(current, to)
    return _plan(profile, database, _Way(history, current, todo, downgrade=False))


def rollback_plan(  # noqa: PLR0913 - as plan, and how far
    project: Project,
    profile: Profile,
    database: Database,
    *,
    steps: int = 1,
    to: str | None = None,
    listen: Listener = ignore,
) -> Plan:
    """Return what has to be taken back: the last `steps` revisions, or all beyond `to`.

    Raises:
        ConfigurationError: there are fewer revisions than `steps`.
        HistoryError: an unknown revision, or one that is not applied.
        UnavailableError: no connection.

    """
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
        current = history.current(connection)
    todo = history.beyond(current, to) if to else _last(history, current, steps)
    return _plan(profile, database, _Way(history, current, todo, downgrade=True))


def apply(
    plan: Plan,
    *,
    confirm: Confirm,
    wait: float = WAIT,
    listen: Listener = ignore,
) -> Report:
    """Carry out a plan under the migration lock, each revision in a transaction of its own.

    Args:
        plan: What was planned; with nothing to do, nobody is asked.
        confirm: Told the plan, says whether to go on.
        wait: Seconds to wait for another migrator.
        listen: Told of each revision.

    Raises:
        NotConfirmedError: confirm said no; nothing was done.
        LockNotAcquiredError: another migrator did not finish in time.
        MigrationError: a revision failed, or what was planned is not so any more.
        MigrationInterruptedError: Ctrl-C; what was finished before it stays.
        DatabaseError: the database is read-only.

    """
    if not plan.revisions:
        return _report(plan, plan.current, ())
    if not confirm(plan):
        raise NotConfirmedError(
            f"not confirmed: {plan.environment} is as it was", hint="Answer yes, or give --yes."
        )
    with connect(plan.database, listen=listen) as connection:
        _refuse_read_only(connection, plan)
        with migration_lock(connection, wait=wait, listen=listen):
            return _apply(connection, plan, listen)


def _apply(connection: Connection, plan: Plan, listen: Listener) -> Report:
    current = plan.history.recorded(connection)
    if current != plan.current:
        return _overtaken(plan, current)
    revisions = _revisions(plan)
    if _fingerprint(plan.destination, current, revisions) != plan.fingerprint:
        raise MigrationError(
            "a revision file was changed after the plan was made; nothing was done",
            hint="Look at the new plan: run the same command again.",
        )
    done: list[Applied] = []
    with _accounted(plan, done):
        plan.history.run(
            connection, revisions, downgrade=plan.downgrade, listen=_noting(done, listen)
        )
    return _report(plan, plan.history.recorded(connection), tuple(done))


def _overtaken(plan: Plan, current: tuple[str, ...]) -> Report:
    if current == plan.target:
        return _report(plan, current, (), elsewhere=True)
    raise MigrationError(
        f"{plan.environment} moved from {', '.join(plan.current) or 'base'} to "
        f"{', '.join(current) or 'base'} after the plan was made; nothing was done",
        hint="Look at the new plan: run the same command again.",
    )


@contextmanager
def _accounted(plan: Plan, done: Sequence[Applied]) -> Iterator[None]:
    """Say after a failure what is in the database, what is not, and how to go on."""
    try:
        yield
    except MigrationError as error:
        raise MigrationError(
            f"{error.message}\n{_standing(plan, done)}", hint=error.hint
        ) from error
    except KeyboardInterrupt as error:
        raise MigrationInterruptedError(
            f"interrupted; {_rolled_back(plan, done)}\n{_standing(plan, done)}",
            hint="To go on, run the same command again.",
        ) from error


def _rolled_back(plan: Plan, done: Sequence[Applied]) -> str:
    running = plan.revisions[len(done) : len(done) + 1]
    if any("autocommit_block" in one.path.read_text(encoding="utf-8") for one in running):
        return "the revision that ran was rolled back, but for what its autocommit block had done"
    return "the revision that ran was rolled back"


def _standing(plan: Plan, done: Sequence[Applied]) -> str:
    verb = "taken back" if plan.downgrade else "applied"
    left = plan.revisions[len(done) :]
    have = ", ".join(f"{one.id} ({one.message})" for one in done) or "nothing"
    rest = ", ".join(f"{one.id} ({one.message})" for one in left)
    return f"{plan.environment}: {verb}: {have}; not {verb}: {rest}"


def _noting(done: list[Applied], listen: Listener) -> Listener:
    def note(event: Event) -> None:
        if isinstance(event, RevisionFinished):
            done.append(Applied(event.revision, event.message, event.seconds))
        listen(event)

    return note


@dataclass(frozen=True, slots=True)
class _Way:
    """From where a database goes over which revisions."""

    history: History
    current: tuple[str, ...]
    todo: tuple[Revision, ...]
    downgrade: bool

    def target(self) -> tuple[str, ...]:
        have = {one.id for one in self.history.applied(self.current)}
        moved = {one.id for one in self.todo}
        return self.history.tops(have - moved if self.downgrade else have | moved)

    def planned(self) -> Iterator[PlannedRevision]:
        texts = self.history.sql(self.todo, downgrade=self.downgrade)
        for one, text in zip(self.todo, texts, strict=True):
            yield PlannedRevision(one.id, one.message, one.path, text)


def _plan(profile: Profile, database: Database, way: _Way) -> Plan:
    return Plan(
        environment=profile.name,
        destination=database.destination,
        protected=profile.protected,
        current=way.current,
        target=way.target(),
        revisions=tuple(way.planned()),
        downgrade=way.downgrade,
        fingerprint=_fingerprint(database.destination, way.current, way.todo),
        history=way.history,
        database=database,
    )


def _fingerprint(destination: str, current: Sequence[str], todo: Sequence[Revision]) -> str:
    seen = [destination, *current, *(_content(one.path) for one in todo)]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _revisions(plan: Plan) -> tuple[Revision, ...]:
    by_id = {one.id: one for one in plan.history.revisions()}
    return tuple(by_id[one.id] for one in plan.revisions)


def _last(history: History, current: Sequence[str], steps: int) -> tuple[Revision, ...]:
    applied = history.applied(current)
    if not 0 < steps <= len(applied):
        raise ConfigurationError(
            f"{steps} revisions cannot be taken back: {len(applied)} are applied",
            hint="limbeck status shows them.",
        )
    return tuple(reversed(applied[-steps:]))


def _refuse_below(history: History, current: Sequence[str], to: str) -> None:
    if below := history.beyond(current, to):
        raise ConfigurationError(
            f"{to} is applied already, with {len(below)} revisions after it",
            hint=f"To go back to it: limbeck rollback --to {to}",
        )


def _refuse_read_only(connection: Connection, plan: Plan) -> None:
    row = connection.execute(
        "SELECT current_setting('transaction_read_only'), pg_is_in_recovery()"
    ).fetchone()
    if row and row[0] == "on":
        raise DatabaseError(
            f"{plan.environment} ({plan.destination}) is read-only; nothing was done",
            hint="It is a replica: use the URL of the primary."
            if row[1]
            else "Is default_transaction_read_only set for the database or the role?",
        )


def _report(
    plan: Plan,
    current: tuple[str, ...],
    applied: tuple[Applied, ...],
    *,
    elsewhere: bool = False,
) -> Report:
    return Report(plan.environment, plan.destination, current, applied, plan.downgrade, elsewhere)
