"""The session of a run on a live database: its name, its terms, and whether it may write."""

from __future__ import annotations

import getpass
import platform
from contextlib import suppress

from limbeck.engine.terms import Terms
from limbeck.errors import DatabaseError
from limbeck.postgres.connect import Connection
from limbeck.postgres.database import Database
from limbeck.postgres.duration import seconds

_LONGEST_NAME = 63  # bytes that Postgres keeps of an application_name (NAMEDATALEN - 1)


def name(environment: str) -> str:
    """Return the application_name, which sessions that wait for the migration can read."""
    with suppress(KeyError, OSError):
        return f"limbeck {environment} {getpass.getuser()}@{platform.node()}"[:_LONGEST_NAME]
    return "limbeck"


def terms(database: Database, *, progress: bool) -> Terms:
    """Return the terms of a live database, by the timeouts of its profile."""
    return Terms(
        patience=seconds(database.lock_budget),
        lock_timeout=database.lock_timeout,
        transaction_timeout=database.transaction_timeout,
        watch=database,
        progress=progress,
    )


def refuse_read_only(connection: Connection, environment: str, destination: str) -> None:
    """Raise a DatabaseError if the session is read-only."""
    read_only, replica = _access(connection)
    if read_only:
        raise DatabaseError(
            f"{environment} ({destination}) is read-only; nothing was done",
            hint="It is a replica: use the URL of the primary."
            if replica
            else "Check default_transaction_read_only of the database and the role.",
        )


def _access(connection: Connection) -> tuple[bool, bool]:
    """Return whether the session is read-only, and whether the server is a replica."""
    # Servers report both settings from Postgres 14 on (libpq, PQparameterStatus).
    settings = [
        connection.info.parameter_status(name)
        for name in ("default_transaction_read_only", "in_hot_standby")
    ]
    if None not in settings:
        return "on" in settings, settings[1] == "on"
    row = connection.execute(
        "SELECT current_setting('transaction_read_only') = 'on', pg_is_in_recovery()"
    ).fetchone()
    return (bool(row[0]), bool(row[1])) if row else (False, False)
