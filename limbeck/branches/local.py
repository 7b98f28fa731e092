"""Branches on this machine: databases on one server."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from limbeck.branches import base, copying, databases
from limbeck.branches.base import Branch
from limbeck.branches.moment import Moment, Source
from limbeck.branches.origins import origin, refuse_past
from limbeck.branches.registry import (
    UNFINISHED,
    branches,
    database_name,
    ended,
    refuse_foreign,
    register,
)
from limbeck.errors import BranchError
from limbeck.events import Listener, ignore
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.binaries import Binaries

__all__ = ["BranchServer", "LocalBranches", "database_name"]

# One change of branches at a time; any number that no other program uses will do.
LOCK = 7_233_415_861_120_945


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

    def forget(self) -> None:
        """Have branches be looked for again that were seen to be there."""
        ...


@dataclass(frozen=True, slots=True)
class LocalBranches:
    """Branches as databases on a server, which is started when it is needed.

    Such a server keeps no past: a branch is copied as it is, and a snapshot is a root branch.
    """

    server: BranchServer
    listen: Listener = ignore

    def all(self) -> tuple[Branch, ...]:
        """Give the branches, oldest first."""
        with self._server() as connection:
            return branches(connection)

    def get(self, name: str) -> Branch:
        """Give one branch, or raise a BranchError if there is none of that name."""
        return base.find(self.all(), name)

    def databases(self, name: str) -> tuple[str, ...]:
        """Give the one database that a branch is."""
        return (database_name(self.get(name).name),)

    def url(self, name: str, *, database: str | None = None, pooled: bool = False) -> str:  # noqa: ARG002 - no pooler runs on this machine, so the direct URL is the application's too
        """Give the URL of a branch, with its password, or raise if there is no such branch."""
        (own,) = self.databases(name)
        if database not in (None, own):
            raise BranchError(
                f'the branch "{name}" has no database "{database}"',
                hint=f"on this machine a branch is one database: {own}",
            )
        return self.server.url(own)

    def oid(self, name: str) -> int | None:
        """Give the oid of a branch's database, which a reset changes; None if it is not there."""
        with self._server() as connection:
            row = connection.execute(
                "SELECT oid::bigint FROM pg_database WHERE datname = %s", (database_name(name),)
            ).fetchone()
            return None if row is None else int(str(row[0]))

    def create(  # noqa: PLR0913 - what a branch can have
        self,
        name: str,
        parent: str | None = None,
        *,
        at: Moment | None = None,
        schema_only: bool = False,
        protected: bool = False,
        expires_at: datetime | None = None,
    ) -> Branch:
        """Copy the parent into a new branch; without a parent make an empty root branch.

        Sessions of the parent go on meanwhile.
        """
        base.check_name(name)
        base.refuse_past(expires_at)
        refuse_past(at)
        now = datetime.now(UTC)
        shown = None if schema_only else parent
        branch = Branch(name, shown, now, protected, expires_at=expires_at)
        return self._made(branch, parent, schema_only=schema_only)

    def reset(
        self, name: str, parent: str | None = None, *, preserve_under: str | None = None
    ) -> Branch:
        """Replace a branch's content by its parent's: its URL stays, its sessions end.

        Killed at any moment it leaves the branch as it was, or as its parent is.
        """
        with self._changing() as connection:
            branch = base.resettable(branches(connection), name, parent, preserve_under)
            self._refill(connection, branch, branch.parent or "", preserve_under)
        return branch

    def restore(self, name: str, source: Source, *, preserve_under: str | None = None) -> Branch:
        """Replace a branch's content by another's, or a snapshot's, which is a branch too."""
        refuse_past(source.at)
        with self._changing() as connection:
            there = branches(connection)
            branch = base.restorable(there, name, preserve_under)
            found = origin(there, branch, source)
            self._refill(connection, branch, found.name, preserve_under)
        return branch

    def rename(self, name: str, new: str) -> Branch:
        """Give a branch another name, and so another URL; its sessions end."""
        base.check_name(new)
        with self._changing() as connection:
            there = branches(connection)
            branch = base.find(there, name)
            base.refuse_existing(there, new)
            refuse_foreign(connection, new)

            def move() -> None:
                databases.rename(connection, database_name(name), database_name(new))
                register(connection, database_name(new), replace(branch, name=new))
                _adopt(connection, there, name, new)

            databases.without_sessions(connection, database_name(name), move)
        self.server.forget()
        return self.get(new)

    def delete(self, name: str) -> None:
        """Remove a branch and its data, ending its sessions."""
        with self._changing() as connection:
            branch = base.deletable(branches(connection), name)
            databases.drop(connection, database_name(branch.name))

    def set_default(self, name: str) -> Branch:
        """Make it the branch that others are made from unless told otherwise."""
        with self._changing() as connection:
            there = branches(connection)
            base.find(there, name)
            with connection.transaction():
                for each in there:
                    chosen = replace(each, default=each.name == name)
                    register(connection, database_name(each.name), chosen)
        return self.get(name)

    def set_expiration(self, name: str, expires_at: datetime | None) -> Branch:
        """Have a branch deleted by the first change of branches from a time on, or never."""
        with self._changing() as connection:
            branch = base.expirable(branches(connection), name, expires_at)
            register(connection, database_name(name), replace(branch, expires_at=expires_at))
        return self.get(name)

    def snapshot(self, name: str, label: str) -> str:
        """Keep what a branch is now as a root branch of that name."""
        base.check_name(label)
        return self._made(Branch(label, None, datetime.now(UTC)), name).name

    def protect(self, name: str, protected: bool) -> None:  # noqa: FBT001 - reads as a sentence
        """Note whether a branch is protected, as its profile says."""
        with self._changing() as connection:
            branch = base.find(branches(connection), name)
            register(connection, database_name(name), replace(branch, protected=protected))

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
            for leftover in (*databases.leftovers(connection), *ended(connection)):
                databases.drop(connection, leftover)
            yield connection

    def _made(self, branch: Branch, source: str | None, *, schema_only: bool = False) -> Branch:
        """Put a branch with the content of a source in its place."""
        with self._changing() as connection:
            there = branches(connection)
            base.refuse_existing(there, branch.name)
            if branch.parent is not None:
                base.refuse_ending_parent(there, branch.parent)
            if source is not None:
                base.find(there, source)
            refuse_foreign(connection, branch.name)
            with self._copy(connection, branch, source, schema_only=schema_only) as fresh:
                databases.rename(connection, fresh, database_name(branch.name))
        return self.get(branch.name)

    def _refill(
        self, connection: Connection, branch: Branch, source: str, preserve_under: str | None
    ) -> None:
        """Put a copy of a source in a branch's place; what it had is kept, or goes."""
        there = branches(connection)
        own = database_name(branch.name)
        if preserve_under:
            refuse_foreign(connection, preserve_under)

        def move() -> None:
            if preserve_under is None:
                databases.rename(connection, own, UNFINISHED + secrets.token_hex(8))
            else:
                kept = database_name(preserve_under)
                databases.rename(connection, own, kept)
                register(connection, kept, replace(branch, name=preserve_under, default=False))
                _adopt(connection, there, branch.name, preserve_under)
            databases.rename(connection, fresh, own)

        with self._copy(connection, branch, source) as fresh:
            databases.without_sessions(connection, own, move)

    @contextlib.contextmanager
    def _copy(
        self,
        connection: Connection,
        branch: Branch,
        source: str | None,
        *,
        schema_only: bool = False,
    ) -> Iterator[str]:
        """Make the branch's new content under another name, for the block to put in place."""
        fresh = UNFINISHED + secrets.token_hex(8)
        server = copying.Place(self.server.url, self.server.find_binaries)
        try:
            if source is None:
                copying.create_empty(connection, fresh)
            else:
                origin = database_name(source)
                copying.copy(connection, origin, fresh, server, schema_only=schema_only)
            register(connection, fresh, branch)
            yield fresh
        finally:
            for leftover in databases.leftovers(connection):
                databases.drop(connection, leftover)


def _adopt(connection: Connection, there: tuple[Branch, ...], old: str, new: str) -> None:
    """Have the children of one name be those of another."""
    for child in there:
        if child.parent == old:
            register(connection, database_name(child.name), replace(child, parent=new))
