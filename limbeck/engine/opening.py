"""Open a run on a connection: its worker or environment, its hooks; `running` calls it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from limbeck.engine import ending
from limbeck.engine.patience import Patience
from limbeck.engine.runner import Runner
from limbeck.engine.session import Session
from limbeck.engine.state import State
from limbeck.engine.step_runner import StepRunner
from limbeck.engine.terms import Terms
from limbeck.events import Listener
from limbeck.history.history import History
from limbeck.postgres.watching import Watcher
from limbeck.project.code.in_process import InProcess

if TYPE_CHECKING:
    import psycopg

    from limbeck.engine.caller import Caller
    from limbeck.engine.remote import Remote
    from limbeck.project.code.out_of_process import OutOfProcess


def load(history: History) -> None:
    """Import what a run needs, and `opened` would import."""
    here = isinstance(history.code, InProcess)
    import_module("limbeck.engine.local" if here else "limbeck.engine.remote")


@contextmanager
def opened(  # noqa: PLR0913, PLR0917 - whose, where, on what terms
    history: History,
    connection: psycopg.Connection[Any],
    terms: Terms,
    state: State,
    listen: Listener,
    meanwhile: Iterable[object] = (),
) -> Iterator[Runner]:
    """Yield a runner on a connection, which is as it was afterwards.

    Args:
        history: the history whose revisions will run.
        connection: where they run; no transaction may be open on it.
        terms: what the database needs besides the statements.
        state: the version rows and the ledger, as they are now.
        listen: receives an event for each revision, retry and notice.
        meanwhile: what to do while a worker runs env.py, in pieces.

    """
    with ExitStack() as stack:
        caller = stack.enter_context(_caller(history, connection, terms, state, meanwhile))
        watcher = None
        if terms.watch is not None:
            pid = caller.connection.info.backend_pid
            watcher = Watcher(terms.watch, pid, listen, progress=terms.progress)
            stack.callback(watcher.close)
        patience = Patience(terms.patience, listen, watcher)
        session = Session(
            caller.target, caller.connection, history.top, terms, listen, patience, watcher
        )
        session.ending = ending.listening(caller.connection)
        session.resets, session.autocommits = caller.resets(), caller.autocommits
        steps = StepRunner(session, pipelined=terms.pipelined)
        caller.serve(steps, stack)
        yield Runner(session, steps, history, state, caller)


def _caller(
    history: History,
    connection: psycopg.Connection[Any],
    terms: Terms,
    state: State,
    meanwhile: Iterable[object],
) -> AbstractContextManager[Caller]:
    """Return what calls the revisions: in this process, or in the worker.

    Each way needs modules that the other one does not: a run in a worker imports neither Alembic
    nor SQLAlchemy into this process, which would take longer than a few revisions do.
    """
    if isinstance(history.code, InProcess):
        from limbeck.engine import local  # noqa: PLC0415 - see above

        return local.opened(history, connection, state, terms.place)
    return _in_worker(history, connection, terms, meanwhile)


@contextmanager
def _in_worker(
    history: History,
    connection: psycopg.Connection[Any],
    terms: Terms,
    meanwhile: Iterable[object],
) -> Iterator[Remote]:
    from limbeck.engine import privileged, remote  # noqa: PLC0415 - as above

    code = cast("OutOfProcess", history.code)
    live, top = terms.ledger, history.top
    with (
        remote.opened(code, connection, top, live=live, meanwhile=meanwhile) as run,
        privileged.rewriting(connection) as run.rewritten,
    ):
        yield run
