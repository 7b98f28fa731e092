"""Indexes that no constraint owns."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES
from limbeck.schema.sql import forms

BTREE: Final = 403
"""BTREE_AM_OID of pg_am.dat."""

OPERATOR_CLASSES: Final = """
SELECT o.oid, CASE WHEN pg_opclass_is_visible(o.oid) THEN quote_ident(o.opcname)
  ELSE format('%I.%I', n.nspname, o.opcname) END, o.opcdefault
FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace
"""

PLAIN: Final = f"""c.relkind = 'i' AND c.relam = {BTREE} AND c.reloptions IS NULL
  AND c.reltablespace = 0 AND i.indexprs IS NULL AND i.indpred IS NULL
  AND i.indnatts = i.indnkeyatts AND i.indoption::int2[] <@ '{{0}}'
  AND i.indcollation::oid[] <@ '{{0,100}}' AND i.indclass::oid[] <@ (ARRAY(
    SELECT o.oid FROM pg_opclass o JOIN pg_type t ON t.oid = o.opcintype
    WHERE o.opcdefault AND o.opcmethod = {BTREE} AND t.typtype = 'b' AND NOT EXISTS (
      SELECT 1 FROM pg_cast k JOIN pg_opclass d ON d.opcintype = k.castsource
      WHERE k.casttarget = o.opcintype AND k.castmethod = 'b' AND k.castcontext = 'i'
        AND d.opcdefault AND d.opcmethod = {BTREE})))"""
"""Whether an index has nothing but columns. Then the builder spells it, because pg_get_indexdef()
took half of the server's time.

A type with an operator class of its own that is binary coercible to another type may have an index
by the operator class of that one. Postgres then spells the class, though it is a default
(GetDefaultOpClass()); so such types are not plain.
"""

KEY_SETTINGS: Final = f"""
SELECT a.attrelid, a.attnum, nullif(a.attstattarget, -1), a.attoptions
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.oid >= {classes.FIRST_USER_OID} AND c.relkind IN ('i', 'I')
  AND (a.attstattarget >= 0 OR a.attoptions IS NOT NULL)
ORDER BY 1, 2
"""


def sql(major: int) -> str:
    """Return the query for a major; older ones lack NULLS NOT DISTINCT."""
    distinct = "i.indnullsnotdistinct" if forms.NULLS_NOT_DISTINCT.exists(major) else "false"
    return f"""
SELECT i.indexrelid, i.indrelid, c.relnamespace, c.relname,
  CASE WHEN {distinct} OR NOT ({PLAIN}) THEN pg_get_indexdef(i.indexrelid) END,
  i.indisvalid, i.indisclustered, i.indisreplident, i.indisunique, am.amname,
  CASE WHEN i.indpred IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) END,
  c.reloptions, {distinct}, i.indnkeyatts, i.indkey::text, i.indoption::text, i.indclass::text,
  i.indcollation::text,
  CASE WHEN NOT i.indcollation::oid[] <@ '{{0,100}}' THEN ARRAY(
    SELECT u.oid::regcollation::text FROM unnest(i.indcollation::oid[]) AS u (oid)) END,
  CASE WHEN i.indexprs IS NOT NULL THEN ARRAY(
    SELECT pg_get_indexdef(i.indexrelid, number, false)
    FROM generate_series(1, i.indnkeyatts) AS number) END
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE c.relnamespace = ANY {SPACES} AND k.oid IS NULL
"""
