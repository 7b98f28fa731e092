"""Constraints of tables and domains, NOT NULLs included."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries.scope import SPACES
from limbeck.schema.sql import forms

NOT_NULLS: Final = f"""
SELECT k.oid, k.conrelid, k.contypid, k.conname, k.conkey[1], k.connoinherit, k.convalidated,
  k.conislocal
FROM pg_constraint k
WHERE k.contype = 'n' AND k.connamespace = ANY {SPACES}
"""

SET_COLUMNS: Final = """CASE WHEN k.confdelsetcols IS NOT NULL THEN (
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
    FROM unnest(k.confdelsetcols) WITH ORDINALITY AS u (number, place)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) END"""


def sql(major: int) -> str:
    """Return the query for a major; older ones lack some columns of pg_constraint and pg_index."""
    set_columns = SET_COLUMNS if forms.SET_COLUMNS.exists(major) else "NULL::text"
    enforced = "k.conenforced" if forms.NOT_ENFORCED.exists(major) else "true"
    distinct = "i.indnullsnotdistinct" if forms.NULLS_NOT_DISTINCT.exists(major) else "false"
    return f"""
SELECT k.oid, k.conrelid, k.contypid, k.conname, k.contype::text,
  pg_get_constraintdef(k.oid), k.convalidated, NOT k.conislocal, k.conparentid, k.conkey,
  k.condeferrable, k.condeferred, {enforced}, k.connoinherit AND k.contype = 'c',
  CASE WHEN k.contype = 'x' THEN pg_get_indexdef(i.indexrelid) END,
  coalesce(i.indisclustered, false), coalesce(i.indisreplident, false),
  i.indnkeyatts, i.indkey::text, coalesce({distinct}, false), ic.reloptions,
  k.confrelid, rn.nspname, rc.relname, k.confkey,
  CASE WHEN k.contype = 'f' AND rc.relnamespace <> ALL {SPACES} THEN ARRAY(
    SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number
    ORDER BY u.place) END,
  k.confupdtype::text, k.confdeltype::text, k.confmatchtype::text, {set_columns}
FROM pg_constraint k
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.reloptions IS NOT NULL
LEFT JOIN pg_class rc ON rc.oid = k.confrelid AND rc.relkind IN ('r', 'p')
LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE k.contype NOT IN ('n', 't') AND k.connamespace = ANY {SPACES}
"""
