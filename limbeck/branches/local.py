"""Branches on this machine: databases on one server, their registry in the databases' comments."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import psycopg
from psycopg import sql

from limbeck.branches import base, copying
from limbeck.branches.base import Branch
from limbeck.branches.binaries import Binaries
from limbeck.database import Connection, Database, connect
from limbeck.errors import BranchError
from limbeck.events import Listener, ignore

KEY = "limbeck_branch"
# Databases that limbeck makes for itself begin so; the first are copies not yet in place.
RESERVED = ("limbeck_", "_limbeck")
UNFINISHED = "limbeck_unfinished_"
LONGEST = 63
# One change of branches at a time; any number that no other program uses will do.
LOCK = 7_233_415_861_120_945
ATTEMPTS = 5


class BranchServer(Protocol):
    """The server that branches live on: an embedded.Server, or anything like one."""

    def start(self, listen: Listener = ignore) -> None:
        """Start it unless it runs."""
        ...

    def url(self, database: str = "postgres") -> str:
        """Give the URL of one of its databases."""
        ...

    def find_binaries(self) -> Binaries:
        """Give its programs."""
        ...


@dataclass(frozen=True, slots=True)
class LocalBranches:
    """Branches as databases on a server, which is started when it is needed."""

    server: BranchServer
    listen: Listener = ignore

    def all(self) -> tuple[Branch, ...]:
        """Give the branches, oldest first."""
        with self._server() as connection:
            return _branches(connection)

    def get(self, name: str) -> Branch:
        """Give one branch, or raise a BranchError if there is none of that name."""
        return base.find(self.all(), name)

    def url(self, name: str) -> str:
        """Give the URL of a branch, with its password, or raise if there is no such branch."""
        return self.server.url(database_name(self.get(name).name))

    def oid(self, name: str) -> int | None:
        """Give the oid of a branch's database, which a reset changes; None if it is not there."""
        with self._server() as connection:
            row = connection.execute(
                "SELECT oid::bigint FROM pg_database WHERE datname = %s", (database_name(name),)
            ).fetchone()
            return None if row is None else int(str(row[0]))

    def create(self, name: str, parent: str | None = None, *, protected: bool = False) -> Branch:
        """Copy the parent into a new branch; without a parent make an empty root branch.

        Sessions of the parent go on meanwhile.
        """
        base.check_name(name)
        with self._changing() as connection:
            branches = _branches(connection)
            base.refuse_existing(branches, name)
            if parent is not None:
                base.find(branches, parent)
            _refuse_foreign(connection, name)
            branch = Branch(name, parent, datetime.now(UTC), protected)
            with self._copy(connection, branch) as fresh, connection.transaction():
                _rename(connection, fresh, database_name(name))
        return self.get(name)

    def reset(self, name: str, parent: str | None = None) -> Branch:
        """Replace a branch's content by its parent's: its URL stays, its sessions end.

        Killed at any moment it leaves the branch as it was, or as its parent is.
        """
        with self._changing() as connection:
            branch = base.resettable(_branches(connection), name, parent)
            with self._copy(connection, branch) as fresh:
                _replace(connection, database_name(name), fresh)
        return branch

    def delete(self, name: str) -> None:
        """Remove a branch and its data, ending its sessions."""
        with self._changing() as connection:
            branch = base.deletable(_branches(connection), name)
            _drop(connection, database_name(branch.name))

    def protect(self, name: str, protected: bool) -> None:  # noqa: FBT001 - reads as a sentence
        """Note whether a branch is protected, as its profile says."""
        with self._changing() as connection:
            branch = base.find(_branches(connection), name)
            _register(connection, database_name(name), replace(branch, protected=protected))

    @contextlib.contextmanager
    def _server(self) -> Iterator[Connection]:
        self.server.start(self.listen)
        with connect(Database("local", self.server.url())) as connection:
            yield connection

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Connection]:
        """Connect as the only one who changes branches, with what others left unfinished gone."""
        with self._server() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            for leftover in _leftovers(connection):
                _drop(connection, leftover)
            yield connection

    @contextlib.contextmanager
    def _copy(self, connection: Connection, branch: Branch) -> Iterator[str]:
        """Make the branch's new content under another name, for the block to put in place."""
        fresh = UNFINISHED + secrets.token_hex(8)
        try:
            if branch.parent is None:
                copying.create_empty(connection, fresh)
            else:
                source = database_name(branch.parent)
                copying.copy(connection, source, fresh, self.server.url, self.server.find_binaries)
            _register(connection, fresh, branch)
            yield fresh
        finally:
            for leftover in _leftovers(connection):
                _drop(connection, leftover)


def database_name(branch: str) -> str:
    """Give the name of a branch's database: its own as far as Postgres and limbeck allow it."""
    name = branch
    if branch.startswith(RESERVED) or branch in ("postgres", "template0", "template1"):
        name = f"branch_{branch}"
    if len(name.encode()) > LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        name = name.encode()[: LONGEST - 13].decode(errors="ignore") + f"_{digest}"
    return name


def _branches(connection: Connection) -> tuple[Branch, ...]:
    """Read the registry; a database whose deletion was interrupted is no branch any more."""
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
    found.sort(key=lambda branch: (branch.created_at, branch.name))
    default = next((branch.name for branch in found if branch.parent is None), None)
    return tuple(replace(branch, default=branch.name == default) for branch in found)


def _parse(comment: str) -> Branch:
    entry = json.loads(comment)
    return Branch(
        entry[KEY],
        entry["parent"],
        datetime.fromisoformat(entry["created_at"]),
        entry["protected"],
    )


def _register(connection: Connection, database: str, branch: Branch) -> None:
    entry = {
        KEY: branch.name,
        "parent": branch.parent,
        "created_at": branch.created_at.isoformat(),
        "protected": branch.protected,
    }
    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(database), sql.Literal(json.dumps(entry, ensure_ascii=False))
        )
    )


def _refuse_foreign(connection: Connection, name: str) -> None:
    taken = connection.execute(
        "SELECT FROM pg_database WHERE datname = %s", (database_name(name),)
    ).fetchone()
    if taken is not None:
        raise BranchError(
            f'the server has a database "{database_name(name)}" that is no branch',
            hint="take another name, or drop that database",
        )


def _leftovers(connection: Connection) -> list[str]:
    """Give what killed commands left: copies not put in place, and half deleted databases."""
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) OR datconnlimit = -2",
        (UNFINISHED,),
    )
    return [str(name) for (name,) in rows]


def _drop(connection: Connection, database: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    )


def _rename(connection: Connection, old: str, new: str) -> None:
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def _replace(connection: Connection, database: str, fresh: str) -> None:
    """Put `fresh` in the place of a database, in one transaction: there is always one of them."""
    for attempt in range(ATTEMPTS):
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (database,),
        )
        try:
            with connection.transaction():
                _rename(connection, database, UNFINISHED + secrets.token_hex(8))
                _rename(connection, fresh, database)
        except psycopg.errors.ObjectInUse:
            # Somebody connected again in between.
            if attempt == ATTEMPTS - 1:
                raise BranchError(
                    f'the branch "{database}" was not reset: programs keep connecting to it',
                    hint="stop what uses the branch, and try again",
                ) from None
            time.sleep(0.1)
        else:
            return
