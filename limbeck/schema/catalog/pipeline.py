"""Ask Postgres many questions in one round trip, as of one moment, and leave no trace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import psycopg
from psycopg import generators
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import tuple_row

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

Row: TypeAlias = tuple[Any, ...]
Query: TypeAlias = str | Callable[[int], str]
"""SQL, or a function of the major where servers differ."""
Questions: TypeAlias = Mapping[str, Query]
Answers: TypeAlias = dict[str, Sequence[Row]]

# All that changes how Postgres spells a definition; and jit, which costs more than it saves here.
SETTINGS: Final[Mapping[str, str]] = {
    "search_path": "",
    "quote_all_identifiers": "off",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "jit": "off",
}
SAVEPOINT: Final = "limbeck_catalog"


@contextmanager
def asked(
    connection: psycopg.Connection,
    questions: Questions,
    timeout: float | None,
    rare: Mapping[str, str] = MappingProxyType({}),
    answered: Callable[[int], object] = lambda _: None,
) -> Iterator[Answers]:
    """Send all questions at once, and yield the rows by the names of their questions.

    An answer is read when its rows are first used, so that the caller builds objects of one while
    the server computes the next. psycopg's own pipeline reads all answers at the first use of any:
    with it, a catalog of 1,000 tables takes 1.45 times as long.

    Args:
        connection: idle, or in a transaction, which is then left as it was.
        questions: the queries by name, in the order in which their rows will be used.
        timeout: seconds for each of them; None leaves the session's own statement_timeout.
        rare: for some questions the condition, in SQL, without which they have no answer.
        answered: called with the number of questions that an answer has settled.

    Raises:
        psycopg.Error: the server refused a question; the connection can still be used.

    """
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    opening, closing = _brackets(connection, begin)
    before: tuple[str, ...] = (opening, _settings(timeout))
    try:
        absent: set[str] = set()
        if rare and _near(connection):
            absent, before = _absent(connection, before, rare), ()
        sent = {name: query for name, query in questions.items() if name not in absent}
        with _pipelined(connection, (*before, *sent.values(), *closing)):
            answers = _Answers(connection, sent, len(before), answered)
            answered(len(absent))
            answers.update(dict.fromkeys(absent, ()))
            yield answers
            answers.read_rest()
    except BaseException:
        # Where the server refused nothing, it ran the closing statements already.
        if connection.info.transaction_status == TransactionStatus.INERROR:
            _close(connection, closing)
        raise


def asked_singly(
    connection: psycopg.Connection, questions: Questions, timeout: float | None
) -> tuple[Answers, tuple[str, ...]]:
    """Ask one question at a time; also return the names of those that the role may not ask.

    Args:
        connection: as in `asked`.
        questions: the queries by name.
        timeout: seconds for each of them; None leaves the session's own statement_timeout.

    """
    rows: Answers = {}
    refused: list[str] = []
    # Without autocommit psycopg has sent a BEGIN of its own.
    begin = "BEGIN" if connection.autocommit else "SET TRANSACTION"
    opening, closing = _brackets(connection, f"{begin} ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    for statement in (opening, _settings(timeout)):
        _send(connection, statement)
    try:
        for name, query in questions.items():
            try:
                with connection.transaction():
                    rows[name] = _send(connection, text(query, connection)).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                rows[name] = ()
                refused.append(name)
    finally:
        if connection.info.transaction_status in _OPEN:
            _close(connection, closing)
    return rows, tuple(refused)


class _Answers(dict[str, Sequence[Row]]):
    """The rows by the names of their questions; the first `before` results have no name."""

    def __init__(
        self,
        connection: psycopg.Connection,
        names: Iterable[str],
        before: int,
        answered: Callable[[int], object] = lambda _: None,
    ) -> None:
        super().__init__()
        self._answered = answered
        self._connection = connection
        self._before = before
        self._unread = deque(names)
        self._transformer = Transformer(connection)

    def __missing__(self, name: str) -> Sequence[Row]:
        while self._unread:
            if self._read() == name:
                return self[name]
        raise KeyError(name)

    def read_rest(self) -> None:
        """Read the answers that the caller did not use."""
        while self._unread:
            self._read()

    def _read(self) -> str:
        while self._before:
            _result(self._connection)
            self._before -= 1
        result = _result(self._connection)
        self._transformer.set_pgresult(result)
        name = self._unread.popleft()
        self[name] = self._transformer.load_rows(0, result.ntuples, tuple)
        self._answered(1)
        return name


_OPEN: Final = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


@contextmanager
def _pipelined(connection: psycopg.Connection, queries: Iterable[Query]) -> Iterator[None]:
    """Send statements in pipeline mode; after the block read the results that it left.

    Source: the manual, "libpq", "Pipeline Mode".
    """
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    try:
        for query in queries:
            # Never prepared under a name: behind a transaction pooler the next statement may run
            # in another session, which does not know the name.
            pgconn.send_query_params(text(query, connection).encode(), None)
            # The server sends what it has; otherwise it would fill its buffer with the next ones.
            pgconn.send_flush_request()
        pgconn.pipeline_sync()
        connection.wait(generators.send(pgconn))
        yield
    finally:
        _drain(connection)


def _near(connection: psycopg.Connection) -> bool:
    """Return whether a round trip to the server costs less than planning a few queries."""
    address = connection.info.hostaddr
    return not address or address.startswith("127.") or address == "::1"


def _absent(
    connection: psycopg.Connection, before: Sequence[str], rare: Mapping[str, str]
) -> set[str]:
    """Send the opening statements, and return the questions that would have no answer.

    Planning is most of what a read of a small database costs, and most of it is for kinds of
    objects that hardly any database has.
    """
    conditions = f"SELECT {', '.join(rare.values())}"
    with _pipelined(connection, (*before, conditions)):
        (row,) = _Answers(connection, ("rare",), len(before))["rare"]
    return {name for name, present in zip(rare, row, strict=True) if not present}


def _drain(connection: psycopg.Connection) -> None:
    """Read the remaining results up to the sync; a connection that breaks meanwhile is closed."""
    pgconn = connection.pgconn
    try:
        while results := connection.wait(generators.fetch_many(pgconn)):
            if results[-1].status == ExecStatus.PIPELINE_SYNC:
                break
        pgconn.exit_pipeline_mode()
    except psycopg.OperationalError:
        connection.close()


def _result(connection: psycopg.Connection) -> PGresult:
    results: list[PGresult] = connection.wait(generators.fetch_many(connection.pgconn))
    (result,) = results
    if result.status not in _DONE:
        raise error_from_result(result, encoding=connection.info.encoding)
    return result


def _brackets(connection: psycopg.Connection, begin: str) -> tuple[str, tuple[str, ...]]:
    """Return the statements before and after: of a transaction, or inside of one of a savepoint."""
    if connection.info.transaction_status == TransactionStatus.IDLE:
        return begin, ("ROLLBACK",)
    undo = f"ROLLBACK TO SAVEPOINT {SAVEPOINT}", f"RELEASE SAVEPOINT {SAVEPOINT}"
    return f"SAVEPOINT {SAVEPOINT}", undo


def _close(connection: psycopg.Connection, closing: Iterable[str]) -> None:
    for statement in closing:
        _send(connection, statement)


def _settings(timeout: float | None) -> str:
    settings = dict(SETTINGS)
    if timeout is not None:
        settings["statement_timeout"] = f"{max(1, int(timeout * 1000))}ms"
    calls = (f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    return f"SELECT {', '.join(calls)}"


def text(query: Query, connection: psycopg.Connection) -> str:
    """Return the SQL of a query for the server of a connection."""
    return query if isinstance(query, str) else query(connection.info.server_version // 10000)


def _send(connection: psycopg.Connection, text: str) -> psycopg.Cursor[Row]:
    return connection.cursor(row_factory=tuple_row).execute(text, prepare=False)
