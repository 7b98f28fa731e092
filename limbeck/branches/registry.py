"""Which databases of a server are branches: each says so in its comment."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

from psycopg import sql

from limbeck.branches.base import Branch
from limbeck.errors import BranchError
from limbeck.postgres.connect import Connection

KEY = "limbeck_branch"
# Databases that limbeck makes for itself begin so; the first are copies not yet in place.
RESERVED = ("limbeck_", "_limbeck")
UNFINISHED = "limbeck_unfinished_"
LONGEST = 63


def database_name(branch: str) -> str:
    """Give the name of a branch's database: its own as far as Postgres and limbeck allow it."""
    name = branch
    if branch.startswith(RESERVED) or branch in ("postgres", "template0", "template1"):
        name = f"branch_{branch}"
    if len(name.encode()) > LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        name = name.encode()[: LONGEST - 13].decode(errors="ignore") + f"_{digest}"
    return name


def branches(connection: Connection) -> tuple[Branch, ...]:
    """Give those that have not come to their end, oldest first."""
    now = datetime.now(UTC)
    found = [one for one in _all(connection) if one.expires_at is None or one.expires_at > now]
    chosen = next((one.name for one in found if one.default), None)
    default = chosen or next((one.name for one in found if one.parent is None), None)
    return tuple(replace(one, default=one.name == default) for one in found)


def ended(connection: Connection) -> tuple[str, ...]:
    """Give the databases of the branches that have come to their end."""
    now = datetime.now(UTC)
    over = [one for one in _all(connection) if one.expires_at and one.expires_at <= now]
    return tuple(database_name(one.name) for one in over)


def register(connection: Connection, database: str, branch: Branch) -> None:
    """Note in a database's comment which branch it is."""
    entry = {
        KEY: branch.name,
        "parent": branch.parent,
        "created_at": branch.created_at.isoformat(),
        "protected": branch.protected,
        "default": branch.default,
        "expires_at": branch.expires_at and branch.expires_at.isoformat(),
    }
    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(database), sql.Literal(json.dumps(entry, ensure_ascii=False))
        )
    )


def refuse_foreign(connection: Connection, name: str) -> None:
    """Raise when the branch's database would be one that is no branch."""
    taken = connection.execute(
        "SELECT FROM pg_database WHERE datname = %s", (database_name(name),)
    ).fetchone()
    if taken is not None:
        raise BranchError(
            f'the server has a database "{database_name(name)}" that is no branch',
            hint="take another name, or drop that database",
        )


def _all(connection: Connection) -> list[Branch]:
    """Read the comments; a database whose deletion was interrupted is no branch any more."""
    rows = connection.execute(
        """
        SELECT datname, description FROM pg_database
        JOIN pg_shdescription ON objoid = pg_database.oid
          AND classoid = 'pg_database'::regclass
        WHERE datconnlimit <> -2 AND starts_with(description, %s) AND NOT starts_with(datname, %s)
        """,
        (f'{{"{KEY}": ', UNFINISHED),
    )
    found = [_parse(str(description)) for _, description in rows]
    return sorted(found, key=lambda branch: (branch.created_at, branch.name))


def _parse(comment: str) -> Branch:
    entry = json.loads(comment)
    end = entry.get("expires_at")
    return Branch(
        entry[KEY],
        entry["parent"],
        datetime.fromisoformat(entry["created_at"]),
        entry["protected"],
        bool(entry.get("default")),
        datetime.fromisoformat(end) if end else None,
    )
