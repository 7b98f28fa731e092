"""Steps of a revision: bounded locks, one unit a step, going on after an interruption."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck import migrate
from limbeck.engine import running, version_table
from limbeck.errors import HistoryError, MigrationError
from limbeck.events import Event, IndexProgress, IndexRepaired, LockNotObtained, RevisionResumed
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from tests.postgres.conftest import WORKER

if TYPE_CHECKING:
    from tests.postgres.conftest import Work

A = Address("column", "public", "one", "a")
STARTS = 5 if WORKER in os.environ else 0
"""Seconds that a worker may take to start, with which a revision begins later."""
BLOCK = "with op.get_context().autocommit_block():\n    "


def migrated(
    work: Work, database: Database, listen: Callable[[Event], object] = lambda _: None
) -> migrate.Report:
    plan = migrate.plan(work.project, work.profile, database)
    return migrate.apply(plan, confirm=lambda _: True, listen=listen)


def hasty(database: Database, budget: str = "20s", timeout: str = "100ms") -> Database:
    return dataclasses.replace(database, lock_timeout=timeout, lock_budget=budget)


@contextmanager
def held(database: Database, statement: str, seconds: float = 60) -> Iterator[None]:
    """Hold a lock from a session named `the reader`, for some seconds or as long as the block."""
    left = threading.Event()

    def hold() -> None:
        with connect(database, application_name="the reader") as other, other.transaction():
            other.execute(statement.encode())
            taken.set()
            left.wait(seconds + STARTS)

    taken = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(30)
    try:
        yield
    finally:
        left.set()
        thread.join()


def test_a_step_without_its_lock_is_rolled_back_and_tried_again_as_a_whole(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int); create table two (id int)")
    work.revision(
        "both", "op.execute('alter table one add a int')\nop.execute('alter table two add a int')"
    )
    told: list[Event] = []
    with held(database, "lock table two in access share mode", 1.5):
        migrated(work, hasty(database), told.append)
    retries = [event for event in told if isinstance(event, LockNotObtained)]
    assert len(retries) > 1
    assert [event.attempt for event in retries] == list(range(1, len(retries) + 1))
    seen = [blocker for event in retries for blocker in event.blockers]
    assert {blocker.application for blocker in seen} == {"the reader"}
    assert all("lock table two" in blocker.query for blocker in seen)
    assert connection.execute("select one.a, two.a from one, two").fetchall() == []


def test_while_a_step_pauses_it_holds_no_lock(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int); create table two (id int)")
    work.revision(
        "both", "op.execute('alter table one add a int')\nop.execute('alter table two add a int')"
    )
    held_then: list[int] = []
    query = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and database = "
    query += "(select oid from pg_database where datname = current_database())"

    def listen(event: Event) -> None:
        if isinstance(event, LockNotObtained):
            held_then.append(connection.execute(query.encode()).fetchone()[0])

    with held(database, "lock table two in access share mode", 1):
        migrated(work, hasty(database), listen)
    assert set(held_then) == {0}


def test_while_those_in_the_way_are_seen_no_attempt_is_made_and_none_is_late(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int)")
    work.revision("column", "op.execute('alter table one add a int')")
    told: list[LockNotObtained] = []

    def listen(event: Event) -> None:
        if isinstance(event, LockNotObtained):
            told.append(event)

    with held(database, "lock table one in access share mode", 1.5):
        report = migrated(work, hasty(database, budget="100s"), listen)
    *unseen, last = told
    assert not any(one.blockers for one in unseen)
    assert last.blockers
    assert last.pause > 90  # at the latest
    assert report.applied[0].seconds < 20


@pytest.mark.parametrize(("longest", "first"), [("100ms", "20ms"), ("7ms", "7ms"), ("0", "0")])
def test_a_first_attempt_waits_for_a_lock_very_shortly(
    longest: str, first: str, work: Work, database: Database
) -> None:
    body = f"assert op.get_bind().exec_driver_sql('show lock_timeout').scalar() == '{first}'"
    work.revision("shown", body)
    assert migrated(work, hasty(database, timeout=longest)).applied


def test_a_lock_held_for_longer_than_the_budget_changes_nothing_and_names_the_blocker(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int); create table two (id int)")
    work.revision(
        "both", "op.execute('alter table one add a int')\nop.execute('alter table two add a int')"
    )
    with (
        held(database, "lock table two in access share mode"),
        pytest.raises(
            MigrationError,
            match=r"blocked by: pid \d+ \(.*the reader, .*for \d+\.\d s\): lock table two",
        ) as caught,
    ):
        migrated(work, hasty(database, budget="3s", timeout="400ms"))
    assert caught.value.exit_code == 1
    assert "LOCK_BUDGET" in (caught.value.hint or "")
    columns = "select count(*) from pg_attribute where attrelid = 'one'::regclass and attnum > 0"
    assert connection.execute(columns.encode()).fetchone() == (1,)
    assert connection.execute("select to_regclass('alembic_version')").fetchone() == (None,)


def test_a_revision_may_set_its_own_lock_timeout(work: Work, database: Database) -> None:
    one = work.revision(
        "own", "assert op.get_bind().exec_driver_sql('show lock_timeout').scalar() == '3s'"
    )
    one.path.write_text(one.path.read_text() + '\nlock_timeout = "3 s"\n')
    migrated(work, hasty(database))
    two = work.revision("wrong")
    two.path.write_text(two.path.read_text() + '\nlock_timeout = "soon"\n')
    with pytest.raises(HistoryError, match="lock_timeout = 'soon' is not a time"):
        migrated(work, database)


NEW = "op.create_table({0!r}, sa.Column('id', sa.Integer, primary_key=True), *({1}))\n"
REFERENCE = "[sa.Column('x', sa.Integer, sa.ForeignKey('{}.id'))]"
PAUSE = (
    "import pathlib, time\nseen = pathlib.Path({!r})\nseen.touch()\ntime.sleep(.6)\nseen.unlink()"
)


@pytest.mark.skipif(
    WORKER in os.environ, reason="a worker gets the statements of a step at its end"
)
def test_new_tables_are_on_their_way_while_the_revision_goes_on(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    body = NEW.format("one", "") + NEW.format("two", REFERENCE.format("one"))
    body += "op.create_index('two_x', 'two', ['x'])\n"
    query = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND "
    query += "starts_with(query, 'CREATE INDEX two_x')"
    assert while_it_pauses(work, database, body, connection, query) == {1}


def test_what_locks_a_table_that_was_there_is_sent_at_the_end_with_all_that_follows(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table old (id int primary key)")
    body = NEW.format("one", "") + NEW.format("two", REFERENCE.format("old"))
    query = "SELECT count(*) FROM pg_locks WHERE relation = 'old'::regclass"
    body += NEW.format("three", "")
    assert while_it_pauses(work, database, body, connection, query) == {0}
    query = "SELECT count(*) FROM pg_constraint WHERE confrelid = 'old'::regclass"
    assert connection.execute(query.encode()).fetchone() == (1,)


def while_it_pauses(
    work: Work, database: Database, body: str, connection: psycopg.Connection, query: str
) -> set[object]:
    """Run a revision that pauses at its end, and return what is answered in its pause."""
    seen = work.project.root / "seen"
    work.revision("pauses", body + PAUSE.format(str(seen)))
    found = list[object]()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(migrated, work, database)
        while not run.done():
            (row,) = connection.execute(query.encode()).fetchall()
            found += row if seen.exists() else ()
            time.sleep(0.05)
        assert run.result().applied
    return set(found[3:])  # what was just sent may be on its way


def test_a_statement_that_fails_is_shown_as_it_was_written(work: Work, database: Database) -> None:
    work.revision("percent", "SELECT 1 / 0 WHERE 'a' LIKE '%'")
    with pytest.raises(MigrationError, match="statement: SELECT 1 / 0 WHERE 'a' LIKE '%'\n"):
        migrated(work, database)


@pytest.mark.parametrize("wrong", ["one", "three"])
def test_a_new_table_that_is_refused_is_named_with_its_line_and_nothing_is_left(
    wrong: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    body = "".join(NEW.format(name, "") for name in ("one", "two", "three", wrong, "four"))
    revision = work.revision("tables", body)
    line = revision.path.read_text().splitlines().index("    " + NEW.format("four", "").strip())
    with pytest.raises(MigrationError, match=f'relation "{wrong}" already exists') as caught:
        migrated(work, database)
    assert f"statement: CREATE TABLE {wrong}" in str(caught.value)
    assert f"{revision.path.name}:{line}" in str(caught.value)
    names = "select count(*) from pg_tables where schemaname in ('public', 'limbeck_state')"
    assert connection.execute(names.encode()).fetchone() == (0,)


def limited(work: Work, database: Database, body: str, **timeouts: str) -> str:
    """Migrate under these timeouts to the error that it comes to, and return its words."""
    work.revision("slow", body)
    with pytest.raises(MigrationError) as caught:
        migrated(work, dataclasses.replace(database, **timeouts))
    return f"{caught.value}; {caught.value.hint}"


def test_a_transaction_that_takes_too_long_is_ended_and_changes_nothing(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    if connection.info.server_version < 170000:
        pytest.skip("transaction_timeout came with 17")
    body = "op.execute('create table one ()')\n" + "op.execute('select pg_sleep(.3)')\n" * 9
    said = limited(work, database, body, transaction_timeout="700ms")
    assert "transaction timeout" in said
    assert "raise TRANSACTION_TIMEOUT" in said
    assert connection.execute("select to_regclass('one')").fetchone() == (None,)


def test_a_revision_that_does_nothing_in_its_transaction_is_ended(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    body = "import time\nop.execute('create table one ()')\n"
    body += "op.get_bind().exec_driver_sql('select 1')\ntime.sleep(.6)\nop.execute('select 1')"
    said = limited(work, database, body, idle_in_transaction_session_timeout="300ms")
    assert "idle-in-transaction timeout" in said
    assert "raise IDLE_IN_TRANSACTION_SESSION_TIMEOUT" in said
    assert connection.execute("select to_regclass('one')").fetchone() == (None,)


def test_a_migrator_says_who_it_is_and_ends_with_its_client(work: Work, database: Database) -> None:
    lines = [
        "show = lambda name: op.get_bind().exec_driver_sql(f'show {name}').scalar()",
        "assert show('application_name').startswith('limbeck development ')",
        "assert show('client_connection_check_interval') == '1s'",
        "assert show('tcp_keepalives_idle') != '0'",
    ]
    work.revision("who", "\n".join(lines))
    assert migrated(work, database).applied


def test_how_far_an_index_is_is_told(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int)")
    work.revision("index", BUILT.strip())
    plan, told = migrate.plan(work.project, work.profile, database), list[Event]()
    with held(database, "insert into one values (1)", 1.5):
        migrate.apply(plan, confirm=lambda _: True, progress=True, listen=told.append)
    seen = [event for event in told if isinstance(event, IndexProgress)]
    assert ("one_id", "waiting for writers before build") in {
        (one.index, one.phase) for one in seen
    }


def test_an_index_is_built_concurrently_without_the_short_lock_timeout(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int)")
    work.revision(
        "index", BLOCK + "op.create_index('one_id', 'one', ['id'], postgresql_concurrently=True)"
    )
    told: list[Event] = []
    # The build waits for every older transaction that may use the table, for much longer than
    # the lock timeout; broken off, it would leave an INVALID index.
    with held(database, "insert into one values (1)", 1.0):
        migrated(work, hasty(database), told.append)
    assert not [event for event in told if isinstance(event, LockNotObtained)]
    assert connection.execute(
        "select indisvalid from pg_index where indexrelid = 'one_id'::regclass"
    ).fetchone() == (True,)


BUILT = """
with op.get_context().autocommit_block():
    op.create_index("one_id", "one", ["id"], postgresql_concurrently=True)
