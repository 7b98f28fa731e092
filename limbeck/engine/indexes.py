"""Indexes that a broken-off CONCURRENTLY left INVALID: found, and dropped."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import sql

from limbeck.engine.statements import ConcurrentIndex
from limbeck.events import IndexRepaired, Listener

# Of a partitioned table an index is invalid until its partitions have theirs: kind I is left out.
# What a living session builds at this moment is no debris.
_INVALID: Final = """
SELECT n.nspname, c.relname, x.indrelid::regclass::text
FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT x.indisvalid AND c.relkind = 'i' AND {}
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p
                  WHERE p.index_relid = c.oid AND p.datname = current_database())"""
_OF_TABLE: Final = "x.indrelid = to_regclass(%(table)s)"
_OF_NAME: Final = _OF_TABLE + " AND c.relname = (parse_ident(%(name)s))[1]"
# What REINDEX CONCURRENTLY builds beside the old one, and the old one itself afterwards.
_OF_REINDEX: Final = r"c.relname ~ '_cc(new|old)\d*$' AND n.nspname !~ '^pg_temp'"


def repair(connection: psycopg.Connection[Any], index: ConcurrentIndex, listen: Listener) -> None:
    """Drop an INVALID index that is in the way of one to be built.

    That is the one of the same name on the same table; where Postgres shall choose the name, it
    is every INVALID one of the table.
    """
    condition = _OF_NAME if index.name else _OF_TABLE
    _drop(connection, condition, {"table": index.table, "name": index.name}, listen)


def repair_reindexed(connection: psycopg.Connection[Any], listen: Listener) -> None:
    """Drop what a broken-off REINDEX CONCURRENTLY left."""
    _drop(connection, _OF_REINDEX, {}, listen)


def _drop(
    connection: psycopg.Connection[Any], condition: str, values: dict[str, Any], listen: Listener
) -> None:
    found = connection.execute(_INVALID.format(condition).encode(), values).fetchall()
    for schema, name, table in found:
        query = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema, name))
        connection.execute(query)
        listen(IndexRepaired(f"{schema}.{name}", table))
