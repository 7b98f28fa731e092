"""Sequences: stand-alone, owned by a column, or behind an identity column."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

SEQUENCES: Final = f"""
SELECT c.oid, c.relnamespace, c.relname, format('%I.%I', n.nspname, c.relname),
  c.relpersistence = 'u', d.refobjid, d.refobjsubid, d.deptype = 'i',
  format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
  s.seqcycle
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = {classes.RELATION} AND d.objid = c.oid AND d.objsubid = 0
  AND d.refclassid = {classes.RELATION} AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
WHERE c.relnamespace = ANY {SPACES} AND {not_member(classes.RELATION, "c.oid")}
"""
