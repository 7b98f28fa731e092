"""What one process needs for all databases of a fleet, read once: the history, plans, statements.

Databases with the same starting point share one plan, and the statements of its revisions are
recorded once. Alembic has one environment for a process, so plans are made, recorded and run by
themselves under one lock; recorded statements need none.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import field, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Final

from limbeck.dataclass import dataclass
from limbeck.engine import recording, starting, state, version_table
from limbeck.engine.starting import Start
from limbeck.errors import ConfigurationError, HistoryError
from limbeck.events import ignore
from limbeck.fleet import profile as fleets
from limbeck.fleet.order import Order, Reference
from limbeck.fleet.profile import Fleet
from limbeck.fleet.script import Script
from limbeck.fleet.selection import Member, members
from limbeck.history.history import History
from limbeck.phased.gates import gate
from limbeck.phased.gates.waiting import Terms
from limbeck.postgres.connect import Connection
from limbeck.postgres.database import Database
from limbeck.project import urls
from limbeck.project.code.in_process import InProcess
from limbeck.project.project import Project
from limbeck.run import planning, session, taking
from limbeck.run.hooks import Hooks
from limbeck.run.own_objects import STILL_USED
from limbeck.run.plan import Plan, revisions
from limbeck.schema.catalog import read as catalogs
from limbeck.schema.catalog.filters import Filters
from limbeck.shadow.filters import filters
from limbeck.shell import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limbeck.engine.recording import Recorded
    from limbeck.engine.version_table import VersionTable

_OPENING: Final = Lock()


@dataclass(slots=True)
class Site:
    """The project and the fleet as this process sees them, for one run."""

    project: Project
    fleet: Fleet
    history: History
    hooks: Hooks
    lock: RLock = field(default_factory=RLock)
    _members: dict[str, Member] = field(default_factory=dict)
    _databases: dict[str, Database] = field(default_factory=dict)
    _tables: list[VersionTable] = field(default_factory=list)
    _scripts: dict[tuple[str, Order], Script] = field(default_factory=dict)
    _filters: list[Filters] = field(default_factory=list)
    _files: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def of(cls, reference: Reference) -> Site:
        """Return the site of a fleet; its revision files are read once.

        Raises:
            ConfigurationError: The tenants are schemas.
            HistoryError: The revision files are broken.

        """
        project = Project.find(Path(reference.root))
        if project.tenants is not None:
            raise ConfigurationError(
                "[tool.limbeck] tenants: each schema is a tenant, so a database is not a fleet's",
                hint="Run `limbeck migrate` for each of the databases.",
            )
        fleet = _fleet(project, reference)
        history = History.of(project, fleet.profile)
        site = cls(project, fleet, history, Hooks.of(project))
        site._files.enter_context(history.held())
        return site

    def members(self) -> Mapping[str, Member]:
        """Return the databases by their names."""
        with self.lock:
            if not self._members:
                chosen = members(self.project, self.fleet.selection)
                self._members.update({member.name: member for member in chosen})
            return self._members

    def database(self, name: str) -> Database:
        """Return a database with its URL, which this machine finds by itself.

        Raises:
            ConfigurationError: There is none of this name here, or its URL must not be used.

        """
        member = self.members().get(name)
        if member is None:
            raise ConfigurationError(
                f"the fleet has no database {name} on this machine",
                hint="All machines need the same file of URLs, and the same profiles.",
            )
        # At Neon a URL costs four requests, of which an account has 700 a minute.
        if name not in self._databases:
            database = urls.timed(self.fleet.profile, member.url(), ignore)
            self._databases[name] = replace(database, name=name)
        return self._databases[name]

    def start(self, connection: Connection) -> Start:
        """Return where a database stands."""
        if not self._tables:
            with self.lock:
                self._tables.append(version_table.of(self.history, connection))
        return starting.read(connection, self._tables[0])

    def script(self, start: Start, order: Order, database: Database) -> Script:
        """Return the plan of a starting point; the first database with it is asked for it.

        Raises:
            DatabaseError: That database cannot be read.

        """
        key = start.key, order.without_plans()
        with self.lock:
            if key not in self._scripts:
                self._scripts[key] = self._planned(start, order, database)
            return self._scripts[key]

    def recorded(
        self, start: Start, order: Order, database: Database, connection: Connection
    ) -> tuple[Recorded, ...] | None:
        """Return the statements of a starting point, under the migration lock of a database."""
        key = start.key, order.without_plans()
        with self.lock:
            script = self.script(start, order, database)
            if not self.is_shared(script, start) or script.plan is None:
                return None
            if script.recorded is None and not script.is_alone:
                statements = recording.record(
                    self.history,
                    connection,
                    revisions(script.plan),
                    downgrade=script.plan.downgrade,
                    terms=session.terms(database, progress=False),
                    state=state.read(connection, start.table),
                )
                self._scripts[key] = replace(
                    script, recorded=statements, is_alone=statements is None
                )
            return self._scripts[key].recorded

    def contents(self, start: Start, order: Order, connection: Connection) -> Start:
        """Return the starting point with what the plan of a contract depends on besides.

        That is the catalog, in which only this database may have an object that is in the way, and
        which contracts may run.
        """
        to, profile = order.to or "head", self.fleet.profile
        pending = self.history.pending(start.recorded, to)
        terms = Terms(
            profile.name,
            profile.protected,
            order.through or ("expand" if profile.protected else "contract"),
            STILL_USED in order.allow,
        )
        passed = gate.passed(self.history, connection, pending, terms, ignore)
        ids = ",".join(revision.id for revision in passed.revisions)
        return replace(start, contents=f"{self.fingerprint(connection)} {ids}")

    def fingerprint(self, connection: Connection) -> str:
        """Return a hash of the catalog of a database."""
        return catalogs.read(connection, filters=self.filters()).fingerprint()

    def filters(self) -> Filters:
        """Return what the project's settings and its env.py include of a catalog."""
        with self.lock:
            if not self._filters:
                self._filters.append(filters(self.project))
            return self._filters[0]

    def plan(self, order: Order, database: Database) -> Plan:
        """Return the plan of one database, which is read for it.

        Raises:
            LimbeckError: As planning raises it.

        """
        return self._worded(self._plan(order, database))

    def _worded(self, plan: Plan) -> Plan:
        """Return a plan whose contracts on hold name commands of the fleet."""
        chosen = fleets.words(self.fleet)
        then = command("limbeck", "fleet", "migrate", *chosen, "--through", "contract")
        fill = command("limbeck", "fleet", "backfill", *chosen)
        hints = {
            "backfill": f"{fill}, then {then}",
            "contract": f"When no old application runs: {then}",
        }
        waiting = [replace(each, hint=hints.get(each.why, each.hint)) for each in plan.waiting]
        return replace(plan, waiting=tuple(waiting))

    def _plan(self, order: Order, database: Database) -> Plan:
        if order.verb == "rollback":
            return planning.rollback_plan(
                self.project,
                self.fleet.profile,
                database,
                steps=order.steps,
                to=order.to,
                hooks=self.hooks,
                listen=ignore,
            )
        return planning.plan(
            self.project,
            self.fleet.profile,
            database,
            to=order.to or "head",
            through=order.through,
            allow_used=STILL_USED in order.allow,
            from_baseline=order.from_baseline,
            hooks=self.hooks,
            history=self.history,
            listen=ignore,
        )

    def _planned(self, start: Start, order: Order, database: Database) -> Script:
        if order.verb == "undo":
            return Script()
        try:
            if order.verb == "rollback" and self._is_below(start, order.to or "base"):
                return Script()
            plan = self.plan(order, database)
        except (HistoryError, ConfigurationError) as error:
            return Script(problem=error)
        return Script(plan, by_contents=not start.contents and self._is_by_contents(start, order))

    def _is_below(self, start: Start, to: str) -> bool:
        """Return whether a database has never come to a revision: it needs no rollback."""
        if to == "base" or start.interrupted:
            return False
        applied = {revision.id for revision in self.history.applied(start.recorded)}
        return not all(revision.id in applied for revision in self.history.find(to))

    def _is_by_contents(self, start: Start, order: Order) -> bool:
        """Return whether revisions may take away what only some of the databases have."""
        if order.verb == "rollback" or not start.recorded:
            return False
        pending = self.history.pending(start.recorded, order.to or "head")
        return bool(gate.contracted(pending)) or taking.may_take(pending)

    def is_shared(self, script: Script, start: Start) -> bool:
        """Return whether all databases with the starting point run the same statements."""
        plan = script.plan
        return (
            plan is not None
            and start.is_usual
            and not any(each.reversal or each.done is not None for each in plan.revisions)
            and plan.baseline is None
            and not (plan.recording or plan.own)
            and self.hooks == planning.NO_HOOKS
            and isinstance(self.history.code, InProcess)
        )


@lru_cache(maxsize=2)
def _site(reference: Reference) -> Site:
    return Site.of(reference)


def site(reference: Reference) -> Site:
    """Return the site of a run in this process, opened by its first task."""
    with _OPENING:
        return _site(reference)


def _fleet(project: Project, reference: Reference) -> Fleet:
    selection = reference.selection
    if reference.name is None:
        return fleets.of_options(project, selection)
    fleet = fleets.read(project, reference.name)
    chosen = replace(fleet.selection, names=selection.names, shard=selection.shard)
    return replace(fleet, selection=chosen)
