"""Dependencies between the objects of users, from pg_depend."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.queries import classes

DEPENDENCIES: Final = f"""
SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype::text
FROM pg_depend
WHERE objid >= {classes.FIRST_USER_OID}
  AND (refobjid >= {classes.FIRST_USER_OID} OR refclassid = {classes.NAMESPACE})
  AND NOT (classid = {classes.TRIGGER} AND objid IN (
    SELECT oid FROM pg_trigger WHERE tgisinternal AND tgconstraint <> 0 AND tgconstrrelid <> 0))
  AND NOT (classid = {classes.CONSTRAINT} AND objid IN (
    SELECT oid FROM pg_constraint WHERE contype = 'n'))
"""
"""Triggers of foreign keys and NOT NULLs are left out: most of the rows, and of no use."""
