"""Schemas, extensions and comments."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.building import SPACES, Found, not_member

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

PUBLIC_COMMENT: Final = "standard public schema"


def build_comments(found: Found) -> None:
    """Keep every comment by what it is on."""
    found.comments = {(c, oid, column): text for c, oid, column, text in found.rows["comments"]}


def build_schemas(found: Found) -> None:
    """Keep the schemas that are asked for; one made by an extension is no object."""
    for oid, name, own in found.rows["schemas"]:
        if not found.filters.schema(name):
            continue
        found.schemas[oid] = name
        if own:
            comment = found.comment(classes.NAMESPACE, oid)
            if name == "public" and comment == PUBLIC_COMMENT:
                comment = None
            found.add(classes.NAMESPACE, oid, Schema(name=name, comment=comment))


def build_extensions(found: Found) -> None:
    """Keep the extensions."""
    for oid, name, schema, version in found.rows["extensions"]:
        found.add(classes.EXTENSION, oid, Extension(name=name, schema=schema, version=version))
