"""What depends on what: pg_depend between the objects that were found."""

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
"""The triggers behind foreign keys and NOT NULLs, most of the rows, say nothing of their own."""
