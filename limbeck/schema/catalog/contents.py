"""Tell whether a database holds what it held before, without reading its objects.

`status` asks it about databases that it has compared before: the server hashes the rows of its
system catalogs in a third of the time that it takes to plan the queries of a catalog.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from limbeck.schema.catalog.pipeline import asked
from limbeck.schema.catalog.queries import contents
from limbeck.schema.catalog.read import RARE

if TYPE_CHECKING:
    import psycopg


class Contents(NamedTuple):
    """The kinds of objects that a database has, of those that not all have, and its hashes."""

    kinds: tuple[str, ...]
    hashes: str


def contents_of(connection: psycopg.Connection, *, grants: bool) -> Contents:
    """Return the contents of a database.

    Args:
        connection: a session on it.
        grants: whether privileges count.

    """
    question = f"SELECT {', '.join(RARE.values())}"
    with asked(connection, {"kinds": question}, None) as rows:
        (row,) = rows["kinds"]
    kinds = tuple(name for name, present in zip(RARE, row, strict=True) if present)
    return Contents(kinds, hashes(connection, kinds, grants=grants))


def hashes(connection: psycopg.Connection, kinds: Collection[str], *, grants: bool) -> str:
    """Return the hashes of a database that has objects of some kinds, in one round trip.

    They are others once it has objects of further kinds.

    Args:
        connection: a session on it.
        kinds: as `contents_of` has returned them.
        grants: whether privileges count.

    """
    question = contents.sql(connection.info.server_version // 10000, kinds, grants=grants)
    with asked(connection, {"hashes": question}, None) as rows:
        (row,) = rows["hashes"]
    return " ".join(map(str, row))
