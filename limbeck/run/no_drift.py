"""Remember that a database had no drift: while neither side has changed, it has none.

`status` would otherwise read the catalog of every database each time: most of what it costs on a
server with hundreds of them. A memo holds for one replayed catalog, one set of filters, and one
state of the rows of the database's system catalogs.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import psycopg

from limbeck.paths import write_whole
from limbeck.schema.catalog.contents import Contents, contents_of, hashes
from limbeck.schema.catalog.read import read
from limbeck.shadow.settled import without_ignored
from limbeck.version import __version__

if TYPE_CHECKING:
    from limbeck.postgres.connect import Connection
    from limbeck.postgres.database import Database
    from limbeck.project.project import Project
    from limbeck.schema.catalog.catalog import Catalog, Change
    from limbeck.schema.catalog.filters import Filters


class Memo(NamedTuple):
    """The contents of a database that had no drift, and the fingerprint of its replay."""

    contents: Contents
    fingerprint: str

    @classmethod
    def saved(cls, place: Path | None) -> Self | None:
        """Return the memo of a place, or None where there is none."""
        if place is None:
            return None
        try:
            kinds, rows, fingerprint = json.loads(place.read_bytes())
            return cls(Contents(tuple(kinds), str(rows)), str(fingerprint))
        except (OSError, ValueError, TypeError):
            return None

    def holds(self, connection: Connection, filters: Filters) -> bool:
        """Return whether the database has the same contents still."""
        kinds, rows = self.contents
        try:
            return hashes(connection, kinds, grants=filters.grants) == rows
        except psycopg.errors.InsufficientPrivilege:
            return False


def place(
    project: Project, database: Database, filters: Filters, connection: Connection
) -> Path | None:
    """Return the file of the memo of a database, or None where none is kept.

    Args:
        project: The project, with what it ignores.
        database: The database.
        filters: What of it is compared; a function of env.py may decide otherwise each time.
        connection: A session on it: another version of the server may spell definitions otherwise.

    """
    # The hash is that of the whole database: of its parts, `tenants` knows which are alike.
    in_part = database.tenant is not None or database.hides
    if not project.cache or filters.allowed is not None or in_part:
        return None
    server = connection.info.server_version
    parts = [__version__, database.destination, server, filters, project.ignore.patterns]
    key = hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]
    return project.home / "cache" / f"drift-{key}"


def read_with_contents(
    connection: Connection, filters: Filters, *, hashed: bool = True
) -> tuple[Catalog, Contents | None]:
    """Return the catalog of a database and its contents at the same moment.

    The contents are None where the role may not read all of them, or nobody asks for their hash.
    """
    if not hashed:
        return read(connection, filters=filters), None
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    try:
        contents = contents_of(connection, grants=filters.grants)
    except psycopg.errors.InsufficientPrivilege:
        contents = None
    catalog = read(connection, filters=filters)
    connection.rollback()
    return catalog, None if catalog.unreadable else contents


def compare(
    project: Project,
    place_: Path | None,
    sides: tuple[Catalog, Catalog],
    contents: Contents | None,
) -> tuple[Change, ...]:
    """Return the drift of a database, and remember that it has none.

    Args:
        project: The project, with what it ignores.
        place_: The file of the memo; None to keep none.
        sides: The replayed catalog and that of the database.
        contents: Those of the database.

    """
    recorded, live = sides
    drift = recorded.changes_to(without_ignored(project, recorded, live))
    if not drift and place_ is not None and contents is not None:
        memo = Memo(contents, recorded.fingerprint())
        write_whole(place_, json.dumps([*memo.contents, memo.fingerprint]).encode())
    return drift
