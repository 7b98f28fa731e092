"""Tables: plain, partitioned and foreign."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

TABLES: Final = f"""
SELECT c.oid, c.relnamespace, c.relname, c.relkind::text, c.relpersistence = 'u',
  c.reloptions, toast.reloptions,
  CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
  CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
  c.relrowsecurity, c.relforcerowsecurity,
  -- A foreign table has none, and cannot be given one: Postgres keeps 'n' for it.
  CASE c.relkind WHEN 'f' THEN 'd' ELSE c.relreplident::text END,
  CASE WHEN am.amname <> 'heap' THEN am.amname END,
  CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
  s.srvname, f.ftoptions
FROM pg_class c
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid AND toast.reloptions IS NOT NULL
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
WHERE c.relkind IN ('r', 'p', 'f') AND c.relnamespace = ANY {SPACES}
  AND {not_member(classes.RELATION, "c.oid")}
"""

INHERITS: Final = f"""
SELECT inhrelid, n.nspname, c.relname FROM pg_inherits
JOIN pg_class c ON c.oid = inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE inhrelid >= {classes.FIRST_USER_OID} ORDER BY inhrelid, inhseqno
"""
