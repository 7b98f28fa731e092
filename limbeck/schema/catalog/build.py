"""Build the objects of a catalog from the rows that Postgres answered; `read` calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from limbeck.schema.catalog import lowest
from limbeck.schema.catalog.builders import (
    columns,
    constraints,
    definitions,
    dependencies,
    functions,
    indexes,
    privileges,
    schemas,
    search_path,
    sequences,
    tables,
    triggers,
    types,
    views,
)
from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import Filters
from limbeck.schema.catalog.pipeline import Answers

# Each stands after those whose objects it looks up: a column's default is spelled before the
# column is built, a column's name is known before the constraints on it.
BUILDERS: Final[tuple[Callable[[Reading], None], ...]] = (
    schemas.build_comments,
    schemas.build_schemas,
    schemas.build_extensions,
    columns.build_names,
    tables.build_inherits,
    tables.build,
    views.build_addresses,
    columns.build_defaults,
    constraints.build_not_nulls,
    sequences.build,
    columns.build,
    views.build,
    constraints.build,
    indexes.build,
    types.build,
    functions.build,
    triggers.build,
    definitions.build,
    privileges.build,
)


def build(
    server: int,
    filters: Filters,
    rows: Answers,
    unreadable: tuple[str, ...] = (),
    *,
    with_near: bool,
) -> Catalog:
    """Return the catalog of the rows.

    Args:
        server: server_version_num of the server that answered.
        filters: the schemas and tables to keep.
        rows: the answers by the names of their questions.
        unreadable: the questions that the role may not ask, which have no rows.
        with_near: whether the questions for `Catalog.near` are among those asked.

    """
    reading = Reading(server=server, filters=filters, rows=rows)
    for step in BUILDERS:
        step(reading)
    edges = dependencies.Edges(reading)
    texts = search_path.texts(reading) if with_near else {}
    catalog = Catalog(server, reading.objects, edges, unreadable, texts)
    return lowest.written_for(catalog, filters.lowest_major or catalog.major)
