"""Run one statement of an autocommit block as a step of its own; called by the step runner.

A statement that can run in a transaction gets one, together with its row in the ledger: both are
committed or neither is. CONCURRENTLY, VACUUM and the like must run outside of a transaction, so
the ledger cannot know whether such a statement came to its end when the process was killed. Its
hash is written to the ledger first, as being in doubt; the next run finds it there, removes what
an interrupted build leaves behind, and takes "it exists already" as the answer that it had run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from limbeck.engine import indexes, statements
from limbeck.engine.batch import Statement, send_together
from limbeck.engine.progress import Progress
from limbeck.engine.session import Session

# Some statements refuse a transaction only on some objects (ALTER TYPE ... ADD VALUE before 12,
# CALL of a procedure that commits), so it is tried in one. These errors come before any effect.
_OUTSIDE: Final = (
    psycopg.errors.ActiveSqlTransaction,  # "cannot run inside a transaction block"
    psycopg.errors.InvalidTransactionTermination,  # a procedure that commits
)
# What a statement that had run before says when it is sent again: the object exists, or is gone.
_DONE: Final = (
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateObject,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedObject,
)


def run(
    session: Session, progress: Progress, statement: Statement, cursor: psycopg.Cursor[Any]
) -> None:
    """Run a statement of an autocommit block, and record it in the ledger as a step.

    Args:
        session: the run that the statement belongs to.
        progress: of the revision; its current step is this statement.
        statement: the statement as the revision has it.
        cursor: SQLAlchemy's, which reads the result if there is one.

    Raises:
        psycopg.Error: Postgres refused it; no transaction is open then.

    """
    if not session.terms.ledger:
        statement.send(cursor)
        progress.note_step()
    elif statements.is_concurrent(statement.text):
        _outside(session, progress, statement, cursor)
    else:
        try:
            _inside(session, progress, statement, cursor)
        except _OUTSIDE:
            _outside(session, progress, statement, cursor)


def _inside(
    session: Session, progress: Progress, statement: Statement, cursor: psycopg.Cursor[Any]
) -> None:
    connection = session.connection
    while True:
        try:
            with _rolled_back(connection):
                limits = _limits(session, progress, statement)
                send_together(connection, [Statement("BEGIN"), *limits])
                with session.watched():
                    statement.send(cursor)
                send_together(connection, [*progress.record_step(), Statement("COMMIT")])
        except psycopg.Error as error:
            # Here and not in the runner, which would call the revision from its first line again.
            if not session.patience.again(error, progress.revision, progress.step):
                raise
        else:
            progress.note_step()
            return


def _limits(session: Session, progress: Progress, statement: Statement) -> list[Statement]:
    if not statements.is_patient(statement.text):
        return session.limits(progress)
    return [Statement(f"SET LOCAL {name} = 0") for name in _timeouts(session)]


def _timeouts(session: Session) -> Iterator[str]:
    # Lifted for statements that let others read and write while they wait or work: they may take
    # hours, and one that a timeout ends begins at zero.
    yield "lock_timeout"
    yield "statement_timeout"
    if session.has_transaction_timeout:
        yield "transaction_timeout"


def _outside(
    session: Session, progress: Progress, statement: Statement, cursor: psycopg.Cursor[Any]
) -> None:
    connection = session.connection
    name = hashlib.sha256(statement.text.encode()).hexdigest()
    in_doubt = progress.doubt == name
    # The ledger is written before the statement is sent. The other way round, a kill in between
    # would leave an effect that nothing knows of.
    unlimited = [Statement(f"SET {timeout} = 0") for timeout in _timeouts(session)]
    send_together(connection, [*progress.record_doubt(name), *unlimited])
    progress.note_doubt(name)
    try:
        _repair(session, statement.text, in_doubt=in_doubt)
        with session.watched():
            _send(statement, cursor, in_doubt=in_doubt)
    except psycopg.Error:
        _tidy(session, statement.text)
        raise
    send_together(connection, [*progress.record_step(), *_resets(session)])
    progress.note_step()


def _repair(session: Session, statement: str, *, in_doubt: bool) -> None:
    if index := statements.concurrent_index(statement):
        indexes.repair(session.connection, index, session.listen)
    elif in_doubt and statements.is_reindex(statement):
        indexes.repair_reindexed(session.connection, session.listen)


def _send(statement: Statement, cursor: psycopg.Cursor[Any], *, in_doubt: bool) -> None:
    """Send a statement; if it may have run before, take the errors that say so as success."""
    try:
        statement.send(cursor)
    except _DONE:
        if not in_doubt:
            raise
    except psycopg.errors.ObjectNotInPrerequisiteState:
        # An interrupted DETACH PARTITION CONCURRENTLY stays pending, and only FINALIZE ends it.
        finalized = statements.finalized(statement.text)
        if not in_doubt or finalized is None:
            raise
        cursor.execute(finalized.encode())


def _tidy(session: Session, statement: str) -> None:
    """Drop the INVALID index of a build that failed, if the session still lives."""
    connection = session.connection
    if connection.closed:
        return
    connection.rollback()
    index = statements.concurrent_index(statement)
    # Without a name every INVALID index of the table would go, which may be another session's.
    if index and index.name:
        indexes.repair(connection, index, session.listen)
    send_together(connection, _resets(session))


def _resets(session: Session) -> list[Statement]:
    return [Statement(f"RESET {name}") for name in _timeouts(session)]


@contextmanager
def _rolled_back(connection: psycopg.Connection[Any]) -> Iterator[None]:
    try:
        yield
    except psycopg.Error:
        if not connection.closed:
            connection.rollback()
        raise
