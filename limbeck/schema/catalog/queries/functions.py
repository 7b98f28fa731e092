"""Functions, procedures and aggregates."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES

FUNCTIONS: Final = f"""
SELECT p.oid, p.pronamespace, p.proname,
  format('%I(%s)', p.proname, oidvectortypes(p.proargtypes)), p.prokind::text,
  CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
  pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = ANY {SPACES}
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = {classes.PROCEDURE}
    AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
"""
