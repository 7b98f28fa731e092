"""Expressions as they read with public on the search_path, as people write them."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.columns import EXPRESSION
from limbeck.schema.catalog.queries.scope import SPACES

# For the two queries below, which are the last; it ends with the transaction.
PATH: Final = "SELECT set_config('search_path', 'public', true)"

DEFAULTS: Final = f"""
SELECT d.adrelid, d.adnum, {EXPRESSION}
WHERE d.adrelid >= {classes.FIRST_USER_OID} AND d.oid IN (
    SELECT objid FROM pg_depend WHERE classid = {classes.DEFAULT} AND deptype = 'n'
      AND refobjid >= {classes.FIRST_USER_OID})
"""
"""A default that uses no object of the user's reads the same on any search_path."""

# Pretty, as SQLAlchemy's inspector reads them: without the parentheses that are not needed.
KEYS: Final = f"""
SELECT i.indexrelid, ARRAY(SELECT pg_get_indexdef(i.indexrelid, number, true)
    FROM generate_series(1, i.indnkeyatts) AS number)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indexprs IS NOT NULL AND c.relnamespace = ANY {SPACES}
"""
