"""The registry of local branches: the comment of a database says which branch it is."""

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
# Prefixes of the databases that limbeck creates for itself.
RESERVED = ("limbeck_", "_limbeck")
UNFINISHED = "limbeck_unfinished_"  # a copy that does not have its final name yet
LONGEST = 63  # bytes of a name: NAMEDATALEN - 1


def database_name(branch: str) -> str:
    """Return the name of a branch's database: the branch's own, unless it is reserved or long."""
    name = branch
    if branch.startswith(RESERVED) or branch in ("postgres", "template0", "template1"):
        name = f"branch_{branch}"
    if len(name.encode()) > LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        name = name.encode()[: LONGEST - 13].decode(errors="ignore") + f"_{digest}"
    return name


def branches(connection: Connection) -> tuple[Branch, ...]:
    """Return the branches that have not expired, oldest first."""
    now = datetime.now(UTC)
    valid = [each for each in _all(connection) if each.expires_at is None or each.expires_at > now]
    chosen = next((branch.name for branch in valid if branch.default), None)
    default = chosen or next((branch.name for branch in valid if branch.parent is None), None)
    return tuple(replace(branch, default=branch.name == default) for branch in valid)


def ended(connection: Connection) -> tuple[str, ...]:
    """Return the databases of the branches that have expired."""
    now = datetime.now(UTC)
    return tuple(
        database_name(branch.name)
        for branch in _all(connection)
        if branch.expires_at and branch.expires_at <= now
    )


def register(connection: Connection, database: str, branch: Branch) -> None:
    """Write a branch into the comment of its database."""
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
    """Refuse a branch whose database would be an existing one that is no branch."""
    taken = connection.execute(
        "SELECT FROM pg_database WHERE datname = %s", (database_name(name),)
    ).fetchone()
    if taken is not None:
        raise BranchError(
            f'the server has a database "{database_name(name)}" that is no branch',
            hint="Use another name, or drop that database.",
        )


def _all(connection: Connection) -> list[Branch]:
    """Return the branches in the comments, without databases that are half dropped."""
    rows = connection.execute(
        """
        SELECT datname, description FROM pg_database
        JOIN pg_shdescription ON objoid = pg_database.oid
          AND classoid = 'pg_database'::regclass
        WHERE datconnlimit <> -2 AND starts_with(description, %s) AND NOT starts_with(datname, %s)
        """,
        (f'{{"{KEY}": ', UNFINISHED),
    )
    registered = [_parse(str(description)) for _, description in rows]
    return sorted(registered, key=lambda branch: (branch.created_at, branch.name))


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