"""
MANY = f"""
op.add_column("one", sa.Column("a", sa.Integer))
op.execute("insert into one select generate_series(1, 3)")
{BUILT}
op.execute("alter table one add constraint positive check (id > 0) not valid")
with op.get_context().autocommit_block():
    op.execute("alter table one validate constraint positive")
    op.execute("alter type mood add value 'soso'")
op.execute("update one set a = id")
"""
STEPS = 6  # the last one has the version row, too


def interrupted(work: Work, database: Database, steps: int) -> None:
    """Migrate until this many steps are done, then fail."""
    revision = work.history.revisions()[0]
    text = revision.path.read_text()
    parts = [
        'op.execute("insert into one',
        "op.create_index(",
        'op.execute("alter table one add',
        'op.execute("alter table one validate',
        'op.execute("alter type',
        'op.execute("update',
    ]
    before, found, after = text.partition(parts[steps])
    assert found
    revision.path.write_text(f"{before}raise InterruptedError; {found}{after}")
    with pytest.raises(MigrationError, match="InterruptedError"):
        migrated(work, database)
    revision.path.write_text(text)


def prepare(connection: psycopg.Connection) -> None:
    connection.execute("create table one (id int); create type mood as enum ('happy')")


@pytest.mark.parametrize("steps", range(STEPS))
def test_an_interrupted_revision_goes_on_after_the_steps_that_are_done(
    steps: int, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    prepare(connection)
    work.revision("many", MANY)
    interrupted(work, database, steps)
    plan = migrate.plan(work.project, work.profile, database)
    if steps:
        assert (plan.revisions[0].done, plan.revisions[0].steps) == (steps, STEPS)
    told: list[Event] = []
    migrated(work, database, told.append)
    resumed = [event.done for event in told if isinstance(event, RevisionResumed)]
    assert resumed == ([steps] if steps else [])
    assert connection.execute("select id, a from one").fetchall() == [(1, 1), (2, 2), (3, 3)]
    assert migrate.plan(work.project, work.profile, database).revisions == ()


def test_a_file_whose_done_steps_changed_does_not_go_on(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    prepare(connection)
    one = work.revision("many", MANY)
    interrupted(work, database, 2)
    one.path.write_text(one.path.read_text().replace("generate_series(1, 3)", "4"))
    with pytest.raises(MigrationError, match=r"interrupted after step 2.*not in its file any more"):
        migrated(work, database)
    assert connection.execute("select id from one").fetchall() == [(1,), (2,), (3,)]


def test_what_is_not_done_yet_may_be_corrected_in_the_file(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    prepare(connection)
    one = work.revision("many", MANY)
    interrupted(work, database, 2)
    one.path.write_text(one.path.read_text().replace("set a = id", "set a = 7"))
    migrated(work, database)
    assert connection.execute("select a from one").fetchall() == [(7,), (7,), (7,)]


def test_an_invalid_index_is_repaired_and_never_taken_for_done(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int); insert into one values (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("create unique index concurrently one_id on one (id)")
    connection.execute("delete from one")
    ifs = BUILT.replace("concurrently=True", "concurrently=True, if_not_exists=True")
    work.revision("index", ifs.replace('["id"],', '["id"], unique=True,').strip())
    told: list[Event] = []
    migrated(work, database, told.append)
    assert [event.index for event in told if isinstance(event, IndexRepaired)] == ["public.one_id"]
    assert valid(connection) == [("one_id", True)]


def test_a_build_that_fails_leaves_no_invalid_index(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int); insert into one values (1), (1)")
    work.revision("index", BUILT.replace('["id"],', '["id"], unique=True,').strip())
    with pytest.raises(MigrationError, match="could not create unique index"):
        migrated(work, database)
    assert valid(connection) == []
    connection.execute("delete from one")
    migrated(work, database)
    assert valid(connection) == [("one_id", True)]


def test_a_valid_index_of_another_making_is_an_error(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int); create index one_id on one (id)")
    work.revision("index", BUILT.strip())
    with pytest.raises(MigrationError, match="already exists"):
        migrated(work, database)


def valid(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    query = "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = "
    return connection.execute(f"{query} 'one'::regclass".encode()).fetchall()


def test_python_that_reads_in_a_done_step_reads_again_and_writes_nothing(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one (id int)")
    body = """
