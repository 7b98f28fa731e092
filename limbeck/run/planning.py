"""Make plans: `limbeck migrate` and `limbeck rollback` read the database and the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from limbeck.engine import ledger, offline, pushes, state, version_table
from limbeck.engine.ledger import Ledger
from limbeck.engine.state import State
from limbeck.errors import ConfigurationError
from limbeck.events import Listener, Notice
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.phased.gates.gate import passed as gates_passed
from limbeck.phased.gates.waiting import Terms, Through, Waiting
from limbeck.plurals import counted, nouns
from limbeck.postgres.connect import Connection, connect, refuse_pooler
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.seen import note
from limbeck.run import notices
from limbeck.run.hooks import Hooks
from limbeck.run.own_objects import OwnObject
from limbeck.run.plan import Plan, PlannedRevision, Words, fingerprint
from limbeck.shell import command

if TYPE_CHECKING:
    from limbeck.run.pushed import Standing
    from limbeck.run.reverting import Reversal

NO_HOOKS = Hooks()


def plan(  # noqa: PLR0913 - what, where, how far, and who is told
    project: Project,
    profile: Profile,
    database: Database,
    *,
    to: str = "head",
    through: Through | None = None,
    allow_used: bool = False,
    hooks: Hooks = NO_HOOKS,
    history: History | None = None,
    listen: Listener = log,
) -> Plan:
    """Return the plan that brings a database up to a revision; the database is only read.

    Contract revisions on hold are left out, with the revisions that follow them; the plan's
    `waiting` has the reasons.

    Args:
        project: The project, with its history.
        profile: The environment.
        database: The database to migrate.
        to: The last revision to apply.
        through: "contract" applies contract revisions that are ready; "expand", the default of a
            protected environment, does not.
        allow_used: Apply contract revisions although their old structure is still used.
        hooks: The hooks of planning are called here, the others by `apply`.
        history: The history of the profile, if the caller has it.
        listen: Receives connection attempts, and a notice for each edited revision.

    Raises:
        HistoryError: An unknown revision, broken files, or several heads.
        PushedError: What was pushed to the database is not what the revisions make.
        HookError: A hook raised an error.
        UnavailableError: No connection.

    """
    hooks.call("before_plan", profile, database)
    history = history or History.of(project, profile)
    terms = Terms(
        profile.name,
        profile.protected,
        through or ("expand" if profile.protected else "contract"),
        allow_used,
    )
    with history.held():
        history.prepare()
        with connect(database, read_only=True, listen=listen) as connection:
            start = state.read(connection, version_table.of(history, connection))
            refuse_pooler(database, start.session)
            note(project, profile, connection.info.server_version)
            current = history.known(start.recorded, database.dbname)
            late = ledger.late(history, current, start.ledger)
            pending = history.pending(current, to)
            if to not in {"head", "heads"} and not pending and not late:
                _refuse_below(history, current, to)
            chosen = {each.id for each in (*late, *pending)}
            todo = tuple(each for each in history.revisions() if each.id in chosen)
            standing = _pushed(project, profile, history, connection, start, listen)
            if standing is not None and standing.records(todo):
                route = _Route(history, current, todo, start.ledger, late)
                return _plan(project, profile, database, route, hooks, recording=True)
            passed = gates_passed(history, connection, todo, terms, listen)
            # What a late or half-done revision leaves is not what the history has at this point.
            begun = start.ledger.interrupted().keys() & {each.id for each in passed.revisions}
            own: tuple[OwnObject, ...] = ()
            if current and passed.revisions and not (late or begun):
                from limbeck.run import taking  # noqa: PLC0415 - most plans are empty

                if taking.may_take(passed.revisions):
                    from limbeck.run.own_search import search  # noqa: PLC0415 - most plans only add

                    own = search(project, profile, connection, current, passed.revisions, listen)
        for text in notices.notices(history, profile, current, start.ledger):
            listen(Notice(text))
        route = _Route(history, current, passed.revisions, start.ledger, late, downgrade=False)
        return _plan(
            project, profile, database, route, hooks, waiting=passed.waiting, gate=terms, own=own
        )


def rollback_plan(  # noqa: PLR0913 - as plan, and how far
    project: Project,
    profile: Profile,
    database: Database,
    *,
    steps: int = 1,
    to: str | None = None,
    hooks: Hooks = NO_HOOKS,
    listen: Listener = log,
) -> Plan:
    """Return the plan that downgrades the last `steps` revisions, or all that follow `to`.

    A revision whose upgrade was interrupted is the last one: its half is taken back first.

    Args:
        project: The project, with its history.
        profile: The environment.
        database: The database to downgrade.
        steps: How many revisions to downgrade.
        to: The revision to keep, instead of `steps`.
        hooks: The hooks of planning are called here, the others by `apply`.
        listen: Receives connection attempts.

    Raises:
        ConfigurationError: Fewer than `steps` revisions are applied.
        HistoryError: A revision is unknown or not applied.
        MigrationError: A half-done revision cannot be taken back.
        PushedError: Something was pushed to the database since.
        HookError: A hook raised an error.
        UnavailableError: No connection.

    """
    hooks.call("before_plan", profile, database)
    history = History.of(project, profile)
    history.prepare()
    with connect(database, read_only=True, listen=listen) as connection:
        start = state.read(connection, version_table.of(history, connection))
        refuse_pooler(database, start.session)
        current = history.known(start.recorded, database.dbname)
        if standing := _pushed(project, profile, history, connection, start, listen):
            standing.refuse()
        halves = _reversals(project, profile, history, connection, start, listen)
    left = steps - len(halves)
    todo = () if halves and left < 1 else _last(history, current, left)
    if to:
        todo = history.beyond(current, to)
    route = _Route(history, current, todo, start.ledger, halves=halves, downgrade=True)
    return _plan(project, profile, database, route, hooks)


def _reversals(  # noqa: PLR0913, PLR0917 - whose, on what, and who is told
    project: Project,
    profile: Profile,
    history: History,
    connection: Connection,
    start: State,
    listen: Listener,
) -> tuple[Reversal, ...]:
    """Return what takes half-done revisions back, newest first."""
    begun = ledger.half_done(history, start.ledger)
    if not begun:
        return ()
    # Comparing catalogs takes much of limbeck, and few plans need it.
    from limbeck.run.comparison import Comparison  # noqa: PLC0415 - see above
    from limbeck.run.reverting import reversal  # noqa: PLC0415 - see above

    comparison = Comparison.of(project, profile, connection, listen)
    return tuple(reversal(comparison, history, start.recorded, entry) for _, entry in begun)


def _pushed(  # noqa: PLR0913, PLR0917 - as above
    project: Project,
    profile: Profile,
    history: History,
    connection: Connection,
    start: State,
    listen: Listener,
) -> Standing | None:
    """Return the standing of a database that was pushed to; None for all others."""
    if (pushed := pushes.outstanding(start.ledger)) is None:
        return None
    from limbeck.run.pushed import Standing  # noqa: PLC0415 - as above

    return Standing.of(project, profile, history, connection, start.recorded, pushed, listen)


class _Route(NamedTuple):
    """The revisions of a plan, and the state that it starts from."""

    history: History
    current: tuple[str, ...]
    todo: tuple[Revision, ...]
    ledger: Ledger
    late: tuple[Revision, ...] = ()
    halves: tuple[Reversal, ...] = ()
    downgrade: bool = False

    def moved(self) -> tuple[Revision, ...]:
        """Return the revisions to run, half-done ones first."""
        return (*(half.revision for half in self.halves), *self.todo)

    def target(self) -> tuple[str, ...]:
        """Return the rows of the version table after the run."""
        applied = {revision.id for revision in self.history.applied(self.current)}
        moved = {revision.id for revision in self.moved()}
        return self.history.tops(applied - moved if self.downgrade else applied | moved)

    def planned(self) -> Iterator[PlannedRevision]:
        """Yield the revisions, with the progress of an interrupted one."""
        words = Words(self.history, self.downgrade)
        action = "downgrade" if self.downgrade else "upgrade"
        begun = self.ledger.interrupted()
        for half in self.halves:
            about = (half.revision.id, half.revision.message, half.revision.path)
            yield PlannedRevision(*about, half.steps, reversal=half, words=words)
        late = {each.id for each in self.late}
        for each in self.todo:
            planned = PlannedRevision(
                each.id, each.message, each.path, late=each.id in late, words=words
            )
            if (entry := begun.get(each.id)) and entry.action == action:
                from limbeck.history import plainness  # noqa: PLC0415 - most plans have no half

                # Only its run can tell how many steps a revision has whose Python decides.
                known = plainness.is_plain(each.path, action)
                steps = (
                    offline.steps(self.history, each, downgrade=self.downgrade) if known else None
                )
                planned = replace(planned, done=entry.steps, steps=steps)
            yield planned


def _plan(  # noqa: PLR0913 - what, where, who is told, and how far
    project: Project,
    profile: Profile,
    database: Database,
    route: _Route,
    hooks: Hooks,
    *,
    waiting: tuple[Waiting, ...] = (),
    gate: Terms | None = None,
    own: tuple[OwnObject, ...] = (),
    recording: bool = False,
) -> Plan:
    plan = Plan(
        environment=profile.name,
        destination=database.destination,
        protected=profile.protected,
        current=route.current,
        target=route.target(),
        revisions=tuple(route.planned()),
        downgrade=route.downgrade,
        fingerprint=fingerprint(database.destination, route.current, route.moved()),
        project=project,
        profile=profile,
        history=route.history,
        database=database,
        hooks=hooks,
        waiting=waiting,
        gate=gate,
        own=own,
        recording=recording,
    )
    hooks.call("after_plan", plan)
    return plan


def _last(history: History, current: Sequence[str], steps: int) -> tuple[Revision, ...]:
    applied = history.applied(current)
    if not 0 < steps <= len(applied):
        verb = nouns(len(applied), "is", "are")
        raise ConfigurationError(
            f"{counted(steps, 'revision')} cannot be downgraded: {len(applied)} {verb} applied",
            hint="List them: limbeck status",
        )
    return tuple(reversed(applied[-steps:]))


def _refuse_below(history: History, current: Sequence[str], to: str) -> None:
    if below := history.beyond(current, to):
        raise ConfigurationError(
            f"{to} is applied already, with {counted(len(below), 'revision')} after it",
            hint=f"To downgrade to it: {command('limbeck', 'rollback', '--to', to)}",
        )
