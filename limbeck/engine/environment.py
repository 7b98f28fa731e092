"""What revision files import from Alembic, `op` and `context`, without the user's env.py.

Everything of the engine that subclasses or configures Alembic is here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from threading import RLock
from typing import IO, TYPE_CHECKING, Any, Final

from alembic import context as alembic_context
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import HeadMaintainer, MigrationContext, RevisionStep

from limbeck.engine.place import ATTRIBUTE, Place
from limbeck.engine.version_table import VersionTable
from limbeck.history import scripts
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import as_sqlalchemy

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy as sa

    from limbeck.engine.step_runner import StepRunner


# Threads that plan the databases of a fleet would take each other's environment away.
_ONE_AT_A_TIME: Final = RLock()


class Environment:
    """One Alembic environment, for all revisions of a run and for their rendering as SQL.

    `alembic.context` is one module for the whole process, so there is one environment at a time;
    only the context that it shows changes, from the run's to that of a rendering and back.
    `place` is what revisions learn of where they run, unless they are rendered.
    """

    def __init__(self, history: History, place: Place = "offline") -> None:
        self.history = history
        self.directory = scripts.directory(history)
        config = scripts.configuration(history)
        self._attributes = config.attributes
        self._attributes[ATTRIBUTE] = place
        self._context = EnvironmentContext(config, self.directory)

    @contextmanager
    def installed(self) -> Iterator[Environment]:
        """Be `alembic.context` inside of the block."""
        # It may be open inside of another one: that of an Alembic command whose autogenerate
        # replays the history, or that of a run whose hook reads the plan's SQL. Alembic's own
        # exit leaves no environment at all.
        with _ONE_AT_A_TIME:
            outer = vars(alembic_context).get("_proxy")
            try:
                with self._context:
                    yield self
            finally:
                if outer is not None:
                    outer._install_proxy()  # noqa: SLF001 - as entering it does

    def step(self, revision: Revision, *, downgrade: bool) -> RevisionStep:
        """Return a revision as Alembic's step, which knows how the version rows change."""
        script = scripts.script(self.directory, revision)
        return RevisionStep(self.directory.revision_map, script, not downgrade)

    def online(self, target: sa.Connection, steps: StepRunner, table: VersionTable) -> Context:
        """Return the context in which revisions run on a connection."""
        own = {"transaction_per_migration": True, **_named(table)}
        options = {**self._context.context_opts, **own}
        return Context(target, options, self._context, steps)

    @contextmanager
    def offline(
        self, revision: Revision, text: IO[str], *, downgrade: bool
    ) -> Iterator[MigrationContext]:
        """Make revisions write SQL into a text instead of executing it, inside of the block."""
        options = {
            "as_sql": True,
            "starting_rev": ((revision.id,) if downgrade else revision.parents) or None,
            "literal_binds": True,
            "output_buffer": text,
            "script": self.directory,
            "transaction_per_migration": True,
        }
        context = MigrationContext.configure(
            dialect_name="postgresql",
            # %s placeholders would double every % of the text.
            dialect_opts={"paramstyle": "named"},
            environment_context=self._context,
            opts=options,
        )
        outer, self._attributes[ATTRIBUTE] = self._attributes[ATTRIBUTE], "offline"
        try:
            with self.using(context):
                yield context
        finally:
            self._attributes[ATTRIBUTE] = outer

    @contextmanager
    def using(self, context: MigrationContext) -> Iterator[None]:
        """Make `op` and `alembic.context` work with a context inside of the block."""
        shown = self._context
        outer = shown._migration_context, shown.context_opts  # noqa: SLF001 - as configure() does
        shown._migration_context, shown.context_opts = context, context.opts  # noqa: SLF001 - as above
        try:
            # What a revision prints is not part of the answer on stdout.
            with Operations.context(context), redirect_stdout(sys.stderr):
                yield
        finally:
            shown._migration_context, shown.context_opts = outer  # noqa: SLF001 - as above


def _named(table: VersionTable) -> dict[str, Any]:
    return {"version_table": table.name, "version_table_schema": table.schema}


class Context(MigrationContext):
    """The context that `op` works with: its boundaries are those of the step runner."""

    def __init__(
        self,
        target: sa.Connection,
        options: dict[str, Any],
        environment: EnvironmentContext,
        steps: StepRunner,
    ) -> None:
        super().__init__(target.dialect, target, options, environment)
        self.steps = steps
        # DDL is known as such wherever it comes from. These two execute other statements as well:
        # what op.execute() is given, and rows. And creating or dropping a table runs listeners on
        # the table (GeoAlchemy's add a column by a function), whose results nobody reads either.
        for name in ("execute", "bulk_insert", "create_table", "drop_table"):
            setattr(self.impl, name, self._unread(getattr(self.impl, name)))

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """End the transaction; each statement of the block is a step of its own."""
        with self.steps.block():
            yield

    def _unread(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def executed(*arguments: Any, **options: Any) -> Any:
            outer, self.steps.unread = self.steps.unread, True
            try:
                return function(*arguments, **options)
            finally:
                self.steps.unread = outer

        return executed


def stamp(connection: psycopg.Connection[Any], ids: Sequence[str], table: VersionTable) -> None:
    """Make the version table hold exactly these ids."""
    with as_sqlalchemy(connection) as target, target.begin():
        context = MigrationContext.configure(target, opts=_named(table))
        context._ensure_version_table(purge=True)  # noqa: SLF001 - Alembic's stamp needs an env.py
        rows = HeadMaintainer(context, ())
        for id_ in ids:
            rows._insert_version(id_)  # noqa: SLF001 - as above