bind = op.get_bind()
count = bind.execute(sa.text("select count(*) from one")).scalar()
bind.execute(sa.text("insert into one values (1)"))
with op.get_context().autocommit_block():
    op.create_index("one_id", "one", ["id"], postgresql_concurrently=True)
raise InterruptedError
"""
    one = work.revision("data", body.strip())
    with pytest.raises(MigrationError, match="InterruptedError"):
        migrated(work, database)
    one.path.write_text(one.path.read_text().replace("raise InterruptedError", "pass"))
    migrated(work, database)
    assert connection.execute("select count(*) from one").fetchone() == (1,)


@pytest.mark.parametrize(
    ("downgrade", "looks"),
    [
        ("alter table one drop a", 1),
        (f"op.execute('alter table one drop a')\n{BLOCK}op.execute('drop table one')", 0),
        (f"{BLOCK}op.execute('drop table one')", 0),
    ],
    ids=["one transaction", "two transactions", "a block first"],
)
def test_a_trial_shows_the_end_of_a_downgrade_and_leaves_all_as_it_was(
    downgrade: str, looks: int, work: Work, connection: psycopg.Connection
) -> None:
    revision = work.revision("one", "create table one (a int)", downgrade)
    running.upgrade(work.history, connection)
    connection.execute("insert into one values (1)")
    before, seen = read(connection), list[Catalog]()

    def look() -> None:
        seen.append(read(connection))

    assert running.tried(work.history, connection, revision, look, downgrade=True) == bool(looks)
    assert [(A in before.objects, A in catalog.objects) for catalog in seen] == [
        (True, False)
    ] * looks
    assert read(connection) == before
    assert connection.execute("select a from one").fetchall() == [(1,)]
    assert version_table.current(work.history, connection) == (revision.id,)
