"""What would be done to a database: a plan, made by looking only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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

NO_HOOKS = Hooks()


@dataclass(frozen=True, slots=True)
class Words:
    """What revisions say they run; each is put into words once, when it is asked for first.

    That takes Alembic, and as long as sending them: a run without a look at them does it while
    the server works.
    """

    history: History
    downgrade: bool
    _known: dict[str, str] = field(default_factory=dict, init=False)

    def of(self, revision: Revision) -> str:
        """Return the statements of a revision."""
        if revision.id not in self._known:
            (text,) = self.history.sql([revision], downgrade=self.downgrade)
            self._known[revision.id] = text
        return self._known[revision.id]


@dataclass(frozen=True, slots=True)
class PlannedRevision:
    """A revision that will run (or be taken back), and the SQL it runs.

    `done` are the steps that an interrupted run has done already, None for one that is not begun;
    `steps` is how many there are, as far as that is known. `late` is one that came into the
    history below the current revision.
    """

    id: str
    message: str
    path: Path
    done: int | None = None
    steps: int | None = None
    late: bool = False
    words: Words = field(kw_only=True, repr=False, compare=False)

    @property
    def sql(self) -> str:
        """The statements, every one ended by a semicolon; they are put into words when asked."""
        return self.words.of(self.words.history.find(self.id)[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to which database; nothing has been done yet.

    `current` are the revisions it is at, () before the first; `target` are those it will be
    at, () is base. `fingerprint` is a hash of all that was seen: of the destination, the current
    revisions and the bytes of the files to run. `waiting` are contract revisions that may not run
    yet, and `gate` how far it may go.
    """

    environment: str
    destination: str
    protected: bool
    current: tuple[str, ...]
    target: tuple[str, ...]
    revisions: tuple[PlannedRevision, ...]
    downgrade: bool
    fingerprint: str
    project: Project = field(repr=False, compare=False)
    profile: Profile = field(repr=False, compare=False)
    history: History = field(repr=False, compare=False)
    database: Database = field(repr=False, compare=False)
    hooks: Hooks = field(default=NO_HOOKS, repr=False, compare=False)
    waiting: tuple[Waiting, ...] = ()
    gate: Terms | None = field(default=None, repr=False, compare=False)

    def script(self) -> str:
        """Return the plan as a script for psql, with transactions and version rows.

        Raises:
            HistoryError: a revision asks the database something, so it is no script.

        """
        return self.history.script(revisions(self), downgrade=self.downgrade)


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
        found = history.state(connection)
        refuse_pooler(database, found.session)
        current = history.known(found.recorded, database.dbname)
        late = history.late(current, found.ledger)
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
        found = history.state(connection)
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
                steps = self.history.steps(one, downgrade=self.downgrade)
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


def fingerprint(destination: str, current: Sequence[str], todo: Sequence[Revision]) -> str:
    """Return a hash of what a plan rests on."""
    seen = [destination, *current, *(_content(one.path) for one in todo)]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def revisions(plan: Plan) -> tuple[Revision, ...]:
    """Return the revisions of a plan as the files have them now."""
    return tuple(plan.history.find(one.id)[0] for one in plan.revisions)


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
