"""Logins at the servers of tests that cost a millisecond, not five."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server

SCRAM_ITERATIONS = 160000  # the first major with that setting, as `server_version` has it
LOCK = 7677


def cheapen(server: Server) -> None:
    """Store the passwords of a running server's roles with one round of SCRAM instead of 4,096.

    A test opens some twenty connections. The rounds were a third of what a new session costs;
    they protect a password from whoever reads its verifier, and nobody reads that of a server
    that lasts as long as a run. tests/postgres/test_embedded.py holds what limbeck stores.
    """
    with psycopg.connect(server.url(), autocommit=True) as connection:
        if connection.info.server_version < SCRAM_ITERATIONS:
            return
        # Each worker of a run asks for the same server.
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        # Roles that tests create have theirs computed by the server.
        connection.execute("ALTER SYSTEM SET scram_iterations = 1")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("SET scram_iterations = 1")
        for url in (server.url(), server.shadow_url()):
            login = psycopg.conninfo.conninfo_to_dict(url)
            user, password = str(login["user"]), str(login["password"])
            # libpq computes the verifier with the session's iterations.
            verifier = connection.pgconn.encrypt_password(password.encode(), user.encode())
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(user), sql.Literal(verifier.decode())
                )
            )
