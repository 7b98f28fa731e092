"""Read the statistics of an environment about the tables that revisions touch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from limbeck.errors import UnavailableError
from limbeck.events import Listener, ignore
from limbeck.lint.rules.change import Target
from limbeck.lint.trace.tracing import Trace
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database

PATIENCE = "2s"  # for one row of a table; only dead ones take longer to skip
TABLES = """
SELECT name, rows, bytes, nulls, invalid, full_name FROM (
    SELECT CASE n.nspname WHEN 'public' THEN c.relname
            ELSE n.nspname || '.' || c.relname END AS name,
        format('%%I.%%I', n.nspname, c.relname) AS full_name,
        (SELECT sum(greatest(p.reltuples, coalesce(
                pg_stat_get_live_tuples(p.oid), 0), 0))::bigint
            FROM pg_class p WHERE p.oid = c.oid
            OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))) AS rows,
        coalesce((SELECT sum(pg_table_size(relid)) FROM pg_partition_tree(c.oid)),
            pg_table_size(c.oid))::bigint AS bytes,
        (SELECT jsonb_object_agg(s.attname, s.null_frac) FROM pg_stats s
            WHERE s.schemaname = n.nspname AND s.tablename = c.relname
            AND s.null_frac > 0) AS nulls,
        ARRAY(SELECT indexrelid::regclass::text FROM pg_index i
            WHERE i.indrelid = c.oid AND NOT i.indisvalid) AS invalid
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_'
) AS known WHERE name = ANY (%s)"""


def read(
    environment: str, database: Database, traces: Iterable[Trace], listen: Listener = ignore
) -> Target:
    """Return statistics of the tables that traces touch.

    They come from one query that reads no rows of the tables. Whether there are any is asked of
    each table: statistics are wrong after a TRUNCATE, and before the first ANALYZE.

    Args:
        environment: The name of the environment.
        database: Its database.
        traces: The traces.
        listen: Receives connection attempts.

    Raises:
        UnavailableError: No connection.

    """
    names = sorted({name for trace in traces for name in _touched(trace)})
    with connect(database, read_only=True, listen=listen) as connection:
        rows: list[Any] = connection.execute(TABLES, [names]).fetchall()
        connection.execute(f"SET row_security = off; SET statement_timeout = '{PATIENCE}'".encode())
        empty = frozenset(name for name, *_, full in rows if is_empty(connection, full))
    return Target(
        environment,
        sizes={name: (count, size) for name, count, size, *_ in rows},
        nulls={
            (name, column): fraction
            for name, _, _, nulls, *_ in rows
            for column, fraction in (nulls or {}).items()
        },
        invalid={name: tuple(invalid) for name, _, _, _, invalid, _ in rows if invalid},
        empty=empty,
    )


def is_empty(connection: Connection, table: str) -> bool:
    """Return whether a table has no row; one that does not answer is taken for full.

    It may be locked, forbidden, hidden by row security, or have more dead rows than the timeout
    allows to read.
    """
    try:
        return connection.execute(f"SELECT FROM {table} LIMIT 1".encode()).fetchone() is None
    except psycopg.Error as error:
        if connection.closed:
            raise UnavailableError(f"the connection was lost: {error}") from error
        return False


def _touched(trace: Trace) -> set[str]:
    return {
        statement.name(oid)
        for statement in trace.statements
        for oid in statement.locks
        if oid in statement.existing
    }
