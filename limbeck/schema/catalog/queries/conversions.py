"""Casts, and conversions between encodings."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

_CASTS: Final = f"""
SELECT {classes.CAST}, c.oid, 'cast', 0::oid, pair.name,
  concat_ws(' ', 'CREATE CAST', pair.name,
    CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::regprocedure::text
      WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
    CASE c.castcontext WHEN 'i' THEN 'AS IMPLICIT' WHEN 'a' THEN 'AS ASSIGNMENT' END),
  format('DROP CAST %s', pair.name)
FROM pg_cast c
CROSS JOIN LATERAL (SELECT format('(%s AS %s)', format_type(c.castsource, NULL),
  format_type(c.casttarget, NULL)) AS name) pair
WHERE c.oid >= {classes.FIRST_USER_OID} AND NOT EXISTS (SELECT 1 FROM pg_depend e
  WHERE e.classid = {classes.CAST} AND e.objid = c.oid AND e.deptype IN ('e', 'i'))
"""
"""The cast of a range to its multirange comes with the type."""

_CONVERSIONS: Final = f"""
SELECT {classes.CONVERSION}, c.oid, 'conversion', c.connamespace, c.conname::text,
  format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s',
    CASE WHEN c.condefault THEN 'DEFAULT ' END, n.nspname, c.conname,
    pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding),
    c.conproc::text),
  format('DROP CONVERSION %I.%I', n.nspname, c.conname)
FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace
WHERE c.connamespace = ANY {SPACES} AND {not_member(classes.CONVERSION, "c.oid")}
"""

CONVERSIONS: Final = f"{_CASTS} UNION ALL {_CONVERSIONS}"
