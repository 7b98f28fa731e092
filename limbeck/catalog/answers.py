"""Ask Postgres many questions in few round trips, as of one moment, and leave no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from limbeck.catalog.queries.found import Row

Query: TypeAlias = str | Callable[[int], str]
"""SQL, or a function of server_version_num where servers differ."""
Wave: TypeAlias = Mapping[str, Query]
Answers: TypeAlias = dict[str, Sequence[Row]]

# What changes how Postgres spells a definition, and what only costs time here.
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
    connection: psycopg.Connection, waves: Sequence[Wave], timeout: float | None
) -> Iterator[Answers]:
    """Send waves of questions through a pipeline; yield the rows by the questions' names.

    A wave is fetched when its first rows are looked at, and by then the next one is on its way:
    who works on one wave lets the server work on the next. There is one round trip a wave.
    """
    opening, closing = _brackets(connection)
    closed = False
    try:
        with ExitStack() as stack:
            stack.enter_context(connection.pipeline())
            for statement in (*opening, _settings(timeout)):
                _send(connection, statement)
            answers = _Answers(connection, waves, closing, stack)
            yield answers
            answers.fetch_rest()
            closed = True
    except BaseException:
        if not closed and connection.info.transaction_status in _OPEN:
            for statement in closing:
                _send(connection, statement)
        raise


def asked_singly(
    connection: psycopg.Connection, waves: Sequence[Wave], timeout: float | None
) -> tuple[Answers, tuple[str, ...]]:
    """Return the rows of each question, and the names of those that the role may not ask."""
    rows: Answers = {}
    refused: list[str] = []
    opening, closing = _brackets(connection)
    for statement in (*opening, _settings(timeout)):
        _send(connection, statement)
    try:
        for name, query in (pair for wave in waves for pair in wave.items()):
            try:
                with connection.transaction():
                    rows[name] = _send(connection, query).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                rows[name] = ()
                refused.append(name)
    finally:
        if connection.info.transaction_status in _OPEN:
            for statement in closing:
                _send(connection, statement)
    return rows, tuple(refused)


class _Answers(dict[str, Sequence[Row]]):
    """The rows that came, and the cursors of the wave that is on its way."""

    def __init__(
        self,
        connection: psycopg.Connection,
        waves: Sequence[Wave],
        closing: Sequence[str],
        pipeline: ExitStack,
    ) -> None:
        super().__init__()
        self._connection = connection
        self._waves = list(waves)
        self._closing = closing
        self._pipeline = pipeline
        self._sent = self._send()

    def _send(self) -> dict[str, psycopg.Cursor[Row]]:
        if not self._waves:
            return {}
        wave = self._waves.pop(0)
        cursors = {name: _send(self._connection, query) for name, query in wave.items()}
        if not self._waves:
            for statement in self._closing:
                _send(self._connection, statement)
        return cursors

    def __missing__(self, name: str) -> Sequence[Row]:
        if not self._sent:
            raise KeyError(name)
        if not self._waves:
            # The end of the pipeline brings the last wave: to fetch it before costs a round trip.
            self._pipeline.close()
        rows = {sent: cursor.fetchall() for sent, cursor in self._sent.items()}
        self._sent = self._send()
        self.update(rows)
        return self[name]

    def fetch_rest(self) -> None:
        """Fetch what nobody looked at, so that everything is closed."""
        while self._sent:
            self[next(iter(self._sent))]


_OPEN: Final = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


def _brackets(connection: psycopg.Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the statements that begin and undo a transaction, or in one a savepoint."""
    if connection.info.transaction_status != TransactionStatus.IDLE:
        undo = f"ROLLBACK TO SAVEPOINT {SAVEPOINT}", f"RELEASE SAVEPOINT {SAVEPOINT}"
        return (f"SAVEPOINT {SAVEPOINT}",), undo
    # Without autocommit psycopg itself sends a BEGIN before.
    begin = "BEGIN" if connection.autocommit else "SET TRANSACTION"
    return (f"{begin} ISOLATION LEVEL REPEATABLE READ, READ ONLY",), ("ROLLBACK",)


def _settings(timeout: float | None) -> str:
    settings = dict(SETTINGS)
    if timeout is not None:
        settings["statement_timeout"] = f"{max(1, int(timeout * 1000))}ms"
    calls = (f"set_config('{name}', '{text}', true)" for name, text in settings.items())
    return f"SELECT {', '.join(calls)}"


def _send(connection: psycopg.Connection, query: Query) -> psycopg.Cursor[Row]:
    text = query if isinstance(query, str) else query(connection.info.server_version)
    # Never prepared: a transaction pooler would lose the statement.
    return connection.cursor(row_factory=tuple_row).execute(text, prepare=False)
