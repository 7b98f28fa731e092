"""Conditions that tell whether a database has objects of its own of a kind.

A new session builds a description of each system catalog that a query names, at 0.25 ms each. So
the conditions name few: whatever is in a schema of its own depends on that, and pg_depend says so.
"""

from __future__ import annotations

from limbeck.schema.catalog.queries import classes


def any_of(catalog: str, key: str = "oid", kind: str = "true") -> str:
    """Return the condition that a system catalog has a row that initdb did not write.

    Args:
        catalog: the name of the system catalog.
        key: the column with the oid.
        kind: a condition on the rows.

    """
    return f"EXISTS (SELECT FROM {catalog} WHERE {key} >= {classes.FIRST_USER_OID} AND {kind})"


def depending(*catalogs: int) -> str:
    """Return the condition that an object of some catalogs depends on something.

    On a schema, table, type or function that initdb has created in pg_catalog nothing is recorded
    to depend: this is for objects that belong to another schema, table or function.

    Args:
        catalogs: the oids of system catalogs; one is enough.

    """
    listed = ", ".join(map(str, catalogs))
    return any_of("pg_depend", "objid", f"classid IN ({listed})")
