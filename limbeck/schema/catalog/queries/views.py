"""Views and materialized views."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

VIEWS: Final = f"""
SELECT c.oid, c.relnamespace, c.relname, pg_get_viewdef(c.oid), c.relkind = 'm', c.reloptions,
  c.relispopulated, CASE WHEN am.amname <> 'heap' THEN am.amname END
FROM pg_class c LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('v', 'm') AND c.relnamespace = ANY {SPACES}
  AND {not_member(classes.RELATION, "c.oid")}
"""
