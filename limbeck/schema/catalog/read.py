"""Read a whole database into a Catalog: in one round trip, or two where they cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import psycopg

from limbeck.events import Listener, ignore
from limbeck.schema.catalog import scopes
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.pipeline import Questions, asked, asked_singly, text
from limbeck.schema.catalog.queries import (
    aggregates,
    classes,
    columns,
    constraints,
    conversions,
    dependencies,
    foreign,
    functions,
    indexes,
    operators,
    privileges,
    publications,
    rare,
    schemas,
    search_path,
    sequences,
    tables,
    text_search,
    triggers,
    types,
    views,
)
from limbeck.stages import staged

# In the order in which the builders (build.py) use the answers: while objects are built of one, the
# server works on the next. The dependencies are the last, because they are not built of at all
# before somebody asks for one.
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

READING: Final = "reading the database"

# What most databases have nothing of, and how to see that: objects of initdb have smaller oids.
RARE: Final[Mapping[str, str]] = {
    "inherits": "EXISTS (SELECT FROM pg_class WHERE relhassubclass)",
    "views": rare.any_of("pg_class", kind="relkind IN ('v', 'm')"),
    "defaults": rare.depending(classes.DEFAULT),
    "sequences": rare.any_of("pg_class", kind="relkind = 'S'"),
    "enums": rare.any_of("pg_type", kind="typtype = 'e'"),
    "domains": rare.any_of("pg_type", kind="typtype = 'd'"),
    "composites": rare.any_of("pg_class", kind="relkind = 'c'"),
    "ranges": rare.any_of("pg_type", kind="typtype = 'r'"),
    "collations": rare.depending(classes.COLLATION),
    "functions": rare.depending(classes.PROCEDURE),
    "aggregates": rare.any_of("pg_proc", kind="prokind = 'a'"),
    "triggers": rare.depending(classes.TRIGGER),
    "policies": rare.depending(classes.POLICY),
    "rules": rare.depending(classes.REWRITE),
    "statistics": rare.depending(classes.STATISTICS),
    "operators": rare.depending(classes.OPERATOR, classes.OPERATOR_FAMILY, classes.OPERATOR_CLASS),
    "text search": rare.depending(
        classes.TEXT_SEARCH_PARSER,
        classes.TEXT_SEARCH_TEMPLATE,
        classes.TEXT_SEARCH_DICTIONARY,
        classes.TEXT_SEARCH_CONFIGURATION,
    ),
    "foreign": rare.any_of("pg_foreign_data_wrapper"),
    "conversions": f"{rare.any_of('pg_cast')} OR {rare.depending(classes.CONVERSION)}",
    "publications": rare.any_of("pg_publication"),
    "event triggers": rare.depending(classes.EVENT_TRIGGER),
}

# Most projects leave privileges to somebody else, whose GRANTs would be drift.
GRANTS: Final[Questions] = {
    "grants": privileges.GRANTS,
    "default grants": privileges.DEFAULT_GRANTS,
}

# Only `pull` writes expressions for people to read. The first of these sets the search_path, which
# would change the spelling in all others: they have to be the last.
NEAR: Final[Questions] = {
    "near path": search_path.PATH,
    "near defaults": search_path.DEFAULTS,
    "near keys": search_path.KEYS,
}


def read(  # noqa: PLR0913 - what to read, and what to do meanwhile
    connection: psycopg.Connection,
    *,
    filters: Filters = EVERYTHING,
    statement_timeout: float | None = None,
    with_near: bool = False,
    meanwhile: Callable[[], object] | None = None,
    listen: Listener = ignore,
) -> Catalog:
    """Return everything the database holds, as it is at one moment.

    On a connection that is in no transaction one is opened, REPEATABLE READ READ ONLY, and ended;
    in a transaction the read happens under a savepoint that is rolled back, so that the settings
    are put back and nothing is committed. What the role may not read is named in `unreadable`.

    Args:
        connection: of psycopg, autocommit or not, not in pipeline mode.
        filters: the schemas and tables to read.
        statement_timeout: seconds for each of the questions; None leaves the session's own.
        with_near: whether to ask for `Catalog.near`, too.
        meanwhile: called while the server is busy with the first questions.
        listen: receives how far the read is, if it takes long.

    Raises:
        psycopg.Error: the connection broke, or a question took too long.

    """
    questions = {**QUESTIONS, **(GRANTS if filters.grants else {}), **(NEAR if with_near else {})}
    scope = scopes.of(connection)
    if scope is not None:
        questions = scope.limited(questions)
    server = connection.info.server_version
    # Thousands of new values make the collector run again and again, and none is garbage.
    with paused(), staged(listen, READING, "part", len(questions), silent=True) as stage:
        try:
            with asked(connection, questions, statement_timeout, RARE, stage.advance) as rows:
                # The classes of objects take as long to import as the server needs for a small
                # database: the questions have to be on their way before.
                from limbeck.schema.catalog.build import build  # noqa: PLC0415 - see above

                if meanwhile is not None:
                    meanwhile()
                answers = rows if scope is None else scope.translated(rows)
                return build(server, filters, answers, with_near=with_near)
        except psycopg.errors.InsufficientPrivilege:
            # One refused question aborts the transaction of all: ask each under its own savepoint.
            from limbeck.schema.catalog.build import build  # noqa: PLC0415 - see above

            rows, unreadable = asked_singly(connection, questions, statement_timeout)
            answers = rows if scope is None else scope.translated(rows)
            return build(server, filters, answers, unreadable, with_near=with_near)


def read_part(
    connection: psycopg.Connection, limit: Callable[[str], str], *, filters: Filters
) -> Catalog:
    """Return a part of what the database holds.

    Args:
        connection: as in `read`; its role may read everything.
        limit: returns a condition on the rows of a question, by its name.
        filters: the schemas and tables to read.

    """
    from limbeck.schema.catalog.build import build  # noqa: PLC0415 - as above

    questions = {**QUESTIONS, **(GRANTS if filters.grants else {})}
    limited = {
        name: f"SELECT * FROM ({text(query, connection)}) AS rows WHERE {limit(name)}"
        for name, query in questions.items()
    }
    with paused(), asked(connection, limited, None, RARE) as rows:
        return build(connection.info.server_version, filters, rows, with_near=False)
