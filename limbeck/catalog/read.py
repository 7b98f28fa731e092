"""Read a whole database into a Catalog, in one round of pipelined questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from limbeck.catalog.catalog import Catalog
from limbeck.catalog.collector import paused
from limbeck.catalog.queries import (
    aggregates,
    behaviours,
    columns,
    constraints,
    conversions,
    definitions,
    dependencies,
    foreign,
    functions,
    indexes,
    operators,
    publications,
    sequences,
    spaces,
    tables,
    text_search,
    types,
    views,
)
from limbeck.catalog.queries.found import EVERYTHING, Filters, Found, Row

__all__ = ["EVERYTHING", "Filters", "read"]

Answers: TypeAlias = dict[str, Sequence[Row]]
Query: TypeAlias = str | Callable[[int], str]

# While the server works on one wave of questions, the objects of the wave before are built; more
# waves would cost more round trips than they save.
WAVES: Final[tuple[Mapping[str, Query], ...]] = (
    {
        "schemas": spaces.SCHEMAS,
        "extensions": spaces.EXTENSIONS,
        "comments": spaces.COMMENTS,
        "inherits": tables.INHERITS,
        "tables": tables.TABLES,
        "columns": columns.COLUMNS,
        "defaults": columns.DEFAULTS,
        "not nulls": constraints.NOT_NULLS,
        "sequences": sequences.SEQUENCES,
        "views": views.VIEWS,
    },
    {
        "constraints": constraints.sql,
        "indexes": indexes.sql,
        "operator classes": indexes.OPERATOR_CLASSES,
        "key settings": indexes.KEY_SETTINGS,
    },
    {
        "dependencies": dependencies.DEPENDENCIES,
        "enums": types.ENUMS,
        "domains": types.DOMAINS,
        "composites": types.COMPOSITES,
        "ranges": types.RANGES,
        "collations": types.COLLATIONS,
        "functions": functions.FUNCTIONS,
        "aggregates": aggregates.AGGREGATES,
        "triggers": behaviours.TRIGGERS,
        "policies": behaviours.POLICIES,
        "rules": behaviours.RULES,
        "statistics": behaviours.STATISTICS,
        "operators": operators.OPERATORS,
        "text search": text_search.TEXT_SEARCH,
        "foreign": foreign.FOREIGN,
        "conversions": conversions.CONVERSIONS,
        "publications": publications.sql,
        "event triggers": publications.EVENT_TRIGGERS,
    },
)

# Each stands after what it needs: comments and the parts of columns first.
BUILDERS: Final[tuple[Callable[[Found], None], ...]] = (
    spaces.build_comments,
    spaces.build_schemas,
    spaces.build_extensions,
    columns.build_names,
    tables.build_inherits,
    tables.build,
    views.build_addresses,
    columns.build_defaults,
    constraints.build_not_nulls,
    sequences.build,
    columns.build,
    views.build,
    constraints.build,
    indexes.build,
    types.build,
    functions.build,
    behaviours.build,
    definitions.build,
)

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


def read(
    connection: psycopg.Connection,
    *,
    ignore: Sequence[str] = (),
    filters: Filters = EVERYTHING,
    statement_timeout: float | None = None,
) -> Catalog:
    """Return everything the database holds, as it is at one moment.

    On a connection that is in no transaction one is opened, REPEATABLE READ READ ONLY, and ended;
    in a transaction the read happens under a savepoint that is rolled back, so that the settings
    are put back and nothing is committed. What the role may not read is named in `unreadable`.

    Args:
        connection: of psycopg, autocommit or not, not in pipeline mode.
        ignore: more patterns of tables to leave out, added to `filters.ignore`.
        filters: the schemas and tables to read.
        statement_timeout: seconds for each of the questions; None leaves the session's own.

    Raises:
        psycopg.Error: the connection broke, or a question took too long.

    """
    filters = replace(filters, ignore=(*filters.ignore, *ignore))
    server = connection.info.server_version
    unreadable: tuple[str, ...] = ()
    timeout = statement_timeout
    with paused():
        try:
            with connection.pipeline(), _transaction(connection, timeout):
                return _catalog(server, filters, _Answers(connection, server))
        except psycopg.errors.InsufficientPrivilege:
            rows, unreadable = _ask_singly(connection, server, timeout)
            return _catalog(server, filters, rows, unreadable)


def _catalog(
    server: int, filters: Filters, rows: Answers, unreadable: tuple[str, ...] = ()
) -> Catalog:
    found = Found(server=server, filters=filters, rows=rows)
    for build in BUILDERS:
        build(found)
    return Catalog(server, found.objects, dependencies.edges(found), unreadable)


class _Answers(dict[str, Sequence[Row]]):
    """The rows of every question, asked in waves; the next is sent before one is looked at."""

    def __init__(self, connection: psycopg.Connection, server: int) -> None:
        super().__init__()
        self._connection = connection
        self._server = server
        self._waves = iter(WAVES)
        self._sent = self._send()

    def _send(self) -> dict[str, psycopg.Cursor[Row]]:
        return {
            name: _send(self._connection, query, self._server)
            for name, query in next(self._waves, {}).items()
        }

    def __missing__(self, name: str) -> Sequence[Row]:
        if not self._sent:
            raise KeyError(name)
        answered = {sent: cursor.fetchall() for sent, cursor in self._sent.items()}
        self._sent = self._send()
        self.update(answered)
        return self[name]


def _ask_singly(
    connection: psycopg.Connection, server: int, timeout: float | None
) -> tuple[Answers, tuple[str, ...]]:
    """Return the rows of each question, and the names of those that the role may not ask."""
    rows: Answers = {}
    refused: list[str] = []
    with _transaction(connection, timeout):
        for name, query in (pair for wave in WAVES for pair in wave.items()):
            try:
                with connection.transaction():
                    rows[name] = _send(connection, query, server).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                rows[name] = ()
                refused.append(name)
    return rows, tuple(refused)


def _send(connection: psycopg.Connection, query: Query, server: int) -> psycopg.Cursor[Row]:
    text = query if isinstance(query, str) else query(server)
    # Never prepared: a transaction pooler would lose the statement.
    return connection.cursor(row_factory=tuple_row).execute(text, prepare=False)


@contextmanager
def _transaction(connection: psycopg.Connection, timeout: float | None) -> Iterator[None]:
    """Open a transaction or a savepoint for reading, which is always rolled back."""
    outermost = connection.info.transaction_status == TransactionStatus.IDLE
    settings = dict(SETTINGS)
    if timeout is not None:
        settings["statement_timeout"] = f"{int(timeout * 1000)}ms"
    calls = ", ".join(f"set_config('{name}', '{text}', true)" for name, text in settings.items())
    with connection.transaction(force_rollback=True):
        if outermost:
            connection.execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", prepare=False
            )
        connection.execute(f"SELECT {calls}", prepare=False)
        yield
