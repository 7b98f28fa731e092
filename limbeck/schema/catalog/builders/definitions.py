"""The rarer objects, which a catalog knows by their whole CREATE statement."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.objects.definitions import Definition

SOURCES: Final = (
    "conversions",
    "event triggers",
    "foreign",
    "operators",
    "publications",
    "text search",
)
"""The queries whose rows are (catalog, oid, kind, oid of the schema or 0, name, create, drop)."""


def build(reading: Reading) -> None:
    """Add the definitions in the schemas that are read, and those that are in no schema."""
    for source in SOURCES:
        for catalog, oid, kind, space, name, create, drop in reading.rows[source]:
            if space == 0 or space in reading.schemas:
                definition = Definition(
                    kind=kind,
                    schema=reading.schemas.get(space, ""),
                    name=name,
                    create=create,
                    drop=drop,
                    comment=reading.comment(catalog, oid),
                )
                reading.add(catalog, oid, definition)
