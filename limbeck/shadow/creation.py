"""Create all of a MetaData in an empty database, and explain what Postgres refuses of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa
from psycopg import sql

from limbeck.engine import privileged
from limbeck.errors import ModelsError
from limbeck.events import Listener, ignore
from limbeck.postgres.connect import Connection, as_sqlalchemy, connect
from limbeck.postgres.database import Database
from limbeck.project.code.answers import Described
from limbeck.project.code.recording import Recording
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.read import read
from limbeck.shadow.conflicts import hint_on_views, refuse_different, refuse_two_enums
from limbeck.stages import counting, staged

if TYPE_CHECKING:
    from limbeck.shadow.refusals import Judge, Refusal

CREATING = "creating the models on the shadow"
CREATED = re.compile(r'\s*(CREATE(?: UNIQUE)? (?:TABLE|INDEX|TYPE|SEQUENCE|DOMAIN|VIEW) [\w."]+)')
MISSING_TYPE = re.compile(r'type "(?:\w+\.)?(\w+)" does not exist')
MISSING_ROLE = re.compile(r'role "([^"]+)" does not exist')
MISSING_EXTENSION = re.compile(r'extension "([^"]+)"')
# Types that come with an extension of another name, and below those of the same name.
EXTENSION_OF = {
    "geometry": "postgis",
    "geography": "postgis",
    "raster": "postgis_raster",
    "halfvec": "vector",
    "sparsevec": "vector",
    "lquery": "ltree",
    "ltxtquery": "ltree",
    "isbn": "isn",
    "isbn13": "isn",
}
UNREFERABLE = re.compile(r'no unique constraint matching given keys for referenced table "(.+)"')
LEAVING_OUT = "To leave out an index or a constraint that Postgres refuses: limbeck accept"
SAME_NAME = {"citext", "hstore", "ltree", "vector", "cube", "seg", "lo", "semver"}


def created(
    metadata: sa.MetaData,
    database: Database,
    filters: Filters = EVERYTHING,
    listen: Listener = ignore,
) -> Catalog:
    """Create all of a MetaData in an empty database and return the catalog of the database.

    Args:
        metadata: the models.
        database: the empty database.
        filters: what of the catalog counts.
        listen: receives how far the creation is.

    Raises:
        ModelsError: Postgres refuses a table or a type, or two of them conflict.

    """
    from limbeck.project.code.worker import sorting_fast  # noqa: PLC0415 - few commands need it

    refuse_two_enums(metadata)
    with connect(database) as connection:
        with (
            as_sqlalchemy(connection) as target,
            privileged.assisting(connection, target),
            _explained(metadata),
            target.begin(),
            staged(listen, CREATING, "statement", silent=True) as stage,
            sorting_fast(),
        ):
            sa.event.listen(target, "after_cursor_execute", lambda *_: stage.advance())
            # The database is dropped afterwards: nothing of it has to survive a crash.
            target.exec_driver_sql("SET LOCAL synchronous_commit = off")
            for name in sorted(schemas(metadata)):
                target.execute(sa.schema.CreateSchema(name, if_not_exists=True))
            # The database is empty: a look for each table would only cost time.
            metadata.create_all(target, checkfirst=False)
        return read(connection, filters=filters)


def created_from(
    described: Described,
    database: Database,
    filters: Filters = EVERYTHING,
    listen: Listener = ignore,
) -> Catalog:
    """Create the models that a worker has described, and return the catalog of the database.

    Args:
        described: the models.
        database: the empty database.
        filters: what of the catalog counts.
        listen: receives how far the creation is.

    Raises:
        ModelsError: Postgres refuses a table or a type, or two enums have one name.

    """
    refuse_different(described.enums)
    with connect(database) as connection:
        with connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = off")
            for name in described.schemas:
                schema = sql.Identifier(name)
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            statements = described.statements
            with (
                privileged.rewriting(connection) as rewritten,
                staged(listen, CREATING, "statement", len(statements), silent=True) as stage,
            ):
                for statement in counting(stage, statements):
                    _send(connection, rewritten(statement))
        return read(connection, filters=filters)


def created_without(
    statements: Iterable[str],
    schemas: Iterable[str],
    database: Database,
    may_leave_out: Judge,
    filters: Filters = EVERYTHING,
) -> Catalog:
    """Create models without what Postgres refuses of them, and return the catalog of the database.

    Args:
        statements: create the models in an empty database.
        schemas: those that they name.
        database: the empty database.
        may_leave_out: decides for each index and each constraint that Postgres refuses.
        filters: what of the catalog counts.

    Raises:
        ModelsError: Postgres refuses something else, or what may not be left out.

    """
    from limbeck.shadow import refusals  # noqa: PLC0415 - models are rarely refused

    def judge(refusal: Refusal) -> bool:
        return lacking(refusal.message) is None and may_leave_out(refusal)

    with connect(database) as connection:
        with connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = off")
            for name in schemas:
                schema = sql.Identifier(name)
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            try:
                refusals.create(connection, statements, judge)
            except refusals.RefusedError as error:
                raise _refused(error.message, error.statement) from error
        return read(connection, filters=filters)


def described(metadata: sa.MetaData, server: int) -> tuple[str, ...]:
    """Return the statements that create all of a MetaData; none where only a server could tell.

    A listener of the models may ask its connection for something, and there is none.

    Args:
        metadata: the models.
        server: the version of the server as it reports it, such as 180006.

    """
    from limbeck.project.code.worker import statements_of  # noqa: PLC0415 - few commands need it

    try:
        return tuple(statements_of(metadata, server))
    except Exception:  # noqa: BLE001 - a creation of all either works or says what is wrong
        return ()


def _send(connection: Connection, statement: str) -> None:
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        raise _refused(str(error).strip(), statement) from error


def _refused(message: str, statement: str, hint: str | None = None) -> ModelsError:
    match = CREATED.match(statement)
    place = match[1] if match else "statement: " + statement.strip()[:500]
    hint = lacking(message) or _unreferable(message, statement) or hint or LEAVING_OUT
    return ModelsError(f"Postgres cannot create the models: {message}\n  in {place}", hint=hint)


def _unreferable(message: str, statement: str) -> str | None:
    """Return what to do about a foreign key to columns that are no key of their table."""
    if not (match := UNREFERABLE.search(message)):
        return None
    name = match[1]
    given = re.search(rf'REFERENCES (?:[\w"]+\.)?"?{re.escape(name)}"? ?\(([^)]+)\)', statement)
    columns = given[1] if given else "the columns that are referenced"
    return (
        f"Declare a unique constraint on {name} ({columns}) in the models, "
        f"or remove the foreign key from them. {LEAVING_OUT}"
    )


def schemas(metadata: sa.MetaData) -> set[str]:
    """Return the schemas that the tables and types of a MetaData name."""
    named = {table.schema for table in metadata.tables.values()} | {metadata.schema}
    columns = (column for table in metadata.tables.values() for column in table.columns)
    named |= {getattr(column.type, "schema", None) for column in columns}
    return {name for name in named if name}


@contextmanager
def noticing_connections(recorded: Recording) -> Iterator[None]:
    """Notice an engine that connects during a recording: libpq does that unseen by Python."""

    def connected(*_: object) -> None:
        recorded.unsound = "an engine connected"

    sa.event.listen(sa.pool.Pool, "connect", connected)
    try:
        yield
    finally:
        sa.event.remove(sa.pool.Pool, "connect", connected)


@contextmanager
def _explained(metadata: sa.MetaData) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        message = str(error.orig).strip()
        hint = hint_on_views(metadata, message)
        raise _refused(message, error.statement or "", hint) from error
    except sa.exc.SQLAlchemyError as error:
        raise ModelsError(f"the models cannot be created: {error}") from error


def lacking(message: str) -> str | None:
    """Return what to do about an extension, a role or a type that Postgres misses."""
    if "is not available" in message and (match := MISSING_EXTENSION.search(message)):
        return (
            f"The shadow server has no extension {match[1]}. "
            "Set SHADOW_DATABASE_URL to a server that has it."
        )
    if match := MISSING_ROLE.search(message):
        return (
            "Roles belong to a server, not to a schema. Run this once on the shadow server: "
            f'CREATE ROLE "{match[1]}". Or set SHADOW_DATABASE_URL to another server.'
        )
    if hint := privileged.hint(message):
        return hint
    if (match := MISSING_TYPE.search(message)) and match[1] in EXTENSION_OF.keys() | SAME_NAME:
        name = EXTENSION_OF.get(match[1], match[1])
        return f'Declare the extension beside the models: limbeck.entities.Extension("{name}").'
    return None
