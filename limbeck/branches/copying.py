"""Copy a database to another one on the same server, while sessions use it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from limbeck.errors import BranchError
from limbeck.postgres.connect import Connection
from limbeck.postgres.embedded.binaries import Binaries
from limbeck.schema.sql import forms

LOCK_WAIT = "10s"


class Place(NamedTuple):
    """The server of the copies: the URLs of its databases, and the programs of its Postgres."""

    url: Callable[[str], str]
    find_binaries: Callable[[], Binaries]


def create_empty(connection: Connection, name: str) -> None:
    """Create a database without any objects, whatever somebody put into template1."""
    copy_files(connection, "template0", name)


def copy(
    connection: Connection, source: str, target: str, place: Place, *, schema_only: bool = False
) -> None:
    """Create the database `target` as a copy of `source`.

    The files are copied if `source` has no sessions. CREATE DATABASE ... TEMPLATE refuses it
    otherwise, and the sessions must survive, so it is dumped then. A copy without rows is always
    a dump.

    Args:
        connection: A connection to another database of the server.
        source: The database to copy.
        target: The name of the new database.
        place: The server, for the dump.
        schema_only: Whether to leave the rows out.

    Raises:
        BranchError: the dump failed.

    """
    if not schema_only and not _in_use(connection, source):
        try:
            copy_files(connection, source, target)
        except psycopg.errors.ObjectInUse:
            pass  # a session connected after the check
        else:
            copy_settings(connection, source, target)
            return
    create_empty(connection, target)
    options = ["--schema-only"] if schema_only else []
    _copy_dump(place.find_binaries(), place.url(source), place.url(target), options)
    copy_settings(connection, source, target)


def _in_use(connection: Connection, database: str) -> bool:
    row = connection.execute(
        "SELECT FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
        (database,),
    ).fetchone()
    return row is not None


def copy_files(connection: Connection, source: str, target: str) -> None:
    """Create a database as a copy of one without sessions; its settings are not copied."""
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(
            sql.Identifier(target), sql.Identifier(source), _strategy(connection)
        )
    )


def _strategy(connection: Connection) -> sql.SQL:
    """Return the clause that copies files instead of logging every page, where that pays.

    It needs two checkpoints. They cost nothing on a server that does not wait for the disk (a
    small database takes a third of the time), but elsewhere all sessions wait for them: 0.2 to
    1.7 s beside 0.06 s for the logged pages of 40 tables. Majors before 15 always copy files.
    """
    if not forms.DATABASE_STRATEGIES.exists(connection.info.server_version // 10000):
        return sql.SQL("")
    waits = connection.execute("SHOW fsync").fetchone() == ("on",)
    return sql.SQL("" if waits else " STRATEGY FILE_COPY")


def copy_settings(connection: Connection, source: str, target: str) -> None:
    """Copy the settings of ALTER DATABASE ... SET, which neither copy includes."""
    rows = connection.execute(
        """
        SELECT setting FROM pg_db_role_setting
        JOIN pg_database ON pg_database.oid = setdatabase, unnest(setconfig) AS setting
        WHERE setrole = 0 AND datname = %s
        """,
        (source,),
    ).fetchall()
    for (setting,) in rows:
        name, _, value = str(setting).partition("=")
        with connection.transaction():
            # FROM CURRENT, because the values of lists such as search_path have their own syntax.
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} FROM CURRENT").format(
                    sql.Identifier(target), sql.Identifier(*name.split("."))
                )
            )


def _copy_dump(binaries: Binaries, source: str, target: str, options: list[str]) -> None:
    dump = [binaries.program("pg_dump"), f"--lock-wait-timeout={LOCK_WAIT}", *options]
    load = [binaries.program("psql"), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull]
    with (
        tempfile.TemporaryFile("w+", errors="replace") as messages,
        subprocess.Popen(  # noqa: S603 - pg_dump itself, with arguments of ours
            dump, env=_environment(source), stdout=subprocess.PIPE, stderr=messages
        ) as dumping,
    ):
        loading = subprocess.run(  # noqa: S603 - psql itself, with arguments of ours
            load, env=_environment(target), stdin=dumping.stdout, stderr=messages, check=False
        )
        dumping.communicate()  # if psql gave up, pg_dump must not block on a full pipe
        if dumping.returncode or loading.returncode:
            messages.seek(0)
            lines = [line for line in messages.read().splitlines() if line.strip()]
            raise BranchError(
                "the parent, which is in use, could not be copied:\n"
                + "\n".join(f"  {line}" for line in lines[:5]),
                hint="Close the programs that are connected to the parent, and try again.",
            )


def _environment(url: str) -> dict[str, str]:
    """Return the environment with the connection: every user can see a program's arguments."""
    parts = urlsplit(url)
    others = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {
        **others,
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path[1:]),
    }
