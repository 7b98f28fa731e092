"""The filters of a catalog, from the settings of a project or the options of a command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limbeck.schema.catalog.filters import Filters

if TYPE_CHECKING:
    from limbeck.project.project import Project


def filters(project: Project) -> Filters:
    """Return the schemas and tables that a project's settings include."""
    patterns = chosen(
        include_schemas=project.include_schemas,
        exclude_schemas=project.exclude_schemas,
        include_tables=project.include_tables,
        exclude_tables=project.exclude_tables,
    )
    return replace(patterns, grants=project.grants)


def chosen(
    *,
    include_schemas: tuple[str, ...] = (),
    exclude_schemas: tuple[str, ...] = (),
    include_tables: tuple[str, ...] = (),
    exclude_tables: tuple[str, ...] = (),
) -> Filters:
    """Return filters from patterns as settings have them; no pattern includes everything."""
    return Filters(
        schemas=include_schemas or ("*",),
        ignore_schemas=exclude_schemas,
        tables=include_tables or ("*",),
        ignore=exclude_tables,
    )
