"""Conditions that leave out what is not the user's: system schemas, members of extensions."""

from __future__ import annotations

from typing import Final

from limbeck.schema.sql.own_schemas import of_users

SPACES: Final = f"(ARRAY(SELECT oid FROM pg_namespace WHERE {of_users('nspname')}))"
"""The oids of the schemas that are read; as an array Postgres computes them once a query."""


def not_member(catalog: int, oid: str) -> str:
    """Return the condition that an object belongs to no extension."""
    return (
        f"NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = {catalog}"
        f" AND e.objid = {oid} AND e.deptype = 'e')"
    )
