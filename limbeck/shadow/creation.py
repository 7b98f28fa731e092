"""Create all of a MetaData in an empty database; tell in the models' words what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from limbeck.errors import ModelsError
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.read import read
from limbeck.shadow.conflicts import hint_on_views, refuse_two_enums

CREATED = re.compile(r'\s*(CREATE(?: UNIQUE)? (?:TABLE|INDEX|TYPE|SEQUENCE|DOMAIN|VIEW) [\w."]+)')
MISSING_TYPE = re.compile(r'type "(?:\w+\.)?(\w+)" does not exist')
MISSING_ROLE = re.compile(r'role "([^"]+)" does not exist')
MISSING_EXTENSION = re.compile(r'extension "([^"]+)"')
# Types that come with an extension; the others have the extension's own name.
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
PLAIN = {"citext", "hstore", "ltree", "vector", "cube", "seg", "lo", "semver"}


def created(metadata: sa.MetaData, database: Database, kept: Filters = EVERYTHING) -> Catalog:
    """Create all of a MetaData in an empty database and return what is there then.

    Raises:
        ModelsError: Postgres refuses a table or a type, or two of them conflict.

    """
    refuse_two_enums(metadata)
    with connect(database) as connection:
        with as_sqlalchemy(connection) as target, _explained(metadata), target.begin():
            target.exec_driver_sql("SET LOCAL synchronous_commit = off")
            for name in sorted(_schemas(metadata)):
                target.execute(sa.schema.CreateSchema(name, if_not_exists=True))
            metadata.create_all(target, checkfirst=False)
        return read(connection, filters=kept)


def _schemas(metadata: sa.MetaData) -> set[str]:
    named = {table.schema for table in metadata.tables.values()} | {metadata.schema}
    columns = (column for table in metadata.tables.values() for column in table.columns)
    named |= {getattr(column.type, "schema", None) for column in columns}
    return {name for name in named if name}


@contextmanager
def _explained(metadata: sa.MetaData) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        said = str(error.orig).strip()
        found = CREATED.match(error.statement or "")
        what = found[1] if found else "statement: " + (error.statement or "").strip()[:500]
        raise ModelsError(
            f"Postgres cannot create the models: {said}\n  in {what}",
            hint=_hint(said) or hint_on_views(metadata, said),
        ) from error
    except sa.exc.SQLAlchemyError as error:
        raise ModelsError(f"the models cannot be created: {error}") from error


def _hint(said: str) -> str | None:
    if "is not available" in said and (found := MISSING_EXTENSION.search(said)):
        return (
            f"The shadow server has no extension {found[1]}. "
            "Set SHADOW_DATABASE_URL to a server that has it."
        )
    if found := MISSING_ROLE.search(said):
        return (
            "Roles belong to a server, not to a schema. On the shadow server, once: "
            f'CREATE ROLE "{found[1]}". SHADOW_DATABASE_URL can name another server.'
        )
    if (found := MISSING_TYPE.search(said)) and found[1] in EXTENSION_OF.keys() | PLAIN:
        name = EXTENSION_OF.get(found[1], found[1])
        return f'Declare it beside the models: limbeck.entities.Extension("{name}").'
    return None
