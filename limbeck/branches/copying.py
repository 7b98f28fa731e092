"""Copy a database on one server while people are connected to it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from limbeck.errors import BranchError
from limbeck.postgres.connect import Connection
from limbeck.postgres.embedded.binaries import Binaries

# Bytes from which on cloning files beats writing every page to the log.
LARGE = 64_000_000
CLONING = 180_000
LOCK_WAIT = "10s"


@dataclass(frozen=True, slots=True)
class Place:
    """Where copies are made: how to find the URL of a database, and Postgres' programs."""

    url: Callable[[str], str]
    find_binaries: Callable[[], Binaries]


def create_empty(connection: Connection, name: str) -> None:
    """Make a database that has nothing in it, whatever was put into template1."""
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    )


def copy(
    connection: Connection, source: str, target: str, place: Place, *, schema_only: bool = False
) -> None:
    """Make `target` a copy of `source`: its files when nobody is connected, else a dump.

    CREATE DATABASE ... TEMPLATE refuses a source that has sessions; they are to live on. A copy
    without the rows is always a dump.

    Raises:
        BranchError: the dump could not be made or loaded.
    """
    if not schema_only and not _in_use(connection, source):
        try:
            _copy_files(connection, source, target)
        except psycopg.errors.ObjectInUse:
            pass  # somebody connected between our look and Postgres'
        else:
            _copy_settings(connection, source, target)
            return
    create_empty(connection, target)
    options = ["--schema-only"] if schema_only else []
    _copy_dump(place.find_binaries(), place.url(source), place.url(target), options)
    _copy_settings(connection, source, target)


def _in_use(connection: Connection, database: str) -> bool:
    row = connection.execute(
        "SELECT FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
        (database,),
    ).fetchone()
    return row is not None


def _copy_files(connection: Connection, source: str, target: str) -> None:
    size = connection.execute("SELECT pg_database_size(%s)", (source,)).fetchone()
    large = size is not None and int(str(size[0])) > LARGE
    cloning = large and connection.info.server_version >= CLONING
    connection.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
            sql.Identifier(target),
            sql.Identifier(source),
            sql.SQL("file_copy" if cloning else "wal_log"),
        )
    )


def _copy_settings(connection: Connection, source: str, target: str) -> None:
    """Copy what ALTER DATABASE ... SET noted, which neither way of copying takes along."""
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
            # By way of the session, since a list such as search_path has a syntax of its own.
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
        tempfile.TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(  # noqa: S603 - pg_dump itself, with arguments of ours
            dump, env=_environment(source), stdout=subprocess.PIPE, stderr=said
        ) as dumping,
    ):
        loading = subprocess.run(  # noqa: S603 - psql itself, with arguments of ours
            load, env=_environment(target), stdin=dumping.stdout, stderr=said, check=False
        )
        dumping.communicate()  # reads what is left, should psql have given up
        if dumping.returncode or loading.returncode:
            said.seek(0)
            lines = [line for line in said.read().splitlines() if line.strip()]
            raise BranchError(
                "the parent, which is in use, could not be copied:\n"
                + "\n".join(f"  {line}" for line in lines[:5]),
                hint="close the programs that are connected to the parent, and try again",
            )


def _environment(url: str) -> dict[str, str]:
    """Give the connection in variables: an argument's password would be seen by everybody."""
    parts = urlsplit(url)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {
        **kept,
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path[1:]),
    }
