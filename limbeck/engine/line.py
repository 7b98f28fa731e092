"""Send statements through libpq's pipeline, and read their results one after the other.

`Batch` uses it. psycopg's own pipeline would send each statement in a packet of its own, through a
cursor: most of what limbeck's process spends on a short revision, and time in which the
transaction holds its locks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import psycopg
from psycopg import generators
from psycopg._queries import PostgresQuery  # as psycopg's cursors convert parameters
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

Message: TypeAlias = list[PostgresQuery | bytes]
"""A statement with its parameters, once for each row of them."""

_DONE: Final = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY}


class Line:
    """The pipeline of one connection; open from the first statement until all results are read.

    Source: the manual, "libpq", "Pipeline Mode".
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._unread: deque[int] = deque()
        self._is_open = self._is_synced = False

    def message(self, text: str, rows: Sequence[Any]) -> Message:
        """Return a statement as it is sent, once for the parameters of each row.

        Raises:
            psycopg.Error: a parameter cannot be converted.

        """
        return [text.encode() if row is None else self._query(text, row) for row in rows]

    def send(self, messages: Iterable[Message]) -> None:
        """Send statements; the server returns results as it has them.

        If the connection breaks, reading the results tells which of the statements have run.
        """
        if not self._is_open:
            self._pgconn.enter_pipeline_mode()
            self._is_open, self._is_synced = True, False
        with suppress(psycopg.OperationalError):
            for message in messages:
                self._unread.append(len(message))
                for query in message:
                    self._queue(query)
            self._pgconn.send_flush_request()
            self._connection.wait(generators.send(self._pgconn))

    def results(self) -> Iterator[int]:
        """Yield for each statement, once its result is there, how many rows it changed.

        Raises:
            psycopg.Error: the server refused the statement, and skips all that follow it; or the
                connection broke.

        """
        if self._unread:
            self._sync()
        while self._unread:
            results = [self._result() for _ in range(self._unread[0])]
            self._unread.popleft()
            yield sum(result.command_tuples or 0 for result in results)
        self.close()

    def close(self) -> None:
        """Read what is left, and leave the pipeline; of a broken connection, nothing is left."""
        if not self._is_open:
            return
        self._unread.clear()
        self._is_open = False
        with suppress(psycopg.OperationalError):
            self._sync()
            while results := self._connection.wait(generators.fetch_many(self._pgconn)):
                if results[-1].status == ExecStatus.PIPELINE_SYNC:
                    break
            self._pgconn.exit_pipeline_mode()

    def _queue(self, query: PostgresQuery | bytes) -> None:
        if isinstance(query, bytes):
            self._pgconn.send_query_params(query, None)
            return
        self._pgconn.send_query_params(
            query.query, query.params, param_types=query.types, param_formats=query.formats
        )

    def _query(self, text: str, row: Any) -> PostgresQuery:
        query = PostgresQuery(Transformer(self._connection))
        query.convert(text.encode(), row)
        return query

    def _sync(self) -> None:
        if self._is_synced:
            return
        self._is_synced = True
        with suppress(psycopg.OperationalError):
            self._pgconn.pipeline_sync()
            self._connection.wait(generators.send(self._pgconn))

    def _result(self) -> PGresult:
        results: list[PGresult] = self._connection.wait(generators.fetch_many(self._pgconn))
        if not results:
            raise psycopg.OperationalError("the connection is closed")
        if results[-1].status not in _DONE:
            raise error_from_result(results[-1], encoding=self._connection.info.encoding)
        return results[-1]
