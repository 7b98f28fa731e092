"""Expressions as they read with public on the search_path, which is how people write them."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.columns import EXPRESSION
from limbeck.schema.catalog.queries.scope import SPACES

# It ends with the transaction, and nothing is asked after these.
PATH: Final = "SELECT set_config('search_path', 'public', true)"

DEFAULTS: Final = f"""
SELECT d.adrelid, d.adnum, {EXPRESSION}
WHERE d.adrelid >= {classes.FIRST_USER_OID} AND d.oid IN (
    SELECT objid FROM pg_depend WHERE classid = {classes.DEFAULT} AND deptype = 'n'
      AND refobjid >= {classes.FIRST_USER_OID})
"""
"""What names nothing of the users' reads alike from everywhere."""

# Pretty, as SQLAlchemy's inspector reads them: without the parentheses that are not needed.
KEYS: Final = f"""
SELECT i.indexrelid, ARRAY(SELECT pg_get_indexdef(i.indexrelid, number, true)
    FROM generate_series(1, i.indnkeyatts) AS number)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indexprs IS NOT NULL AND c.relnamespace = ANY {SPACES}
"""
