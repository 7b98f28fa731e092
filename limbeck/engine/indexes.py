"""Find and drop the INVALID indexes that an interrupted CONCURRENTLY leaves behind."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import sql

from limbeck.engine.statements import ConcurrentIndex
from limbeck.events import IndexRepaired, Listener

# An index of a partitioned table (relkind I) is invalid until all its partitions have theirs: it
# is not debris. Nor is what another session is building at this moment.
_INVALID: Final = """
SELECT n.nspname, c.relname, x.indrelid::regclass::text
FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT x.indisvalid AND c.relkind = 'i' AND {}
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p
                  WHERE p.index_relid = c.oid AND p.datname = current_database())"""
_OF_TABLE: Final = "x.indrelid = to_regclass(%(table)s)"
_OF_NAME: Final = _OF_TABLE + " AND c.relname = (parse_ident(%(name)s))[1]"
# REINDEX CONCURRENTLY builds "_ccnew" beside the index, and renames the old one to "_ccold" before
# it drops it (manual, REINDEX, "Rebuilding Indexes Concurrently").
_OF_REINDEX: Final = r"c.relname ~ '_cc(new|old)\d*$' AND n.nspname !~ '^pg_temp'"


def repair(connection: psycopg.Connection[Any], index: ConcurrentIndex, listen: Listener) -> None:
    """Drop the INVALID index in whose place another one is to be built.

    That is the index of the same name on the same table, or every INVALID index of the table if
    the statement leaves the name to Postgres.
    """
    condition = _OF_NAME if index.name else _OF_TABLE
    _drop(connection, condition, {"table": index.table, "name": index.name}, listen)


def repair_reindexed(connection: psycopg.Connection[Any], listen: Listener) -> None:
    """Drop what an interrupted REINDEX CONCURRENTLY left behind."""
    _drop(connection, _OF_REINDEX, {}, listen)


def _drop(
    connection: psycopg.Connection[Any], condition: str, values: dict[str, Any], listen: Listener
) -> None:
    invalid = connection.execute(_INVALID.format(condition).encode(), values).fetchall()
    for schema, name, table in invalid:
        query = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema, name))
        connection.execute(query)
        listen(IndexRepaired(f"{schema}.{name}", table))
