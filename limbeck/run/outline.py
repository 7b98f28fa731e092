"""The tables of a database at a glance: one question, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg.rows import tuple_row

from limbeck.engine.version_table import VERSION_TABLE
from limbeck.schema.sql.own_schemas import of_users

if TYPE_CHECKING:
    import psycopg

MOST: Final = 20

_TABLES: Final = f"""
SELECT n.nspname, c.relname, count(*) OVER (),
  ARRAY(SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND {of_users("n.nspname")}
  AND c.relname <> '{VERSION_TABLE}' AND NOT EXISTS (SELECT FROM pg_depend e
    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname, c.relname LIMIT {MOST}"""


@dataclass(frozen=True, slots=True)
class Outline:
    """The first tables by name, each with its columns and their types, and how many there are."""

    tables: tuple[tuple[str, tuple[str, ...]], ...]
    total: int


def read(connection: psycopg.Connection) -> Outline:
    """Return what tables there are; those of extensions and of limbeck itself do not count."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_TABLES.encode()).fetchall()
    named = (
        (name if schema == "public" else f"{schema}.{name}", tuple(columns))
        for schema, name, _, columns in rows
    )
    return Outline(tuple(named), rows[0][2] if rows else 0)
