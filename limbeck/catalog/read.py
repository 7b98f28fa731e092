"""Read a whole database into a Catalog, in one round of pipelined questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from limbeck.catalog.catalog import Catalog
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

QUERIES: Final[Mapping[str, str | Callable[[int], str]]] = MappingProxyType(
    {
        "schemas": spaces.SCHEMAS,
        "extensions": spaces.EXTENSIONS,
        "comments": spaces.COMMENTS,
        "inherits": tables.INHERITS,
        "tables": tables.TABLES,
        "columns": columns.COLUMNS,
        "defaults": columns.DEFAULTS,
        "constraints": constraints.sql,
        "indexes": indexes.sql,
        "operator classes": indexes.OPERATOR_CLASSES,
        "key settings": indexes.KEY_SETTINGS,
        "sequences": sequences.SEQUENCES,
        "enums": types.ENUMS,
        "domains": types.DOMAINS,
        "composites": types.COMPOSITES,
        "ranges": types.RANGES,
        "collations": types.COLLATIONS,
        "views": views.VIEWS,
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
        "dependencies": dependencies.DEPENDENCIES,
    }
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
    constraints.build_parts,
    sequences.build,
    columns.build,
    constraints.build,
    indexes.build,
    types.build,
    views.build,
    functions.build,
    behaviours.build,
    definitions.build,
)

# What changes how Postgres spells a definition, and what only costs time here.
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "search_path": "",
        "quote_all_identifiers": "off",
        "datestyle": "ISO, MDY",
        "intervalstyle": "postgres",
        "timezone": "UTC",
        "extra_float_digits": "1",
        "bytea_output": "hex",
        "jit": "off",
    }
)


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
    try:
        rows = _ask(connection, server, statement_timeout)
    except psycopg.errors.InsufficientPrivilege:
        rows, unreadable = _ask_singly(connection, server, statement_timeout)
    found = Found(server=server, filters=filters, rows=rows)
    for build in BUILDERS:
        build(found)
    return Catalog(server, found.objects, dependencies.edges(found), unreadable)


def _ask(connection: psycopg.Connection, server: int, timeout: float | None) -> Answers:
    with connection.pipeline(), _transaction(connection, timeout):
        cursors = {name: _send(connection, name, server) for name in QUERIES}
        return {name: cursor.fetchall() for name, cursor in cursors.items()}


def _ask_singly(
    connection: psycopg.Connection, server: int, timeout: float | None
) -> tuple[Answers, tuple[str, ...]]:
    rows: Answers = {}
    with _transaction(connection, timeout):
        for name in QUERIES:
            try:
                with connection.transaction():
                    rows[name] = _send(connection, name, server).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                rows[name] = ()
    return rows, tuple(name for name in QUERIES if rows[name] == ())


def _send(connection: psycopg.Connection, name: str, server: int) -> psycopg.Cursor[Row]:
    query = QUERIES[name]
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
