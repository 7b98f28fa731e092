"""Send statements through libpq's pipeline, and read their results one after the other.

`Batch` uses it. psycopg's own pipeline would send each statement in a packet of its own, through a
cursor: most of what limbeck's process spends on a short revision, and time in which the
transaction holds its locks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import generators
from psycopg._queries import PostgresQuery  # as psycopg's cursors convert parameters
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

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

    def queue(self, text: str, rows: Sequence[Any]) -> None:
        """Add a statement to what is sent next, once for the parameters of each row.

        Raises:
            psycopg.Error: a parameter cannot be converted; the statement is not sent.

        """
        queries = [self._query(text, row) for row in rows if row is not None]
        if not self._is_open:
            self._pgconn.enter_pipeline_mode()
            self._is_open, self._is_synced = True, False
        for query in queries:
            self._pgconn.send_query_params(
                query.query, query.params, param_types=query.types, param_formats=query.formats
            )
        if not queries and rows:
            self._pgconn.send_query_params(text.encode(), None)
        self._unread.append(len(rows))

    def send(self) -> None:
        """Send what is queued; the server returns results as it has them.

        Raises:
            psycopg.OperationalError: the connection broke.

        """
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
        """Read what is left, and leave the pipeline.

        Raises:
            psycopg.OperationalError: the connection broke.

        """
        if not self._is_open:
            return
        self._unread.clear()
        self._is_open = False
        self._sync()
        while results := self._connection.wait(generators.fetch_many(self._pgconn)):
            if results[-1].status == ExecStatus.PIPELINE_SYNC:
                break
        self._pgconn.exit_pipeline_mode()

    def _query(self, text: str, row: Any) -> PostgresQuery:
        query = PostgresQuery(Transformer(self._connection))
        query.convert(text.encode(), row)
        return query

    def _sync(self) -> None:
        if not self._is_synced:
            self._is_synced = True
            self._pgconn.pipeline_sync()
            self._connection.wait(generators.send(self._pgconn))

    def _result(self) -> PGresult:
        results: list[PGresult] = self._connection.wait(generators.fetch_many(self._pgconn))
        if not results:
            raise psycopg.OperationalError("the connection is closed")
        if results[-1].status not in _DONE:
            raise error_from_result(results[-1], encoding=self._connection.info.encoding)
        return results[-1]
