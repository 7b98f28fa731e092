"""The tables that a run changed, with their columns: what `limbeck migrate` prints at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg.rows import tuple_row

from limbeck.dataclass import dataclass
from limbeck.engine.version_table import USUAL
from limbeck.schema.sql.own_schemas import of_users

if TYPE_CHECKING:
    import psycopg

MOST: Final = 20

# A row of the catalog that the run wrote has an xmin (32 bits, hence the modulo) that is not older
# than the first transaction of the run. Statistics are updated in place and leave xmin as it is.
# Extensions' members are looked up by extension, which is an index scan of a few rows.
_NEW: Final = "age(xmin) <= age((%(since)s::bigint %% 4294967296)::text::xid)"
_TABLES: Final = f"""
WITH tables AS (
  SELECT c.oid, n.nspname, c.relname, c.oid IN (
    SELECT attrelid FROM pg_attribute WHERE {_NEW}
    UNION ALL SELECT adrelid FROM pg_attrdef WHERE {_NEW}
    UNION ALL SELECT conrelid FROM pg_constraint WHERE {_NEW}
    UNION ALL SELECT indrelid FROM pg_index WHERE {_NEW}
    UNION ALL SELECT oid FROM pg_class WHERE {_NEW}) AS changed
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f') AND {of_users("n.nspname")}
    AND c.relname <> '{USUAL.name}' AND c.oid NOT IN (SELECT objid FROM pg_depend
      WHERE refclassid = 'pg_extension'::regclass AND classid = 'pg_class'::regclass
      AND deptype = 'e'))
SELECT counts.total, counts.changed, shown.nspname, shown.relname, shown.columns
FROM (SELECT count(*) AS total, count(*) FILTER (WHERE changed) AS changed FROM tables) AS counts
LEFT JOIN (SELECT nspname, relname,
    ARRAY(SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      FROM pg_attribute a WHERE a.attrelid = tables.oid AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum) AS columns
  FROM tables WHERE changed ORDER BY nspname, relname LIMIT {MOST}) AS shown ON true
ORDER BY shown.nspname, shown.relname"""


@dataclass(frozen=True, slots=True)
class Outline:
    """The first changed tables by name, each with its columns and their types.

    `changed` counts the changed tables, `total` all tables.
    """

    tables: tuple[tuple[str, tuple[str, ...]], ...]
    changed: int
    total: int


def read(connection: psycopg.Connection, since: int) -> Outline:
    """Return the tables that a run changed; tables of extensions and of limbeck do not count.

    Args:
        connection: the migrated database.
        since: the id of the first transaction that counts, with its epoch.

    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_TABLES.encode(), {"since": since}).fetchall()
    total, changed, *_ = rows[0]
    named = (
        (name if schema == "public" else f"{schema}.{name}", tuple(columns))
        for _, _, schema, name, columns in rows[:changed]
    )
    return Outline(tuple(named), changed, total)
