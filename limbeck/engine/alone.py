"""A statement of an autocommit block: a step of its own, in a transaction where that is possible.

CONCURRENTLY and its like run outside of one. What is done of such a statement is judged from the
catalog; of all others the ledger knows, for it is written in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg

from limbeck.engine import indexes, statements
from limbeck.engine.batch import Batch, StatementError, Waiting

if TYPE_CHECKING:
    from limbeck.engine.execution import Execution

_OUTSIDE: Final = (
    psycopg.errors.ActiveSqlTransaction,  # "cannot run inside a transaction block"
    psycopg.errors.InvalidTransactionTermination,  # a procedure that commits
)
# What a statement says that was done before: the object is there, or is gone.
_DONE: Final = (
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateObject,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedObject,
)


def run(execution: Execution, waiting: Waiting, cursor: psycopg.Cursor[Any]) -> None:
    """Carry out one statement of an autocommit block, and write down that it is done."""
    if not execution.session.terms.ledger:
        with execution.batch.own():
            waiting.send(cursor)
        execution.progress.stepped(execution.step + 1, execution.digest)
    elif statements.is_concurrent(waiting.statement):
        _outside(execution, waiting, cursor)
    else:
        try:
            _inside(execution, waiting, cursor)
        except _OUTSIDE:
            _outside(execution, waiting, cursor)
    execution.advance()


def _inside(execution: Execution, waiting: Waiting, cursor: psycopg.Cursor[Any]) -> None:
    session, progress = execution.session, execution.progress
    while True:
        try:
            with execution.batch.own(), _rolled_back(execution):
                _send(execution, [Waiting("BEGIN"), *_settings(execution, waiting.statement)])
                with session.watched():
                    waiting.send(cursor)
                _send(
                    execution,
                    [*progress.step(execution.step + 1, execution.digest), Waiting("COMMIT")],
                )
        except psycopg.Error as error:
            if not session.patience.again(error, progress.revision, execution.step):
                raise
        else:
            progress.stepped(execution.step + 1, execution.digest)
            return


def _settings(execution: Execution, statement: str) -> list[Waiting]:
    if not statements.is_patient(statement):
        return execution.settings
    return [Waiting(f"SET LOCAL {text}") for text in _endless(execution)]


def _endless(execution: Execution) -> Iterator[str]:
    # It stops nobody who reads or writes, so it may wait; broken off, it would begin anew.
    yield "lock_timeout = 0"
    yield "statement_timeout = 0"
    if execution.session.knows_transaction_timeout:
        yield "transaction_timeout = 0"


def _outside(execution: Execution, waiting: Waiting, cursor: psycopg.Cursor[Any]) -> None:
    session, progress = execution.session, execution.progress
    name = hashlib.sha256(waiting.statement.encode()).hexdigest()
    in_doubt = progress.doubt == name
    with execution.batch.own():
        marked = progress.step(execution.step, progress.digest, name)
        _send(execution, [*marked, *(Waiting(f"SET {text}") for text in _endless(execution))])
        progress.stepped(execution.step, progress.digest, name)
        try:
            _repair(execution, waiting.statement, in_doubt=in_doubt)
            with session.watched():
                _send_again(waiting, cursor, in_doubt=in_doubt)
        except psycopg.errors.Error:
            _tidy(execution, waiting.statement)
            raise
        done = progress.step(execution.step + 1, execution.digest)
        _send(execution, [*done, *_resets(execution)])
    progress.stepped(execution.step + 1, execution.digest)


def _repair(execution: Execution, statement: str, *, in_doubt: bool) -> None:
    session = execution.session
    if index := statements.concurrent_index(statement):
        indexes.repair(session.connection, index, session.listen)
    elif in_doubt and statements.is_reindex(statement):
        indexes.repair_reindexed(session.connection, session.listen)


def _send_again(waiting: Waiting, cursor: psycopg.Cursor[Any], *, in_doubt: bool) -> None:
    """Send a statement of which it may not be known whether it had come to its end."""
    try:
        waiting.send(cursor)
    except _DONE:
        if not in_doubt:
            raise
    except psycopg.errors.ObjectNotInPrerequisiteState:
        # DETACH PARTITION CONCURRENTLY that broke off is pending, and only FINALIZE ends it.
        finalized = statements.finalized(waiting.statement)
        if not in_doubt or finalized is None:
            raise
        cursor.execute(finalized.encode())


def _tidy(execution: Execution, statement: str) -> None:
    """Leave no INVALID index behind when its build failed and the session still lives."""
    connection = execution.session.connection
    if connection.closed:
        return
    connection.rollback()
    index = statements.concurrent_index(statement)
    if index and index.name:
        indexes.repair(connection, index, execution.session.listen)
    _send(execution, _resets(execution))


def _resets(execution: Execution) -> list[Waiting]:
    return [Waiting(f"RESET {text.partition(' ')[0]}") for text in _endless(execution)]


def _send(execution: Execution, waiting: list[Waiting]) -> None:
    batch = Batch(execution.session.connection)
    with batch.own():
        for one in waiting:
            batch.add(one)
        try:
            batch.flush()
        except StatementError as error:
            raise error.cause from None


@contextmanager
def _rolled_back(execution: Execution) -> Iterator[None]:
    try:
        yield
    except psycopg.Error:
        if not execution.session.connection.closed:
            execution.session.connection.rollback()
        raise
