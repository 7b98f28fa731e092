"""Open a run on a connection: its environment, its worker, its hooks; `running` calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import event

from limbeck.engine import defaults, ending, privileged
from limbeck.engine.batch import guarded
from limbeck.engine.environment import Environment
from limbeck.engine.patience import Patience
from limbeck.engine.runner import Runner
from limbeck.engine.session import Session
from limbeck.engine.state import State
from limbeck.engine.statements import Edge
from limbeck.engine.step_runner import StepRunner
from limbeck.engine.terms import Terms
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.postgres.connect import as_sqlalchemy
from limbeck.postgres.watching import Watcher
from limbeck.project.code.in_process import InProcess

if TYPE_CHECKING:
    import psycopg

    from limbeck.engine.remote import Remote
    from limbeck.project.code.out_of_process import OutOfProcess


@contextmanager
def opened(
    history: History,
    connection: psycopg.Connection[Any],
    terms: Terms,
    state: State,
    listen: Listener,
) -> Iterator[Runner]:
    """Yield a runner on a connection, which is as it was afterwards.

    Args:
        history: the history whose revisions will run.
        connection: where they run; no transaction may be open on it.
        terms: what the database needs besides the statements.
        state: the version rows and the ledger, as they are now.
        listen: receives an event for each revision, retry and notice.

    """
    with ExitStack() as stack:
        environment = stack.enter_context(Environment(history, terms.place).installed())
        remote, target, connection = _connected(
            stack, history, connection, state, live=terms.ledger
        )
        watcher = None
        if terms.watch is not None:
            pid = connection.info.backend_pid
            watcher = Watcher(terms.watch, pid, listen, progress=terms.progress)
            stack.callback(watcher.close)
        patience = Patience(terms.patience, listen, watcher)
        session = Session(target, connection, history.top, terms, listen, patience, watcher)
        session.ending = ending.listening(connection)
        session.resets = (
            defaults.resets(state.session.settings)
            if remote is None
            else defaults.of_worker(remote.connection)
        )
        steps = StepRunner(session, pipelined=terms.pipelined)
        if remote is not None:
            remote.handler = steps
        else:
            # An engine's hooks of this kind cannot be removed, so there is one set of them a run.
            for name in ("do_execute", "do_execute_no_params", "do_executemany"):
                event.listen(target.engine, name, steps.take)
            stack.callback(setattr, connection, "cursor_factory", connection.cursor_factory)
            connection.cursor_factory = guarded(steps.sent_around)
            for kind in ("commit", "rollback"):
                event.listen(target.engine, kind, partial(_ended, steps, kind))
        yield Runner(session, steps, environment, state, remote)


def _ended(steps: StepRunner, kind: Edge, _: object) -> None:
    """End the transaction as a revision asks SQLAlchemy's connection to."""
    if steps.is_running:
        steps.ended(kind)


def _connected(
    stack: ExitStack,
    history: History,
    connection: psycopg.Connection[Any],
    state: State,
    *,
    live: bool,
) -> tuple[Remote | None, Any, Any]:
    """Return the worker's run, if there is one, and the connections of SQLAlchemy and psycopg."""
    if not isinstance(history.code, InProcess):
        # Most projects run in limbeck's own process, and load nothing of the other one.
        from limbeck.engine import remote as remotes  # noqa: PLC0415 - see above

        code = cast("OutOfProcess", history.code)
        remote = stack.enter_context(remotes.opened(code, connection, history.top, live=live))
        remote.rewritten = stack.enter_context(privileged.rewriting(connection))
        return remote, remote.target, remote.connection
    target = stack.enter_context(as_sqlalchemy(connection, state.session))
    stack.enter_context(privileged.assisting(connection, target))
    # SQLAlchemy takes this for a transaction. The real ones are the steps: their BEGIN and
    # COMMIT are statements of a batch, for which psycopg must not begin one by itself.
    connection.autocommit = True
    stack.callback(target.begin().close)
    return None, target, connection
