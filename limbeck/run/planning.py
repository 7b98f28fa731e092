"""What would be done to a database: a plan, made by looking only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from limbeck.engine import ledger, offline, state
from limbeck.engine.ledger import Ledger
from limbeck.errors import ConfigurationError
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.phased.gates.gate import passed as gates_passed
from limbeck.phased.gates.waiting import Terms, Through, Waiting
from limbeck.postgres.connect import connect, refuse_pooler
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.run.hooks import Hooks
from limbeck.run.plan import Plan, PlannedRevision, Words, fingerprint

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
    listen: Listener = log,
) -> Plan:
    """Return what has to run to bring a database up to a revision; it is only read.

    Contract revisions whose time has not come are left out, with what follows them: the plan's
    `waiting` says why.

    Args:
        project: whose history it is.
        profile: the environment.
        database: where it would run.
        to: the last revision to run.
        through: "contract" lets contract revisions run, once all is ready for them; "expand", the
            default where the environment is protected, does not.
        allow_used: let them run although something still uses what they take away.
        hooks: those of the plan are called here, the others where it is carried out.
        listen: is told what happens while connecting.

    Raises:
        HistoryError: an unknown revision, broken files, or several heads.
        HookError: a hook raised something.
        UnavailableError: no connection.

    """
    hooks.call("before_plan", profile, database)
    history = History.of(project, profile)
    terms = Terms(
        profile.name,
        profile.protected,
        through or ("expand" if profile.protected else "contract"),
        allow_used,
    )
    with connect(database, read_only=True, listen=listen) as connection:
        found = state.read(connection)
        refuse_pooler(database, found.session)
        current = history.known(found.recorded, database.dbname)
        late = ledger.late(history, current, found.ledger)
        pending = history.pending(current, to)
        if to not in {"head", "heads"} and not pending and not late:
            _refuse_below(history, current, to)
        todo = tuple(one for one in history.revisions() if one in {*late, *pending})
        passed = gates_passed(history, connection, todo, terms, listen)
    way = _Way(history, current, passed.revisions, found.ledger, late, downgrade=False)
    return _plan(project, profile, database, way, hooks, waiting=passed.waiting, gate=terms)


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
    """Return what has to be taken back: the last `steps` revisions, or all beyond `to`.

    Raises:
        ConfigurationError: there are fewer revisions than `steps`.
        HistoryError: an unknown revision, or one that is not applied.
        HookError: a hook raised something.
        UnavailableError: no connection.

    """
    hooks.call("before_plan", profile, database)
    history = History.of(project, profile)
    with connect(database, read_only=True, listen=listen) as connection:
        found = state.read(connection)
    refuse_pooler(database, found.session)
    current = history.known(found.recorded, database.dbname)
    todo = history.beyond(current, to) if to else _last(history, current, steps)
    way = _Way(history, current, todo, found.ledger, downgrade=True)
    return _plan(project, profile, database, way, hooks)


@dataclass(frozen=True, slots=True)
class _Way:
    """From where a database goes over which revisions."""

    history: History
    current: tuple[str, ...]
    todo: tuple[Revision, ...]
    found: Ledger
    late: tuple[Revision, ...] = ()
    downgrade: bool = False

    def target(self) -> tuple[str, ...]:
        have = {one.id for one in self.history.applied(self.current)}
        moved = {one.id for one in self.todo}
        return self.history.tops(have - moved if self.downgrade else have | moved)

    def planned(self) -> Iterator[PlannedRevision]:
        words = Words(self.history, self.downgrade)
        action = "downgrade" if self.downgrade else "upgrade"
        begun = self.found.interrupted()
        for one in self.todo:
            late = one in self.late
            planned = PlannedRevision(one.id, one.message, one.path, late=late, words=words)
            if (entry := begun.get(one.id)) and entry.action == action:
                steps = offline.steps(self.history, one, downgrade=self.downgrade)
                planned = replace(planned, done=entry.steps, steps=steps)
            yield planned


def _plan(  # noqa: PLR0913 - what, where, who is told, and how far
    project: Project,
    profile: Profile,
    database: Database,
    way: _Way,
    hooks: Hooks,
    *,
    waiting: tuple[Waiting, ...] = (),
    gate: Terms | None = None,
) -> Plan:
    made = Plan(
        environment=profile.name,
        destination=database.destination,
        protected=profile.protected,
        current=way.current,
        target=way.target(),
        revisions=tuple(way.planned()),
        downgrade=way.downgrade,
        fingerprint=fingerprint(database.destination, way.current, way.todo),
        project=project,
        profile=profile,
        history=way.history,
        database=database,
        hooks=hooks,
        waiting=waiting,
        gate=gate,
    )
    hooks.call("after_plan", made)
    return made


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
