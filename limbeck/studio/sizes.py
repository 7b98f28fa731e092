"""How many rows and bytes the tables of a database have, as its statistics tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import psycopg

from limbeck.dataclass import dataclass
from limbeck.postgres.connect import Connection
from limbeck.schema.sql import own_schemas

# One question for all tables, which reads no row of them. To measure a table, its parts and their
# indexes Postgres waits for their locks: those that somebody has locked are shown without sizes.
PATIENCE: Final = "SET lock_timeout = '500ms'"
SIZES: Final = f"""
WITH RECURSIVE locked AS (
    SELECT coalesce(i.indrelid, l.relation) AS oid
    FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    UNION
    SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN locked ON locked.oid = i.inhrelid)
SELECT n.nspname, c.relname,
    coalesce((SELECT sum(greatest(p.reltuples, pg_stat_get_live_tuples(p.oid), 0))
        FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid WHERE t.isleaf),
        greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0))::bigint,
    coalesce((SELECT sum(pg_table_size(relid)) FROM pg_partition_tree(c.oid)),
        pg_table_size(c.oid))::bigint,
    coalesce((SELECT sum(pg_indexes_size(relid)) FROM pg_partition_tree(c.oid)),
        pg_indexes_size(c.oid))::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND {own_schemas.of_users("n.nspname")}
    AND c.oid NOT IN (SELECT oid FROM locked)
"""


@dataclass(frozen=True, slots=True)
class Size:
    """The estimated rows of a table, the bytes of the table and those of its indexes."""

    rows: int
    bytes: int
    index_bytes: int


Sizes: TypeAlias = Mapping[tuple[str, str], Size]


def sizes(connection: Connection) -> Sizes:
    """Return the sizes by schema and name; none of a table that is locked, or all out of reach."""
    try:
        connection.execute(PATIENCE)
        rows: list[Any] = connection.execute(SIZES.encode()).fetchall()
    except (psycopg.errors.LockNotAvailable, psycopg.errors.InsufficientPrivilege):
        return {}
    return {(schema, name): Size(*numbers) for schema, name, *numbers in rows}
