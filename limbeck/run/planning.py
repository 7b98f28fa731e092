"""Make plans: `limbeck migrate` and `limbeck rollback` read the database and the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, pushes, state, version_table
from limbeck.engine.state import State
from limbeck.engine.version_table import VersionTable
from limbeck.errors import ConfigurationError
from limbeck.events import Listener, Notice
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.phased.gates.gate import passed as gates_passed
from limbeck.phased.gates.waiting import Terms, Through
from limbeck.plurals import counted, nouns
from limbeck.postgres.connect import Connection, Session, connect, refuse_pooler
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.seen import note
from limbeck.run import apart, nothing_pending, notices
from limbeck.run.beginning import beginning, refuse_below
from limbeck.run.hooks import Hooks
from limbeck.run.nothing_pending import Memo
from limbeck.run.own_objects import OwnObject
from limbeck.run.plan import Plan
from limbeck.run.route import Route, drawn
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
    from_baseline: bool = False,
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
        from_baseline: Create the schema of the history's baseline first, if the database is empty.
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
    upgrade = _Upgrade(project, profile, database, history, to, terms, listen, from_baseline)
    return drawn(project, profile, database, upgrade.route(), hooks, terms)


@dataclass(frozen=True, slots=True)
class _Upgrade:
    """The question which revisions bring a database up to one, as `plan` asks it."""

    project: Project
    profile: Profile
    database: Database
    history: History
    to: str
    terms: Terms
    listen: Listener
    from_baseline: bool = False

    def route(self) -> Route:
        """Return the route; of a database that is known to have nothing pending, without files."""
        place = nothing_pending.place(self.project, self.history, self.database, self.to)
        memo = Memo.saved(place, self.history)
        with ExitStack() as stack:
            if memo is None:
                self._hold(stack)
            with connect(self.database, read_only=True, listen=self.listen) as connection:
                meanwhile = self._reading_ahead(connection) if memo is None else ()
                table = version_table.of(self.history, connection, meanwhile)
                if memo is not None:
                    brief = state.brief(connection, table)
                    if brief is not None and memo.holds(brief):
                        self._note(connection, brief.session)
                        return memo.route(self.history)
                    self._hold(stack)
                start = state.read(connection, table, hashed=place is not None)
                self._note(connection, start.session)
                route = self._read(connection, table, start)
            texts = [*notices.notices(self.history, self.profile, route.current, route.ledger)]
            for text in texts:
                self.listen(Notice(text))
            pushed = pushes.outstanding(route.ledger)
            if not (texts or route.todo or route.waiting or route.baseline or pushed):
                nothing_pending.remember(place, start, route)
            return route

    def _hold(self, stack: ExitStack) -> None:
        """Read the files, as they are until the stack is closed."""
        stack.enter_context(self.history.held())
        self.history.prepare()

    def _reading_ahead(self, connection: Connection) -> Iterator[None]:
        """Read what is probably pending, while a worker runs env.py."""
        from limbeck.engine import ahead  # noqa: PLC0415 - a database with nothing pending has none

        yield from ahead.pending(self.history, connection)

    def _note(self, connection: Connection, session: Session) -> None:
        refuse_pooler(self.database, session)
        note(self.project, self.profile, connection.info.server_version)

    def _read(self, connection: Connection, table: VersionTable, start: State) -> Route:
        history, entries = self.history, start.ledger
        current = apart.current(history, start, self.profile, self.database)
        late = ledger.late(history, current, entries)
        baseline = None
        if not current:
            baseline = beginning(
                history, self.profile, connection, table, self.to, wanted=self.from_baseline
            )
        with apart.explaining(history, current, self.profile.name):
            pending = history.pending(baseline.revisions if baseline else current, self.to)
        if self.to not in {"head", "heads"} and not pending and not late:
            _refuse_below(history, current, self.to)
        chosen = {each.id for each in (*late, *pending)}
        todo = tuple(each for each in history.revisions() if each.id in chosen)
        standing = _pushed(self.project, self.profile, history, connection, start, self.listen)
        if standing is not None and standing.records(todo):
            return Route(history, current, todo, entries, late, recording=True)
        passed = gates_passed(history, connection, todo, self.terms, self.listen)
        route = Route(history, current, passed.revisions, entries, late, waiting=passed.waiting)
        return route._replace(own=self._own(connection, route), baseline=baseline)

    def _own(self, connection: Connection, route: Route) -> tuple[OwnObject, ...]:
        """Return the objects that only the database has and that the revisions concern."""
        # What a late or half-done revision leaves is not what the history has at this point.
        begun = route.ledger.interrupted().keys() & {each.id for each in route.todo}
        if not route.current or not route.todo or route.late or begun:
            return ()
        from limbeck.run import taking  # noqa: PLC0415 - most plans are empty

        if not taking.may_take(route.todo):
            return ()
        from limbeck.run.own_search import search  # noqa: PLC0415 - most plans only add

        where = self.project, self.profile, connection
        return search(*where, route.current, route.todo, self.listen)


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
        HistoryError: A revision is unknown or not applied, or belongs to the baseline.
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
        current = apart.current(history, start, profile, database)
        if standing := _pushed(project, profile, history, connection, start, listen):
            standing.refuse()
        halves = _reversals(project, profile, history, connection, start, listen)
    left = steps - len(halves)
    todo = () if halves and left < 1 else _last(history, current, left)
    if to:
        todo = history.beyond(current, to)
    refuse_below(history, tuple(each.id for each in todo))
    route = Route(history, current, todo, start.ledger, halves=halves, downgrade=True)
    return drawn(project, profile, database, route, hooks)


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
