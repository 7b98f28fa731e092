"""Triggers, policies, rules and extended statistics."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

# Before Postgres 15 the copies of a trigger on partitions are marked as internal.
TRIGGERS: Final = """
SELECT t.oid, t.tgrelid, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text, t.tgparentid <> 0
FROM pg_trigger t LEFT JOIN pg_trigger up ON up.oid = t.tgparentid
WHERE NOT t.tgisinternal OR NOT up.tgisinternal
"""

POLICIES: Final = """
SELECT p.oid, p.polrelid, p.polname,
  CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
    WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
  p.polpermissive, ARRAY(
    SELECT coalesce(r.rolname::text, 'public') FROM unnest(p.polroles)
    WITH ORDINALITY AS u (oid, place) LEFT JOIN pg_roles r ON r.oid = u.oid ORDER BY u.place),
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
FROM pg_policy p
"""

RULES: Final = f"""
SELECT r.oid, r.ev_class, r.rulename, pg_get_ruledef(r.oid), r.ev_enabled::text
FROM pg_rewrite r WHERE r.rulename <> '_RETURN' AND r.oid >= {classes.FIRST_USER_OID}
"""

STATISTICS: Final = f"""
SELECT s.oid, s.stxnamespace, s.stxrelid, s.stxname, pg_get_statisticsobjdef(s.oid),
  nullif(s.stxstattarget, -1)
FROM pg_statistic_ext s
WHERE s.stxnamespace = ANY {SPACES} AND {not_member(classes.STATISTICS, "s.oid")}
"""
