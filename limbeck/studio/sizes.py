"""How many rows and bytes the tables of a database have, as its statistics tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import psycopg

from limbeck.dataclass import dataclass
from limbeck.postgres.connect import Connection
from limbeck.schema.sql import own_schemas

# One question for all tables, which reads no row of them. The size of a table waits for its lock:
# while a migration holds one, the page is shown without sizes.
PATIENCE: Final = "SET lock_timeout = '500ms'"
SIZES: Final = f"""
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
"""


@dataclass(frozen=True, slots=True)
class Size:
    """The estimated rows of a table, the bytes of the table and those of its indexes."""

    rows: int
    bytes: int
    index_bytes: int


Sizes: TypeAlias = Mapping[tuple[str, str], Size]


def sizes(connection: Connection) -> Sizes:
    """Return the sizes by schema and name; none where a table is locked, or out of reach."""
    try:
        connection.execute(PATIENCE)
        rows: list[Any] = connection.execute(SIZES.encode()).fetchall()
    except (psycopg.errors.LockNotAvailable, psycopg.errors.InsufficientPrivilege):
        return {}
    return {(schema, name): Size(*numbers) for schema, name, *numbers in rows}
