"""What the settings of a project leave to be seen of a database."""

from __future__ import annotations

from limbeck.catalog.read import Filters
from limbeck.settings import Project


def filters(project: Project) -> Filters:
    """Return the schemas and tables that a project's settings include."""
    return Filters(
        schemas=project.include_schemas or ("*",),
        ignore_schemas=project.exclude_schemas,
        tables=project.include_tables or ("*",),
        ignore=project.exclude_tables,
        grants=project.grants,
    )
