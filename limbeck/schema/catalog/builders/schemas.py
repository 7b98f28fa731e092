"""Schemas, extensions and comments."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.queries import classes

PUBLIC_COMMENT: Final = "standard public schema"


def build_comments(reading: Reading) -> None:
    """Add every comment by the catalog, oid and column that it is on."""
    reading.comments = {(c, oid, column): text for c, oid, column, text in reading.rows["comments"]}


def build_schemas(reading: Reading) -> None:
    """Add the schemas that the filters select; one that an extension created is not an object."""
    for oid, name, own in reading.rows["schemas"]:
        if not reading.filters.schema(name):
            continue
        reading.schemas[oid] = name
        # Alembic cannot create the schema of its own table: env.py does, or it exists.
        if own and name != reading.filters.version_table_schema:
            comment = reading.comment(classes.NAMESPACE, oid)
            if name == "public" and comment == PUBLIC_COMMENT:
                comment = None
            reading.add(classes.NAMESPACE, oid, Schema(name=name, comment=comment))


def build_extensions(reading: Reading) -> None:
    """Add the extensions."""
    for oid, name, schema, version in reading.rows["extensions"]:
        reading.add(classes.EXTENSION, oid, Extension(name=name, schema=schema, version=version))
