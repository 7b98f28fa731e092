"""Expressions as they read with public on the search_path, which is how people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.arrays import settled
from limbeck.schema.catalog.queries.building import SPACES, Found
from limbeck.schema.catalog.queries.columns import EXPRESSION

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


# The cast of a literal goes without saying; Alembic compares without it.
_NEXTVAL: Final = re.compile(r"nextval\(('(?:[^']|'')+')::regclass\)")


def texts(found: Found) -> dict[str, str]:
    """Return what reads otherwise, by the text without a search_path."""
    return {far: near for far, near in _pairs(found) if far != near}


def _pairs(found: Found) -> Iterator[tuple[str, str]]:
    for relation, number, text in found.rows["near defaults"]:
        if (relation, number) in found.defaults:
            yield found.defaults[relation, number], _NEXTVAL.sub(r"nextval(\1)", settled(text))
    keys: dict[int, list[str]] = dict(found.rows["near keys"])
    for row in found.rows["indexes"]:
        if row[0] in keys:
            for far, near in zip(row[19], keys[row[0]], strict=True):
                yield settled(far), settled(near)
