"""Through a real PgBouncer in transaction mode nothing is done, and the way around it is said."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest

from limbeck import migrate
from limbeck.errors import PooledUrlError
from limbeck.postgres import url as urls
from limbeck.postgres.embedded import ports
from tests.conftest import PROGRAMS

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

PGBOUNCER = shutil.which("pgbouncer", path=PROGRAMS)
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")

Pooled: TypeAlias = "Callable[[str], Database]"

SETTINGS = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = transaction
ignore_startup_parameters = {ignored}
"""


@contextmanager
def pooler(folder: Path, database: Database, ignored: str) -> Iterator[Database]:
    """Run a PgBouncer before the server of a database; give the database through it."""
    parameters, port = database.parameters, ports.pick(folder)
    user, password = parameters["user"], parameters["password"]
    (folder / "users").write_text(f'"{user}" "{password}"\n')
    settings = {"host": parameters["host"], "port": parameters["port"], "listen": port}
    (folder / "pgbouncer.ini").write_text(
        SETTINGS.format(**settings, folder=folder, ignored=ignored)
    )
    command = [str(PGBOUNCER), str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # it refuses to be root
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody")
        for path in folder.parents[:2]:
            path.chmod(0o755)
        command += ["-u", "nobody"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        listening(port)
        pooled = {**parameters, "host": "127.0.0.1", "port": str(port)}
        yield replace(database, url=urls.render(pooled))
    finally:
        process.terminate()
        process.wait(30)


def listening(port: int) -> None:
    """Wait until somebody listens at a port."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("ignored", ["", "options"], ids=["as it is installed", "it says nothing"])
def test_nothing_is_planned_through_a_transaction_pooler_and_the_server_is_named(
    ignored: str, tmp_path: Path, work: Work, database: Database
) -> None:
    work.revision("one", "create table one ()")
    with (
        pooler(tmp_path, database, ignored) as pooled,
        pytest.raises(PooledUrlError, match="is a transaction pooler") as caught,
    ):
        migrate.plan(work.project, work.profile, pooled)
    assert caught.value.exit_code == 2
    server = database.parameters
    assert f"{server['host']}:{server['port']}" in (caught.value.hint or "")
    with psycopg.connect(database.url) as connection:
        assert connection.execute("select to_regclass('one')").fetchone() == (None,)
