"""The shadow: a server on which limbeck creates scratch databases and drops them again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from limbeck.dataclass import dataclass
from limbeck.errors import DatabaseError
from limbeck.events import Listener, Notice, ignore
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.sql import forms
from limbeck.shadow import servers
from limbeck.shadow.ahead import Copy

if TYPE_CHECKING:
    from limbeck.schema.catalog.difference import Mark

SCRATCH = "limbeck_scratch_"
SUPERUSER = (
    "{} is a superuser at {}: code of the pulled database may read files and run programs there "
    "while the models are proved. A role with CREATEDB alone is enough"
)
OLDEST = 3600  # seconds after which a scratch database is abandoned, whoever created it


@dataclass(frozen=True, slots=True)
class Shadow:
    """A server and a role that may create databases there, by the database to connect to.

    `session` is an open connection to that database; with None each use opens one of its own.
    `identity` is what `identity.known` answered in that session, if it was asked. `spares` are
    copies of templates that somebody has left as they were, until the session ends; `copies` are
    those that the session is still busy with. `marks` are the states of templates.
    """

    database: Database
    session: Connection | None = field(default=None, compare=False, repr=False)
    identity: str | None = field(default=None, compare=False)
    spares: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    copies: list[Copy] = field(default_factory=list, compare=False, repr=False)
    marks: dict[str, Mark] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(
        cls, project: Project, profile: Profile | None = None, *, listen: Listener = ignore
    ) -> Shadow:
        """Return the project's shadow on the server that `servers.choose` returns, started.

        Raises:
            ServerError: the server does not start, or there is none of the major that is needed.

        """
        return cls(servers.choose(project, profile).open(listen))

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Yield a session on the server's own database: the one that is open, or a new one."""
        if self.session is not None:
            self._wait()
            yield self.session
            return
        with connect(self.database) as connection:
            sweep(connection)
            yield connection

    @contextmanager
    def opened(self) -> Iterator[Shadow]:
        """Yield the shadow with one session for all that happens in the block."""
        with self.connected() as connection:
            opened = replace(self, session=connection)
            try:
                yield opened
            finally:
                if self.session is None:
                    opened._wait()  # noqa: SLF001 - the same with a session
                    for name in self.spares.values():
                        drop(connection, name)

    def mark(self, template: str, connection: Connection) -> Mark:
        """Return the state of a template, which is that of all its copies.

        Args:
            template: its name; nobody changes it.
            connection: a session on a copy that nobody has changed.

        """
        from limbeck.schema.catalog import difference  # noqa: PLC0415 - few commands need it

        if template not in self.marks:
            self.marks[template] = difference.mark(connection)
        return self.marks[template]

    def copy_ahead(self, template: str) -> None:
        """Let the server copy a template; `borrowed` and `scratch` take the copy once it is there.

        Whatever else uses the session meanwhile waits for the copy.
        """
        if self.session is None or self.copies or template in self.spares:
            return
        name, query = _creating(self.session, template)
        statement = query.as_string(self.session)
        self.copies.append(Copy.begun(self.session, template, name, statement))

    def _wait(self) -> None:
        """Wait for the copy that the session is busy with."""
        while self.copies:
            copy = self.copies.pop()
            if copy.finish():
                self.spares[copy.template] = copy.name

    @contextmanager
    def borrowed(self, template: str) -> Iterator[Database]:
        """Yield a copy of a template that the block leaves as it was; the next scratch takes it."""
        with self.connected() as connection:
            name, spare = self.spares.pop(template, None) or create(connection, template), False
            try:
                yield self.database.on(name, name="shadow")
                spare = self.session is not None
            finally:
                if spare:
                    self.spares[template] = name
                else:
                    drop(connection, name)

    @contextmanager
    def scratch(
        self, template: str | None = None, *, untrusted: Listener | None = None
    ) -> Iterator[Database]:
        """Yield a new database, empty or a copy of a template; it is dropped with the block.

        Args:
            template: the name of the database to copy; None for an empty one.
            untrusted: receives a Notice if the role is a superuser, where SQL of somebody else is
                about to run in the database.

        Raises:
            DatabaseError: the role may not create databases there.

        """
        with self.connected() as connection:
            # The server reports it when a session begins, so that it costs no round trip.
            if untrusted and connection.info.parameter_status("is_superuser") == "on":
                untrusted(Notice(SUPERUSER.format(connection.info.user, connection.info.host)))
            name = self.spares.pop(template or "", None) or create(connection, template)
            try:
                yield self.database.on(name, name="shadow")
            finally:
                # A replay that was renamed to be kept is no longer there, which is no error.
                drop(connection, name)


