"""Columns of tables, and the fields of views and composite types."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES

COLUMNS: Final = f"""
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.attidentity::text, a.attgenerated::text,
  CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
  CASE WHEN a.attstorage <> t.typstorage THEN
    CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
      ELSE 'EXTENDED' END END,
  CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
  nullif(a.attstattarget, -1), a.attoptions, a.attfdwoptions, a.attislocal, a.attcollation
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND c.relnamespace = ANY {SPACES}
ORDER BY a.attrelid, a.attnum
"""

EXPRESSION: Final = """
  pg_get_expr(d.adbin, CASE WHEN a.attgenerated <> '' THEN d.adrelid ELSE 0 END)
FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"""
"""A default uses no column, so 0 stands for its table: to open each table takes long."""

DEFAULTS: Final = f"""
SELECT d.oid, d.adrelid, d.adnum, {EXPRESSION}
WHERE d.adrelid >= {classes.FIRST_USER_OID}
"""
