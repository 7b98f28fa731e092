"""Conditions that tell whether a database has objects of its own of a kind."""

from __future__ import annotations

from limbeck.schema.catalog.queries import classes


def any_of(*catalogs: str, key: str = "oid", kind: str = "true") -> str:
    """Return the condition that a system catalog has a row that initdb did not write.

    Args:
        catalogs: the names of system catalogs; one is enough.
        key: the column with the oid.
        kind: a condition on the rows.

    """
    own = f"{key} >= {classes.FIRST_USER_OID} AND {kind}"
    rows = (f"EXISTS (SELECT FROM {name} WHERE {own})" for name in catalogs)
    return f"({' OR '.join(rows)})"
