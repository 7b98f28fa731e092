"""Run revisions in this process, on SQLAlchemy's connection over psycopg's; `opening` calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

from limbeck.engine import defaults, privileged
from limbeck.engine.batch import Statement, guarded
from limbeck.engine.environment import Context, Environment
from limbeck.engine.state import State
from limbeck.engine.step_runner import StepRunner
from limbeck.history import scripts
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import as_sqlalchemy

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy as sa

    from limbeck.engine.place import Place
    from limbeck.engine.statements import Edge

_EXECUTES: Final = ("do_execute", "do_execute_no_params", "do_executemany")


class Local:
    """Imports revisions into this process, and calls their functions."""

    is_here = True
    autocommits = False  # an env.py that has a say in it runs in a worker

    def __init__(
        self,
        environment: Environment,
        connection: psycopg.Connection[Any],
        target: sa.Connection,
        state: State,
    ) -> None:
        self.environment = environment
        self.connection = connection
        self.target = target
        self._state = state
        self._context: Context

    def resets(self) -> tuple[Statement, ...]:
        """Return the statements that undo what a revision has set in the session."""
        return defaults.resets(self._state.session.settings)

    def serve(self, steps: StepRunner, stack: ExitStack) -> None:
        """Hand the statements of revisions to a step runner, until the stack is closed."""
        # An engine's hooks of this kind cannot be removed, so there is one set of them a run.
        for name in _EXECUTES:
            event.listen(self.target.engine, name, steps.take)
        stack.callback(setattr, self.connection, "cursor_factory", self.connection.cursor_factory)
        self.connection.cursor_factory = guarded(steps.sent_around)
        for kind in ("commit", "rollback"):
            event.listen(self.target.engine, kind, partial(_ended, steps, kind))
        self._context = self.environment.online(self.target, steps, self._state.table)

    def using(self) -> AbstractContextManager[None]:
        """Return the block in which `op` works with this run."""
        return self.environment.using(self._context)

    def load(self, revision: Revision) -> Any:
        """Return a revision's module, imported anew."""
        return scripts.module(self.environment.history, revision)

    def call(self, revision: Revision, module: Any, *, downgrade: bool) -> None:
        """Call a revision's function."""
        del revision
        (module.downgrade if downgrade else module.upgrade)()


def _ended(steps: StepRunner, kind: Edge, _: object) -> None:
    """End the transaction as a revision asks SQLAlchemy's connection to."""
    if steps.is_running:
        steps.ended(kind)


@contextmanager
def opened(
    history: History, connection: psycopg.Connection[Any], state: State, place: Place
) -> Iterator[Local]:
    """Yield what calls the revisions of a history on a connection of this process.

    Args:
        history: the history.
        connection: where they run; it is as it was afterwards.
        state: the version rows, as they are now.
        place: what the database is to the revisions.

    """
    with ExitStack() as stack:
        environment = stack.enter_context(Environment(history, place).installed())
        target = stack.enter_context(as_sqlalchemy(connection, state.session))
        stack.enter_context(privileged.assisting(connection, target))
        # SQLAlchemy takes this for a transaction. The real ones are the steps: their BEGIN and
        # COMMIT are statements of a batch, for which psycopg must not begin one by itself.
        connection.autocommit = True
        stack.callback(target.begin().close)
        yield Local(environment, connection, target, state)
