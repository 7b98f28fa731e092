"""The provider of local branches, which are the databases of one server."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
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
from limbeck.dataclass import dataclass
from limbeck.errors import BranchError
from limbeck.events import Listener, ignore
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.binaries import Binaries

__all__ = ["BranchServer", "LocalBranches", "database_name"]

# The key of the advisory lock that changes of branches hold, one at a time; otherwise arbitrary.
LOCK = 7_233_415_861_120_945


class BranchServer(Protocol):
    """The server of the branches: the embedded `Server`, or another one in tests."""

    def start(self, listen: Listener = ignore) -> None:
        """Start the server unless it runs."""
        ...

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        ...

    def hand_over(self, database: str) -> str:
        """Give a database to the role of scratch databases, and return its URL for that role."""
        ...

    def find_binaries(self) -> Binaries:
        """Return its programs."""
        ...

    def forget(self) -> None:
        """Delete the notes about existing branches."""
        ...


@dataclass(frozen=True, slots=True)
class LocalBranches:
    """Branches as databases of a server, which is started when needed.

    Such a server has no history: a branch is copied as it is now, and a snapshot is a root branch.
    """

    server: BranchServer
    listen: Listener = ignore

    def all(self) -> tuple[Branch, ...]:
        """Return the branches, oldest first."""
        with self._server() as connection:
            return branches(connection)

    def get(self, name: str) -> Branch:
        """Return the branch with this name, or raise a BranchError."""
        return base.find(self.all(), name)

    def databases(self, name: str) -> tuple[str, ...]:
        """Return the one database of a branch."""
        return (database_name(self.get(name).name),)

    def url(self, name: str, *, database: str | None = None, pooled: bool = False) -> str:  # noqa: ARG002 - no pooler runs on this machine, so the direct URL is the application's too
        """Return the URL of a branch, with the password, or raise a BranchError."""
        (own,) = self.databases(name)
        if database not in (None, own):
            raise BranchError(
                f'the branch "{name}" has no database "{database}"',
                hint=f"A local branch is a single database: {own}",
            )
        return self.server.url(own)

    def isolated(self, name: str) -> Database:
        """Return a temporary branch, handed over to a role without rights on this machine."""
        (own,) = self.databases(name)
        database = Database.from_url(name, self.server.hand_over(own))
        return replace(database, superuser=self.server.url(own))

    def oid(self, name: str) -> int | None:
        """Return the oid of a branch's database, which a reset changes; None for no database."""
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
        """Create a branch as a copy of its parent, whose sessions stay; see `BranchProvider`.

        Without a parent the branch is an empty root.
        """
        base.check_name(name)
        base.refuse_past(expires_at)
        refuse_past(at)
        now = datetime.now(UTC)
        shown = None if schema_only else parent
        branch = Branch(name, shown, now, protected, expires_at=expires_at)
        return self._created(branch, parent, schema_only=schema_only)

    def reset(
        self, name: str, parent: str | None = None, *, preserve_under: str | None = None
    ) -> Branch:
        """Replace the content of a branch with that of its parent; its URL stays, sessions end.

        If the command is killed, the branch has either the old or the new content.
        """
        with self._changing() as connection:
            branch = base.resettable(branches(connection), name, parent, preserve_under)
            self._refill(connection, branch, branch.parent or "", preserve_under)
        return branch

    def restore(self, name: str, source: Source, *, preserve_under: str | None = None) -> Branch:
        """Replace the content of a branch with that of another, or of a snapshot, also a branch."""
        refuse_past(source.at)
        with self._changing() as connection:
            there = branches(connection)
            branch = base.restorable(there, name, preserve_under)
            parent = origin(there, branch, source)
            self._refill(connection, branch, parent.name, preserve_under)
        return branch

    def rename(self, name: str, new: str) -> Branch:
        """Rename a branch, which changes its URL; its sessions end."""
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
        """Delete a branch and its data; its sessions end."""
        with self._changing() as connection:
            branch = base.deletable(branches(connection), name)
            databases.drop(connection, database_name(branch.name))

    def set_default(self, name: str) -> Branch:
        """Make a branch the one that new ones are created from by default."""
        with self._changing() as connection:
            there = branches(connection)
            base.find(there, name)
            with connection.transaction():
                for each in there:
                    chosen = replace(each, default=each.name == name)
                    register(connection, database_name(each.name), chosen)
        return self.get(name)

    def set_expiration(self, name: str, expires_at: datetime | None) -> Branch:
        """Set when a branch expires; the first change of branches after that deletes it."""
        with self._changing() as connection:
            branch = base.expirable(branches(connection), name, expires_at)
            register(connection, database_name(name), replace(branch, expires_at=expires_at))
        return self.get(name)

    def snapshot(self, name: str, label: str) -> str:
        """Save the present content of a branch as a root branch with this name."""
        base.check_name(label)
        return self._created(Branch(label, None, datetime.now(UTC)), name).name

    def protect(self, name: str, protected: bool) -> None:  # noqa: FBT001 - reads as a sentence
        """Register whether a branch is protected, as its profile says."""
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
        """Yield a connection that holds the lock of changes, and clean up after killed commands."""
        with self._server() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            for leftover in (*databases.leftovers(connection), *ended(connection)):
                databases.drop(connection, leftover)
            yield connection

    def _created(self, branch: Branch, source: str | None, *, schema_only: bool = False) -> Branch:
        """Create a branch with the content of a source."""
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
        """Replace the database of a branch with a copy of a source, and keep or drop the old."""
        there = branches(connection)
        own = database_name(branch.name)
        if preserve_under:
            refuse_foreign(connection, preserve_under)

        def move() -> None:
            if preserve_under is None:
                # Both renames are one transaction, which DROP DATABASE cannot be part of.
                databases.rename(connection, own, UNFINISHED + secrets.token_hex(8))
            else:
                preserved = database_name(preserve_under)
                databases.rename(connection, own, preserved)
                register(connection, preserved, replace(branch, name=preserve_under, default=False))
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
        """Create the new content under a temporary name, which the block replaces."""
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
    """Register the children of one branch as children of another."""
    for child in there:
        if child.parent == old:
            register(connection, database_name(child.name), replace(child, parent=new))
