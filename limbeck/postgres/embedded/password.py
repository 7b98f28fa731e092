"""The password of the embedded server's user, and the SCRAM verifier that Postgres keeps of it."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Final

from limbeck.postgres.embedded.os_user import Account

_ITERATIONS: Final = 4096
# initdb of earlier versions of limbeck left this line. One iteration made each connection cheaper,
# but clients such as pgjdbc and pg8000 take less than 4096, the minimum of RFC 7677, for an attack.
_WEAK: Final = re.compile(r"^scram_iterations = 1\b", re.MULTILINE)


def write(file: Path, account: Account) -> None:
    """Write a new random password to a file that only its owner can read."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as text:
        text.write(secrets.token_urlsafe(24))
    account.own(file)


def is_weak(data: Path) -> bool:
    """Return whether the verifiers of a cluster were computed with a single iteration."""
    return _WEAK.search(_configuration(data).read_text()) is not None


def strengthen(data: Path, url: str) -> None:
    """Compute the verifier of a running server's user again, for the same password.

    The line in postgresql.conf goes last, so that an interrupted command is repeated.

    Args:
        data: The folder of the cluster.
        url: The URL of one of its databases, with the password.

    """
    import psycopg  # noqa: PLC0415 - slow, and seldom needed

    try:
        connection = psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError:
        return  # the command that needs a connection reports why there is none
    with connection:
        connection.execute(f"SET scram_iterations = {_ITERATIONS}".encode())
        user, secret = connection.info.user, connection.info.password
        # libpq computes it with the session's iterations, and the password is in no statement.
        verifier = connection.pgconn.encrypt_password(secret.encode(), user.encode())
        connection.execute(f"ALTER ROLE {user} PASSWORD '{verifier.decode()}'".encode())
        file = _configuration(data)
        file.write_text(_WEAK.sub(f"#scram_iterations = {_ITERATIONS}", file.read_text()))
        connection.execute("SELECT pg_reload_conf()")


def _configuration(data: Path) -> Path:
    return data / "postgresql.conf"
