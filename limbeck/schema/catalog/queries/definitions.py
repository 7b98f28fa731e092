"""The rarer objects, which are known by their whole CREATE statement."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.queries.building import Found

SOURCES: Final = (
    "conversions",
    "event triggers",
    "foreign",
    "operators",
    "publications",
    "text search",
)
"""The queries whose rows are (catalog, oid, kind, schema's oid or 0, name, create, drop)."""


def build(found: Found) -> None:
    """Keep the definitions in the schemas that are read, and those in none."""
    for source in SOURCES:
        for catalog, oid, kind, space, name, create, drop in found.rows[source]:
            if space == 0 or space in found.schemas:
                definition = Definition(
                    kind=kind,
                    schema=found.schemas.get(space, ""),
                    name=name,
                    create=create,
                    drop=drop,
                    comment=found.comment(catalog, oid),
                )
                found.add(catalog, oid, definition)
