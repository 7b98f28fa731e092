"""Schemas, extensions and comments."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.scope import SPACES, not_member

SCHEMAS: Final = f"""
SELECT n.oid, n.nspname, {not_member(classes.NAMESPACE, "n.oid")}
FROM pg_namespace n WHERE n.oid = ANY {SPACES}
"""

EXTENSIONS: Final = """
SELECT e.oid, e.extname, n.nspname, e.extversion
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
"""

COMMENTS: Final = f"""
SELECT classoid, objoid, objsubid, description FROM pg_description d
WHERE (objoid >= {classes.FIRST_USER_OID} OR classoid = {classes.NAMESPACE})
  AND NOT EXISTS (SELECT 1 FROM pg_depend e
    WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
"""
