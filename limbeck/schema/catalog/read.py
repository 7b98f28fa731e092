"""Read a whole database into a Catalog, in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import psycopg

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.pipeline import Answers, Questions, asked, asked_singly
from limbeck.schema.catalog.queries import (
    aggregates,
    columns,
    constraints,
    conversions,
    definitions,
    dependencies,
    foreign,
    functions,
    indexes,
    operators,
    privileges,
    publications,
    schemas,
    search_path,
    sequences,
    tables,
    text_search,
    triggers,
    types,
    views,
)
from limbeck.schema.catalog.queries.building import EVERYTHING, Filters, Found

__all__ = ["EVERYTHING", "Filters", "read"]


# In the order in which the builders below look at the answers: while objects are built of one, the
# server works on the next.
QUESTIONS: Final[Questions] = {
    "comments": schemas.COMMENTS,
    "schemas": schemas.SCHEMAS,
    "extensions": schemas.EXTENSIONS,
    "columns": columns.COLUMNS,
    "inherits": tables.INHERITS,
    "tables": tables.TABLES,
    "views": views.VIEWS,
    "defaults": columns.DEFAULTS,
    "not nulls": constraints.NOT_NULLS,
    "sequences": sequences.SEQUENCES,
    "constraints": constraints.sql,
    "operator classes": indexes.OPERATOR_CLASSES,
    "key settings": indexes.KEY_SETTINGS,
    "indexes": indexes.sql,
    "enums": types.ENUMS,
    "domains": types.DOMAINS,
    "composites": types.COMPOSITES,
    "ranges": types.RANGES,
    "collations": types.COLLATIONS,
    "functions": functions.FUNCTIONS,
    "aggregates": aggregates.AGGREGATES,
    "triggers": triggers.TRIGGERS,
    "policies": triggers.POLICIES,
    "rules": triggers.RULES,
    "statistics": triggers.STATISTICS,
    "operators": operators.OPERATORS,
    "text search": text_search.TEXT_SEARCH,
    "foreign": foreign.FOREIGN,
    "conversions": conversions.CONVERSIONS,
    "publications": publications.sql,
    "event triggers": publications.EVENT_TRIGGERS,
    "dependencies": dependencies.DEPENDENCIES,
}

GRANTS: Final[Questions] = {
    "grants": privileges.GRANTS,
    "default grants": privileges.DEFAULT_GRANTS,
}

NEAR: Final[Questions] = {
    "near path": search_path.PATH,
    "near defaults": search_path.DEFAULTS,
    "near keys": search_path.KEYS,
}

# Each stands after what it needs: comments and the parts of columns first.
BUILDERS: Final[tuple[Callable[[Found], None], ...]] = (
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


def read(  # noqa: PLR0913 - what is read, and how
    connection: psycopg.Connection,
    *,
    ignore: Sequence[str] = (),
    filters: Filters = EVERYTHING,
    statement_timeout: float | None = None,
    with_near: bool = False,
    meanwhile: Callable[[], object] | None = None,
) -> Catalog:
    """Return everything the database holds, as it is at one moment.

    On a connection that is in no transaction one is opened, REPEATABLE READ READ ONLY, and ended;
    in a transaction the read happens under a savepoint that is rolled back, so that the settings
    are put back and nothing is committed. What the role may not read is named in `unreadable`.

    Args:
        connection: of psycopg, autocommit or not, not in pipeline mode.
        ignore: more patterns of tables to leave out, added to `filters.ignore`.
        filters: the schemas and tables to read.
        statement_timeout: seconds for each of the questions; None leaves the session's own.
        with_near: whether to ask for `near`, too.
        meanwhile: something to do while the server is busy with the first questions.

    Raises:
        psycopg.Error: the connection broke, or a question took too long.

    """
    filters = replace(filters, ignore=(*filters.ignore, *ignore))
    questions = {**QUESTIONS, **(GRANTS if filters.grants else {}), **(NEAR if with_near else {})}
    with paused():
        try:
            with asked(connection, questions, statement_timeout) as rows:
                if meanwhile is not None:
                    meanwhile()
                return _catalog(connection, filters, rows, with_near=with_near)
        except psycopg.errors.InsufficientPrivilege:
            singly, unreadable = asked_singly(connection, questions, statement_timeout)
            return _catalog(connection, filters, singly, unreadable, with_near=with_near)


def _catalog(
    connection: psycopg.Connection,
    filters: Filters,
    rows: Answers,
    unreadable: tuple[str, ...] = (),
    *,
    with_near: bool,
) -> Catalog:
    found = Found(server=connection.info.server_version, filters=filters, rows=rows)
    for build in BUILDERS:
        build(found)
    edges = dependencies.Edges(found)
    texts = search_path.texts(found) if with_near else {}
    return Catalog(found.server, found.objects, edges, unreadable, texts)