def create(connection: Connection, template: str | None = None) -> str:
    """Create a scratch database from a template, or empty, and return its name."""
    name, query = _creating(connection, template or "template0")
    try:
        connection.execute(query)
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"role {connection.info.user} may not create databases on the shadow server",
            hint="Grant it CREATEDB, or set SHADOW_DATABASE_URL to another server.",
        ) from error
    except psycopg.Error as error:
        raise DatabaseError(
            f"the shadow server cannot create a scratch database: {error}"
        ) from error
    return name


def _creating(connection: Connection, template: str) -> tuple[str, sql.Composed]:
    """Return the name of a new scratch database, and the statement that creates it."""
    name = _name(_host(), os.getpid())
    names = sql.Identifier(name), sql.Identifier(template)
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}{}")
    return name, create.format(*names, _strategy(connection))


def _name(host: str, pid: int) -> str:
    return f"{SCRATCH}{host}_{pid}_{int(time.time())}_{secrets.token_hex(4)}"


def _strategy(connection: Connection) -> sql.SQL:
    """Return the clause for copying files instead of logging each page, where that is faster.

    FILE_COPY needs two checkpoints. Without fsync they cost nothing, and it takes a third of the
    time of WAL_LOG (CREATE DATABASE, "Parameters"). Before 15 there is no other way.
    """
    if not forms.DATABASE_STRATEGIES.exists(connection.info.server_version // 10000):
        return sql.SQL("")
    fsync = connection.execute("SHOW fsync").fetchone()
    return sql.SQL(" STRATEGY FILE_COPY" if fsync == ("off",) else "")


def drop(connection: Connection, name: str) -> None:
    """Drop a database and end the sessions on it; it may be missing."""
    query = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    try:
        connection.execute(query + sql.SQL(" WITH (FORCE)"))
    except psycopg.errors.InsufficientPrivilege:
        # A session of the superuser (`engine/privileged.py`) is about to end. Without FORCE,
        # Postgres waits for it, 5 seconds at most (CountOtherDBBackends in procarray.c).
        connection.execute(query)


def discard(connection: Connection, database: Database, name: str) -> None:
    """Drop a database without waiting for the server, which deletes its files for a second.

    It gets another name first, so that nobody copies it meanwhile. `sweep` leaves that alone for
    an hour, and drops it then if the server was stopped before.

    Args:
        connection: a session on the server's own database.
        database: where the session comes from; another one there is left to the server.
        name: the database to drop.

    """
    discarded = _name("discarded", 0)
    renaming = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        connection.execute(renaming.format(sql.Identifier(name), sql.Identifier(discarded)))
    except psycopg.Error:  # somebody is copying it, or has dropped it: the next run may
        return
    query = sql.SQL("DROP DATABASE {}").format(sql.Identifier(discarded))
    with connect(database) as session:
        # The server runs what it has received to its end, although the client has left.
        session.pgconn.send_query(query.as_bytes(None))
        session.pgconn.flush()
        session.pgconn.finish()


def sweep(connection: Connection) -> None:
    """Drop the scratch databases that killed runs left behind."""
    rows = connection.execute(
        "SELECT datname, EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname) "
        "FROM pg_database d WHERE starts_with(datname, %s)",
        [SCRATCH],
    )
    for name, busy in rows.fetchall():
        if _abandoned(str(name), busy=bool(busy)):
            with contextlib.suppress(psycopg.Error):  # another run sweeps at the same time
                drop(connection, str(name))


def _abandoned(name: str, *, busy: bool) -> bool:
    """Return whether the process that a name tells of has ended, or the name is old."""
    host, pid, created, *_ = [*name.removeprefix(SCRATCH).split("_"), "", "", ""]
    if not (pid.isdigit() and created.isdigit()):
        return False
    if time.time() - int(created) > OLDEST:
        return True
    # A process id means nothing on another machine.
    return host == _host() and not busy and not _alive(int(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]
