"""Run one revision as `alembic upgrade` does, for the trace, which observes every statement."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from limbeck.dataclass import dataclass
from limbeck.engine import defaults, privileged, remote, statements, version_table
from limbeck.engine.batch import Statement, StatementError
from limbeck.engine.place import ATTRIBUTE
from limbeck.engine.statements import Edge
from limbeck.engine.version_rows import Chain, VersionRows
from limbeck.history.revisions import Revision
from limbeck.postgres.connect import as_sqlalchemy, session
from limbeck.project.code.out_of_process import OutOfProcess

if TYPE_CHECKING:
    from limbeck.engine.environment import Environment
    from limbeck.history.history import History
    from limbeck.project.code.protocol import UserCode


Noted: TypeAlias = "Callable[[int], None]"
"""Receives the line of the revision file before each statement, where no stack has it."""


@dataclass()
class Series:
    """What the upgrades of a history share, so that the next one costs no more than the first.

    `memo` is what `op` has created in the revisions before: an enum that several name.
    """

    history: History
    memo: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def code(self) -> UserCode:
        """The way to the revision files."""
        return self.history.code

    @cached_property
    def chain(self) -> Chain:
        """All revisions, as the version rows depend on them."""
        return Chain.of(self.history)

    @cached_property
    def environment(self) -> Environment:
        """Alembic's environment, with a map of all revisions."""
        from limbeck.engine.environment import Environment  # noqa: PLC0415 - no worker needs it

        return Environment(self.history, "shadow")


def upgrade(
    series: Series,
    connection: psycopg.Connection[Any],
    revision: Revision,
    note: Noted = lambda _: None,
    raised: list[Exception] | None = None,
) -> None:
    """Run a revision in a transaction, with its version row; pass on whatever it raises.

    Args:
        series: the upgrades that it belongs to.
        connection: where it runs, whose statements are observed.
        revision: what to run.
        note: receives the line of each statement of a revision that a worker runs.
        raised: receives what the revision's Python raises, after which its transaction is
            committed as far as it has come; with None, the exception is passed on.

    """
    if isinstance(series.code, OutOfProcess):
        _bridged(series, series.code, connection, revision, note, raised)
    else:
        _in_process(series, connection, revision, raised)


@contextmanager
def _collected(
    connection: psycopg.Connection[Any], raised: list[Exception] | None
) -> Iterator[None]:
    """Collect an exception instead of passing it on, unless Postgres has refused a statement."""
    try:
        yield
    except Exception as error:
        if raised is None or connection.info.transaction_status == TransactionStatus.INERROR:
            raise
        raised.append(error)


def _bridged(  # noqa: PLR0913, PLR0917 - as upgrade
    series: Series,
    code: OutOfProcess,
    connection: psycopg.Connection[Any],
    revision: Revision,
    note: Noted,
    raised: list[Exception] | None,
) -> None:
    """Run a revision in the worker, but its statements on the connection that is observed."""
    resets = defaults.resets(session(connection).settings)
    connection.autocommit = False
    try:
        with (
            _collected(connection, raised),
            remote.opened(code, connection, series.history.top, again=True) as run,
            privileged.rewriting(connection) as rewritten,
        ):
            run.handler = Bridge(run, connection, note, rewritten)
            run.call(revision, None, downgrade=False)
        note(0)
        finish(series, connection, revision, resets)
        connection.commit()
    finally:
        connection.rollback()
        connection.autocommit = True


def finish(
    series: Series,
    connection: psycopg.Connection[Any],
    revision: Revision,
    resets: Sequence[Statement],
    *,
    downgrade: bool = False,
) -> None:
    """Write the version rows after a revision that has run on a connection of this process.

    Args:
        series: the upgrades that it belongs to.
        connection: where it has run.
        revision: the revision.
        resets: undo what it has set.
        downgrade: whether it was taken back.

    """
    _reset(connection, resets)
    table = version_table.of(series.history, connection)
    # Its parents' rows, but for those that a revision on another line has replaced before.
    rows = VersionRows(series.chain, version_table.recorded(connection, table), table)
    rows.change(revision, downgrade=downgrade)
    for statement in rows.statements:
        statement.send(connection.cursor())


