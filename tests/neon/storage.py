"""What branches hold: databases of one server, copied and dropped."""

from __future__ import annotations

import subprocess
import uuid
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from limbeck.branches import copying
from limbeck.postgres.embedded.server import Server
from tests.neon.wire import Target

OWNER = "neondb_owner"


class Storage:
    """Databases and one role of the stand-in's own on a server that others use, too."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._mark = f"standin_{uuid.uuid4().hex[:8]}"
        self._count = 0
        self.role = self._mark
        self.password = f"npg_{uuid.uuid4().hex}"
        self._admin = psycopg.connect(server.url(), autocommit=True)
        self._do("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}", self.role, password=self.password)

    def close(self) -> None:
        """Drop everything."""
        rows = self._admin.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (self._mark,)
        ).fetchall()
        for (name,) in rows:
            self.drop(name)
        self._do("DROP ROLE {}", self.role)
        self._admin.close()

    @property
    def target(self) -> Target:
        """Where the server is."""
        parts = urlsplit(self._server.url())
        return Target(parts.hostname or "", parts.port or 0)

    def url(self, database: str) -> str:
        """Give the URL by which the stand-in itself reaches a database."""
        return self._server.url(database)

    def empty(self) -> str:
        """Make a database and give its name."""
        name = self._name()
        self._do("CREATE DATABASE {} TEMPLATE template0 STRATEGY FILE_COPY", name)
        self._do("ALTER DATABASE {} OWNER TO {}", name, self.role)
        return name

    def copy(self, source: str, *, schema_only: bool = False) -> str:
        """Copy a database that people may be connected to, and give the copy's name."""
        name = self._name()
        place = copying.Place(self._server.url, self._server.find_binaries)
        copying.copy(self._admin, source, name, place, schema_only=schema_only)
        self._do("ALTER DATABASE {} OWNER TO {}", name, self.role)
        return name

    def drop(self, name: str) -> None:
        """Drop a database, ending its sessions."""
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def disconnect(self, name: str) -> None:
        """End the sessions of a database."""
        self._admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )

    def schema(self, name: str) -> str:
        """Dump the schema of a database, without the line that is another each time."""
        done = subprocess.run(
            [
                self._server.find_binaries().program("pg_dump"),
                *("--schema-only", "--no-owner", "--restrict-key=neon", self.url(name)),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def position(self) -> str:
        """Give the position in the server's log, which only grows."""
        row = self._admin.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        assert row is not None
        return str(row[0])

    def _name(self) -> str:
        self._count += 1
        return f"{self._mark}_{self._count}"

    def _do(self, statement: str, *names: str, password: str | None = None) -> None:
        parts = [sql.Identifier(name) for name in names]
        values = [sql.Literal(password)] if password else []
        self._admin.execute(sql.SQL(statement).format(*parts, *values))
