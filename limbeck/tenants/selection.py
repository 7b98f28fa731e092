"""Select the tenants of a database: the schemas that the setting `tenants` names."""

from __future__ import annotations

import re
from typing import Final

import psycopg

from limbeck.errors import ConfigurationError
from limbeck.postgres.connect import Connection
from limbeck.project.project import Project
from limbeck.schema.sql.own_schemas import of_users

_IS_QUERY: Final = re.compile(r"(?i)\s*(select|with|values|table)\b")
_SCHEMAS: Final = f"""
SELECT nspname::text FROM pg_namespace
WHERE {of_users("nspname")} AND (nspname LIKE ANY (%(patterns)s) OR nspname = %(template)s)
ORDER BY nspname"""
_EXISTING: Final = """
SELECT nspname::text FROM pg_namespace WHERE nspname = ANY (%(names)s) ORDER BY nspname"""


def names(connection: Connection, project: Project) -> tuple[str, ...]:
    """Return the schemas of the tenants that a database has, the template among them, sorted.

    Args:
        connection: A session on the database.
        project: Its settings.

    Raises:
        ConfigurationError: The query of the setting fails, or a tenant has no schema.

    """
    if project.tenants is None:
        return ()
    if not _IS_QUERY.match(project.tenants):
        values = {"patterns": _patterns(project.tenants), "template": project.template}
        return _texts(connection.execute(_SCHEMAS.encode(), values).fetchall())
    listed = _queried(connection, project.tenants)
    wanted = [*listed, project.template] if project.template else [*listed]
    existing = _texts(connection.execute(_EXISTING.encode(), {"names": wanted}).fetchall())
    if missing := sorted({*listed} - {*existing}):
        raise ConfigurationError(
            f"the setting tenants selects {missing[0]}, and there is no schema of that name",
            hint="Create it (`limbeck tenants create NAME`), or leave it out of the query.",
        )
    return existing


def _queried(connection: Connection, query: str) -> tuple[str, ...]:
    try:
        with connection.transaction():
            return _texts(connection.execute(query.encode()).fetchall())
    except psycopg.Error as error:
        raise ConfigurationError(
            f"[tool.limbeck] tenants: the query fails: {error.diag.message_primary or error}",
            hint="Write one that returns the names of schemas.",
        ) from error


def _texts(rows: list[tuple[object, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(row[0]) for row in rows))


def _patterns(text: str) -> list[str]:
    """Return patterns such as "tenant_*", separated by commas, as those of LIKE."""
    return [_like(each.strip()) for each in text.split(",")]


def _like(pattern: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern)
    return escaped.replace("*", "%").replace("?", "_")