class Bridge:
    """Runs the statements of a worker's revision on a connection of this process.

    Their results are handed to the worker as rows of text constants, which its driver reads.
    """

    pipelined = lets_read = False  # each statement is observed

    def __init__(
        self,
        run: remote.Remote,
        connection: psycopg.Connection[Any],
        note: Noted,
        rewritten: Callable[[str], str],
    ) -> None:
        self.run = run
        self.connection = connection
        self.note = note
        self.rewritten = rewritten

    def handle(
        self,
        cursor: psycopg.Cursor[Any],
        statement: Statement,
        *,
        unread: bool,
        is_new: Callable[[], bool],
    ) -> None:
        """Execute a statement here, and answer the worker with its rows."""
        del cursor, unread, is_new
        alone = self.run.autocommits and statements.is_concurrent(statement.text)
        with self.block() if alone and not self.connection.autocommit else nullcontext():
            self.sent_around(statement.text, statement.where)

    def hear(self, statement: Statement) -> None:
        """Do nothing: no statement has been sent before it was heard of."""

    def sent_around(self, text: str, where: str | None) -> bool:
        """Execute a statement on the observed connection, and send its rows to the worker."""
        text = self.rewritten(self.run.connection.request("text"))
        self.note(int((where or ":0").rpartition(":")[2]))
        try:
            result = self.connection.execute(text.encode())
        except psycopg.Error as error:
            raise StatementError(Statement(text, where=where), error) from error
        if result.description:
            self.run.connection.request("instead", sql=self._as_rows(result))
        return True

    def ended(self, kind: Edge) -> None:
        """Commit or roll back the observed session, unless it is in an autocommit block."""
        if not self.connection.autocommit:
            (self.connection.commit if kind == "commit" else self.connection.rollback)()

    @contextmanager
    def block(self) -> Iterator[None]:
        """Commit, and let each statement of the block be committed by itself."""
        self.connection.commit()
        self.connection.autocommit = True
        try:
            yield
        finally:
            self.connection.autocommit = False

    def _as_rows(self, result: psycopg.Cursor[Any]) -> str:
        """Return a query with the rows of a result as constants of their types."""
        columns = result.description or []
        names = sql.SQL(", ").join(sql.Identifier(f"{column.name}") for column in columns)
        cells = sql.SQL(", ").join(sql.SQL("NULL::{}").format(sql.SQL(_type(c))) for c in columns)
        rows = [_row(row, columns) for row in _texts(result)]
        query = sql.SQL("SELECT * FROM ({}) AS t({})").format(
            sql.SQL(" UNION ALL ").join(rows)
            if rows
            else sql.SQL("SELECT {} LIMIT 0").format(cells),
            names,
        )
        return query.as_string(self.connection)


def _texts(result: psycopg.Cursor[Any]) -> Iterator[list[str | None]]:
    """Yield the rows as the server has written them: psycopg could not write every value again."""
    answer, encoding = result.pgresult, result.connection.info.encoding
    for row in range(answer.ntuples if answer else 0):
        values = [answer.get_value(row, at) for at in range(answer.nfields)] if answer else []
        yield [None if value is None else value.decode(encoding) for value in values]


def _row(row: Sequence[str | None], columns: Sequence[psycopg.Column]) -> sql.Composable:
    values = (
        sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(_type(column)))
        for value, column in zip(row, columns, strict=True)
    )
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(values))


def _type(column: psycopg.Column) -> str:
    """Return a type that exists outside of the transaction: one of Postgres' own, or text."""
    known = psycopg.adapters.types.get(column.type_code)
    if known is None:
        return "text"
    return f"{known.regtype}[]" if column.type_code == known.array_oid else known.regtype


def _in_process(
    series: Series,
    connection: psycopg.Connection[Any],
    revision: Revision,
    raised: list[Exception] | None,
) -> None:
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 - no worker needs it

    from limbeck.history import scripts  # noqa: PLC0415 - as above

    history, directory = series.history, series.environment.directory
    step = series.environment.step(revision, downgrade=False)
    resets = defaults.resets(session(connection).settings)
    config = scripts.configuration(history)
    config.attributes[ATTRIBUTE] = "shadow"
    with (
        as_sqlalchemy(connection) as target,
        privileged.assisting(connection, target),
        EnvironmentContext(config, directory, fn=lambda _heads, _context: [step]) as environment,
        redirect_stdout(sys.stderr),  # what a revision prints is not part of the answer
    ):

        def upgrade(**options: Any) -> None:  # Alembic logs the name of the function
            with _collected(connection, raised):
                scripts.module(history, revision).upgrade(**options)
            _reset(connection, resets)  # it does not last until its version row, nor the next one

        step.migration_fn = upgrade
        environment.configure(connection=target, transaction_per_migration=True)
        environment.get_context().impl.memo = series.memo
        environment.run_migrations()


def _reset(connection: psycopg.Connection[Any], resets: Sequence[Statement]) -> None:
    for statement in resets:
        statement.send(psycopg.Cursor(connection))
