"""What breaks in the middle: a clear word, nothing lost, and the next run finishes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from limbeck import migrate
from limbeck.errors import MigrationError
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from tests.postgres.crashing import WATCHER
from tests.postgres.relay import relayed

if TYPE_CHECKING:
    from tests.postgres.conftest import Work
    from tests.printed import Printed


def migrated(work: Work, database: Database) -> migrate.Report:
    plan = migrate.plan(work.project, work.profile, database)
    return migrate.apply(plan, confirm=lambda _: True)


STEPS = """
op.execute("create table one (id int)")
op.execute("insert into one values (1)")
with op.get_context().autocommit_block():
    op.create_index("one_id", "one", ["id"], postgresql_concurrently=True)
op.execute("insert into one values (2)")
"""
BROKEN = ("create table one", "CREATE INDEX CONCURRENTLY", "insert into one values (2)")


@pytest.mark.parametrize("at", BROKEN)
def test_a_connection_that_is_cut_is_said_and_not_tried_again_and_the_next_run_finishes(
    at: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    first = work.revision("first", "create table before ()")
    last = work.revision("steps", STEPS)

    def gate(who: str, statement: str) -> bool:
        return who == WATCHER or not statement.startswith(at)

    with relayed(database, gate) as relay, pytest.raises(MigrationError) as caught:
        migrated(work, relay.to(database))
    assert f"applied: {first.id} (first); not applied: {last.id} (steps)" in str(caught.value)
    assert "The connection broke" in (caught.value.hint or "")
    assert len([one for one in relay.statements if one.startswith(at)]) == 1
    assert migrated(work, database).current == (last.id,)
    assert connection.execute("select id from one order by id").fetchall() == [(1,), (2,)]
    query = "select indisvalid from pg_index where indexrelid = 'one_id'::regclass"
    assert connection.execute(query).fetchone() == (True,)


class Disk:
    """A small file system, and a database on it.

    Its server is its own: while a disk is full, no checkpoint of the whole server succeeds.
    """

    def __init__(self, server: Server) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="limbeck-disk-"))
        self.name = self.folder.name
        self.server = server

    def mount(self, options: str) -> None:
        """Mount it, or give it another size."""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")

    def database(self) -> Database:
        """Make a database on it."""
        owner = self.server.data.stat()
        os.chown(self.folder, owner.st_uid, owner.st_gid)
        name, folder = sql.Identifier(self.name), sql.Literal(str(self.folder))
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, folder))
            admin.execute(sql.SQL("CREATE DATABASE {} TABLESPACE {}").format(name, name))
        return Database.from_url("small", self.server.url(self.name))

    def remove(self) -> None:
        """Take all of it away."""
        self.server.stop()
        subprocess.run(["umount", str(self.folder)], check=False, capture_output=True)
        shutil.rmtree(self.folder)


@pytest.fixture
def disk(tmp_path: Path, printed: Printed) -> Iterator[Disk]:
    """A file system of 24 MB."""
    made = Disk(Server(tmp_path / "server", port=None))
    try:
        made.mount("size=24m")
        made.server.start()
        printed.secrets.add((made.server.home / "password").read_text().strip())
        yield made
    finally:
        made.remove()


def test_a_full_disk_is_said_and_with_more_room_the_next_run_finishes(
    work: Work, disk: Disk
) -> None:
    database = disk.database()
    first = work.revision("first", "create table before ()")
    fill = 'op.execute("insert into one select generate_series(1, 500000)")\n'
    last = work.revision("steps", STEPS.replace("with op", fill + "with op", 1))
    with pytest.raises(MigrationError, match="No space left on device") as caught:
        migrated(work, database)
    assert f"applied: {first.id} (first); not applied: {last.id} (steps)" in str(caught.value)
    assert "free some space" in (caught.value.hint or "")
    disk.mount("remount,size=200m")
    assert migrated(work, database).current == (last.id,)
    with psycopg.connect(database.url) as connection:
        assert connection.execute("select count(*) from one").fetchone() == (500002,)


def test_a_disk_that_is_full_while_an_index_is_built_leaves_no_invalid_index(
    work: Work, disk: Disk
) -> None:
    database = disk.database()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("create table one as select generate_series(1, 350000) as id")
    work.revision("index", STEPS[STEPS.index("with op") :])
    with pytest.raises(MigrationError, match="No space left on device"):
        migrated(work, database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        assert connection.execute("select to_regclass('one_id')").fetchone() == (None,)
        disk.mount("remount,size=200m")
        migrated(work, database)
        query = "select indisvalid from pg_index where indexrelid = 'one_id'::regclass"
        assert connection.execute(query).fetchone() == (True,)
