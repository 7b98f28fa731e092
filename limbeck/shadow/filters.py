"""The filters of a catalog: from the settings, from env.py, or the options of a command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limbeck.project import majors
from limbeck.schema.catalog.filters import Filters

if TYPE_CHECKING:
    from limbeck.project.code.configured import Configured
    from limbeck.project.project import Project


OF_TENANTS: Final = "public"
"""The schema that stands for that of each tenant, on the shadow and in catalogs."""


def filters(project: Project) -> Filters:
    """Return the schemas and tables that a project's settings and its env.py include."""
    patterns = chosen(
        include_schemas=project.include_schemas,
        exclude_schemas=project.exclude_schemas,
        include_tables=project.include_tables,
        exclude_tables=project.exclude_tables,
    )
    env = configured(project)
    if project.part == "shared":
        patterns = replace(patterns, ignore_schemas=(*patterns.ignore_schemas, OF_TENANTS))
    elif project.part == "tenants":
        patterns = replace(patterns, schemas=(OF_TENANTS,), within=True)
    chosen_ = replace(
        patterns,
        grants=project.grants,
        version_table=env.version_table,
        version_table_schema=env.version_table_schema,
        lowest_major=majors.lowest(project),
    )
    if not (env.include_object or env.include_name):
        return chosen_
    return replace(chosen_, allowed=project.code.allows)


def configured(project: Project) -> Configured:
    """Return what a project's env.py configures; if it has to run for that, on the shadow."""

    def url() -> str:
        from limbeck.shadow.shadow import Shadow  # noqa: PLC0415 - a bare URL needs no shadow

        return Shadow.of(project).database.url

    return project.code.configured(url)


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
