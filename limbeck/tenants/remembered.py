"""Remember which tenants are alike, while no row of the system catalogs has changed.

To spell and hash 20,000 tables takes seconds. To see that Postgres has written no row of its
catalogs since takes a tenth of that: a change gives a row another transaction id and place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

from limbeck.paths import write_whole
from limbeck.postgres.connect import Connection
from limbeck.postgres.database import Database
from limbeck.project.project import Project
from limbeck.schema.catalog.pipeline import asked
from limbeck.tenants import likeness
from limbeck.version import __version__

Groups: TypeAlias = tuple[tuple[str, ...], ...]

# All catalogs that `likeness` reads. What they say of roles and of types elsewhere is the same for
# two tenants or is not, whatever those are called.
_CATALOGS: Final = (
    *("pg_namespace", "pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index"),
    *("pg_inherits", "pg_sequence", "pg_trigger", "pg_rewrite", "pg_policy", "pg_proc", "pg_type"),
    *("pg_enum", "pg_statistic_ext", "pg_operator", "pg_collation", "pg_description"),
)
_QUERY: Final = "SELECT concat_ws(' ', {})".format(
    ", ".join(
        f"(SELECT concat(count(*), ' ', sum(hashtextextended(concat(xmin, ctid), 0))) FROM {name})"
        for name in _CATALOGS
    )
)


def alike(
    connection: Connection, project: Project, database: Database, tenants: Sequence[str]
) -> Groups:
    """Return the tenants in groups that hold the same objects, as `likeness.alike` does.

    Args:
        connection: A session on their database, in no transaction.
        project: The project, which says whether something may be cached.
        database: Their database.
        tenants: Their schemas.

    """
    if not tenants:
        return ()
    if not project.cache:
        return likeness.alike(connection, tenants, grants=project.grants)
    mark = _mark(connection)
    place = _place(project, database, tenants)
    if (groups := _saved(place, mark)) is not None:
        return groups
    groups = likeness.alike(connection, tenants, grants=project.grants)
    # Of catalogs that were written meanwhile, nobody knows which of them the groups describe.
    if _mark(connection) == mark:
        write_whole(place, json.dumps([mark, groups]).encode())
    return groups


def _mark(connection: Connection) -> str:
    with asked(connection, {"mark": _QUERY}, None) as rows:
        ((mark,),) = rows["mark"]
    return str(mark)


def _place(project: Project, database: Database, tenants: Sequence[str]) -> Path:
    parts = [__version__, database.destination, project.grants, *tenants]
    key = hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]
    return project.home / "cache" / f"tenants-{key}"


def _saved(place: Path, mark: str) -> Groups | None:
    try:
        saved, groups = json.loads(place.read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    return tuple(tuple(names) for names in groups) if saved == mark else None
