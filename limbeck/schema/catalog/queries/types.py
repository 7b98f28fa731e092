"""Types: enumerated, domains, composite and ranges; and collations."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

ENUMS: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, e.labels
FROM pg_type t LEFT JOIN (
  SELECT enumtypid, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
  FROM pg_enum GROUP BY enumtypid) e ON e.enumtypid = t.oid
WHERE t.typtype = 'e' AND t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

DOMAINS: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, format_type(t.typbasetype, t.typtypmod),
  CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
  coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault), t.typnotnull
FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype
WHERE t.typtype = 'd' AND t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

COMPOSITES: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, t.typrelid
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
WHERE t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

RANGES: Final = f"""
SELECT t.oid, t.typnamespace, t.typname, format_type(r.rngsubtype, NULL),
  CASE WHEN NOT o.opcdefault THEN format('%I.%I', n.nspname, o.opcname) END,
  CASE WHEN r.rngcollation <> s.typcollation THEN r.rngcollation::regcollation::text END,
  nullif(r.rngcanonical::oid, 0)::regproc::text, nullif(r.rngsubdiff::oid, 0)::regproc::text,
  format_type(r.rngmultitypid, NULL)
FROM pg_range r
JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_type s ON s.oid = r.rngsubtype
JOIN pg_opclass o ON o.oid = r.rngsubopc JOIN pg_namespace n ON n.oid = o.opcnamespace
WHERE t.typnamespace = ANY {SPACES} AND {not_member(classes.TYPE, "t.oid")}
"""

COLLATIONS: Final = f"""
SELECT c.oid, c.collnamespace, c.collname,
  CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
  c.collisdeterministic, coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale',
    CASE WHEN c.collprovider = 'i' THEN c.collcollate END),
  CASE WHEN c.collprovider <> 'i' THEN c.collcollate END,
  CASE WHEN c.collprovider <> 'i' THEN c.collctype END,
  to_jsonb(c) ->> 'collicurules'
FROM pg_collation c
WHERE c.collnamespace = ANY {SPACES} AND {not_member(classes.COLLATION, "c.oid")}
"""
