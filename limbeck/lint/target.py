"""Read the statistics of an environment about the tables that revisions touch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from limbeck.events import Listener, ignore
from limbeck.lint.rules.change import Target
from limbeck.lint.trace.tracing import Trace
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database

TABLES = """
SELECT name, rows, bytes, nulls, invalid FROM (
    SELECT CASE n.nspname WHEN 'public' THEN c.relname
            ELSE n.nspname || '.' || c.relname END AS name,
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
    """Return statistics of the tables that traces touch, in one query that reads no rows of them.

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
    return Target(
        environment,
        sizes={name: (count, size) for name, count, size, _, _ in rows},
        nulls={
            (name, column): fraction
            for name, _, _, nulls, _ in rows
            for column, fraction in (nulls or {}).items()
        },
        invalid={name: tuple(invalid) for name, _, _, _, invalid in rows if invalid},
    )


def _touched(trace: Trace) -> set[str]:
    return {
        statement.name(oid)
        for statement in trace.statements
        for oid in statement.locks
        if oid in statement.existing
    }
