"""Plan, confirm, apply: what is done, what is refused, and what is said when it goes wrong."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from limbeck import migrate
from limbeck.engine import running, version_table
from limbeck.errors import (
    ConfigurationError,
    DatabaseError,
    HistoryError,
    LockNotAcquiredError,
    MigrationError,
    MigrationInterruptedError,
    NotConfirmedError,
    SeveralHeadsError,
)
from limbeck.events import Event, Notice, RevisionFinished
from limbeck.history import writing
from limbeck.output.plans import tables_text
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.lock import migration_lock
from limbeck.run.failing import accounted
from limbeck.run.report import Applied
from tests.postgres.crashing import FORKS, racing

if TYPE_CHECKING:
    import psycopg

    from tests.postgres.conftest import Work

SCRIPT = """
import sys
from pathlib import Path
from limbeck import Project, errors, migrate, settings
project = Project.find(Path(sys.argv[1]))
profile = project.profile()
plan = migrate.plan(project, profile, settings.database(project, profile))
print("planned", flush=True)
sys.stdin.readline()
try:
    report = migrate.apply(plan, confirm=lambda plan: True)
except errors.LimbeckError as error:
    print(error, error.hint, file=sys.stderr)
    sys.exit(error.exit_code)
print(len(report.applied), report.elsewhere)
"""


def three(work: Work) -> list[str]:
    for name in ("one", "two", "three"):
        work.revision(f"table {name}", f"create table {name} ()", f"drop table {name}")
    return [one.id for one in work.history.revisions()]


def plan(work: Work, database: Database, to: str = "head") -> migrate.Plan:
    return migrate.plan(work.project, work.profile, database, to=to)


def yes(_: migrate.Plan) -> bool:
    return True


def never(_: migrate.Plan) -> bool:
    pytest.fail("nobody is asked when there is nothing to do")


def tables(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row[0] for row in rows}


def started(work: Work) -> subprocess.Popen[str]:
    """Start a migrator in a process of its own, and wait until it has planned."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(work.project.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "planned\n"
    return process


def test_a_plan_says_what_would_run_and_changes_nothing(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    ids = three(work)
    planned = plan(work, database)
    assert [one.id for one in planned.revisions] == ids
    assert planned.revisions[0].sql == "create table one ();"
    assert (planned.current, planned.target) == ((), (ids[-1],))
    password = database.parameters["password"]
    assert planned.destination == database.destination
    assert password not in repr(planned)
    assert tables(connection) == set()
    with pytest.raises(dataclasses.FrozenInstanceError):
        planned.target = ()  # type: ignore[misc]


def test_a_plan_is_carried_out_when_it_is_confirmed(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    ids = three(work)
    told: list[Event] = []
    asked: list[migrate.Plan] = []

    def confirm(planned: migrate.Plan) -> bool:
        asked.append(planned)
        return True

    planned = plan(work, database, to=ids[1])
    report = migrate.apply(planned, confirm=confirm, listen=told.append)
    assert asked == [planned]
    assert [one.id for one in report.applied] == ids[:2]
    assert report.current == (ids[1],)
    assert [event.revision for event in told if isinstance(event, RevisionFinished)] == ids[:2]
    assert tables(connection) == {"one", "two", "alembic_version"}


def test_what_is_not_confirmed_is_not_done(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    three(work)
    planned = plan(work, database)
    with pytest.raises(NotConfirmedError) as caught:
        migrate.apply(planned, confirm=lambda _: False)
    assert caught.value.exit_code == 4
    assert caught.value.hint == "Answer yes, or add --yes."
    protected = dataclasses.replace(planned, protected=True)
    with pytest.raises(NotConfirmedError) as caught:
        migrate.apply(protected, confirm=lambda _: False, allow=None)
    assert caught.value.hint == "Type development, or add --yes."
    assert tables(connection) == set()


def test_the_tables_that_a_run_changed_are_listed_and_no_others(
    work: Work, database: Database
) -> None:
    for number in range(30):
        work.revision(f"t{number:02}", f"create table t{number:02} (id int, name varchar(20))")
    first = migrate.apply(plan(work, database), confirm=yes).tables
    assert first is not None
    assert (len(first.tables), first.changed, first.total) == (20, 30, 30)
    assert tables_text(first).splitlines()[-1] == "  ... and 10 more tables"
    changes = (
        "alter table t05 alter name type text",
        "create index on t07 (name)",
        "alter table t11 add check (id > 0)",
        "alter table t13 alter name set default 'a'",
        "alter table t29 rename id to number",
        "create schema other; create table other.t00 ()",
    )
    for change in changes:
        work.revision("change", f"op.execute({change!r})")
    second = migrate.apply(plan(work, database), confirm=yes).tables
    assert second is not None
    assert [name for name, _ in second.tables] == [
        *("other.t00", "t05", "t07", "t11", "t13", "t29")
    ]
    assert dict(second.tables)["t29"] == ("number integer", "name character varying(20)")
    assert tables_text(second).splitlines()[0] == "Tables changed (6 of 31):"
    work.revision("rows", "op.execute('update t01 set id = 1')")
    third = migrate.apply(plan(work, database), confirm=yes).tables
    assert third is not None
    assert tables_text(third) == "The database has 31 tables."


def test_a_plan_says_that_an_applied_revision_was_edited(work: Work, database: Database) -> None:
    three(work)
    migrate.apply(plan(work, database), confirm=yes)
    edited = work.history.revisions()[1]
    told: list[Event] = []
    text = edited.path.read_text()
    edited.path.write_text(text + "# a comment\n")
    migrate.plan(work.project, work.profile, database, listen=told.append)
    assert told == []
    edited.path.write_text(text.replace("create table two ()", "create table two (id int)"))
    migrate.plan(work.project, work.profile, database, listen=told.append)
    (notice,) = told
    assert isinstance(notice, Notice)
    assert notice.text.startswith(f"the file of {edited} was edited after it was applied")


@pytest.mark.parametrize(("to", "left"), [(0, "2 revisions"), (1, "1 revision")])
def test_a_revision_that_is_applied_already_is_no_target(
    to: int, left: str, work: Work, database: Database
) -> None:
    ids = three(work)
    migrate.apply(plan(work, database), confirm=yes)
    with pytest.raises(ConfigurationError, match=f"with {left} after it"):
        plan(work, database, to=ids[to])


def test_an_empty_history_and_a_migrated_database_have_nothing_to_do(
    work: Work, database: Database
) -> None:
    assert migrate.apply(plan(work, database), confirm=never).applied == ()
    three(work)
    migrate.apply(plan(work, database), confirm=yes)
    again = plan(work, database)
    assert (again.revisions, again.target) == ((), again.current)
    assert migrate.apply(again, confirm=never).applied == ()


def test_a_failure_in_the_middle_says_what_is_in_the_database_and_how_to_go_on(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    good = work.revision("good", "create table one (id int)")
    long = "alter table one add constraint too_much check (id > 0), add " + "x" * 600
    bad = work.revision("bad", long)
    later = work.revision("later", "create table three ()")
    with pytest.raises(MigrationError) as caught:
        migrate.apply(plan(work, database), confirm=yes)
    said = str(caught.value)
    assert f"revision {bad.id} (bad) failed" in said
    assert bad.path.name in said
    assert long[:500] in said
    assert long[:520] not in said
    assert "Postgres: type" in said or "Postgres: syntax error" in said
    assert f"applied: {good.id} (good); not applied: {bad.id} (bad), {later.id} (later)" in said
    assert "migrate again" in (caught.value.hint or "")
    assert tables(connection) == {"one", "alembic_version"}
    bad.path.write_text(bad.path.read_text().replace(long, "create table two ()"))
    report = migrate.apply(plan(work, database), confirm=yes)
    assert [one.id for one in report.applied] == [bad.id, later.id]


def test_python_that_fails_in_a_revision_is_named_by_its_line(
    work: Work, database: Database
) -> None:
    bad = work.revision("bad", "op.execute('select 1')\nundefined_name")
    with pytest.raises(MigrationError, match=rf"NameError.*[\s\S]*{bad.path.name}:\d+"):
        migrate.apply(plan(work, database), confirm=yes)


@pytest.mark.parametrize("made", ["by the database", "by the role"])
def test_a_read_only_database_is_refused_before_anything_runs(
    made: str, work: Work, database: Database, admin: psycopg.Connection
) -> None:
    three(work)
    planned = plan(work, database)
    whom = (
        f'DATABASE "{database.dbname}"'
        if made == "by the database"
        else (f'ROLE "{database.parameters["user"]}" IN DATABASE "{database.dbname}"')
    )
    admin.execute(f"ALTER {whom} SET default_transaction_read_only = on".encode())
    with pytest.raises(DatabaseError, match="read-only; nothing was done"):
        migrate.apply(planned, confirm=yes)


@pytest.mark.parametrize("number", [2, 5])
def test_of_several_migrators_at_once_exactly_one_applies(
    number: int, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    for name in ("one", "two"):
        work.revision(
            name, f"op.execute('select pg_sleep(.5)')\nop.execute('create table {name} ()')"
        )
    start, said = FORKS.Barrier(number), FORKS.SimpleQueue()
    arguments = (work.project.root, database.url, start, said)
    processes = [FORKS.Process(target=racing, args=arguments) for _ in range(number)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * number
    # The others have waited for it, and found nothing left to do.
    told = sorted(said.get() for _ in processes)
    assert told == [(0, True)] * (number - 1) + [(2, False)]
    assert tables(connection) == {"one", "two", "alembic_version"}


def test_a_lock_that_is_held_too_long_ends_the_wait_and_nothing_is_done(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    three(work)
    planned = plan(work, database)
    told: list[Event] = []
    with (
        connect(database, application_name="the other") as other,
        migration_lock(other),
        pytest.raises(LockNotAcquiredError, match=r"the other \(pid \d+, .*since") as caught,
    ):
        migrate.apply(planned, confirm=yes, wait=0.6, listen=told.append)
    assert caught.value.exit_code == 1
    assert [type(event).__name__ for event in told] == ["LockWaiting", "RunFailed"]
    assert tables(connection) == set()
    assert migrate.apply(planned, confirm=yes).applied


def test_ctrl_c_in_the_middle_rolls_back_and_says_what_is_applied(
    work: Work, connection: psycopg.Connection
) -> None:
    first = work.revision("first", "create table one ()")
    slow = work.revision(
        "slow", "op.execute('create table two ()')\nop.execute('select pg_sleep(60)')"
    )
    process = started(work)
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()
    query = "SELECT count(*) FROM pg_stat_activity WHERE query = 'select pg_sleep(60)'"
    deadline = time.monotonic() + 30
    while not connection.execute(query).fetchone()[0]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert f"applied: {first.id} (first); not applied: {slow.id} (slow)" in said
    assert "Traceback" not in said
    assert tables(connection) == {"one", "alembic_version"}
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
    locks += "(SELECT oid FROM pg_database WHERE datname = current_database())"
    assert connection.execute(locks).fetchone() == (0,)


def test_what_is_committed_when_ctrl_c_comes_counts_as_applied(
    work: Work, database: Database
) -> None:
    first, second = work.revision("first", "create table one ()"), work.revision("second")
    plan = migrate.plan(work.project, work.profile, database)
    heard: list[Applied] = []  # of no COMMIT's answer

    def interrupted() -> None:
        until = migrate.plan(work.project, work.profile, database, to=first.id)
        migrate.apply(until, confirm=lambda _: True)
        raise KeyboardInterrupt

    with pytest.raises(MigrationInterruptedError) as caught, accounted(plan, heard):
        interrupted()
    assert f"applied: {first.id} (first); not applied: {second.id} (second)" in str(caught.value)


def test_a_connection_that_breaks_is_no_traceback(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    first = work.revision("first", "create table one ()")
    work.revision("breaks", "select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(MigrationError, match=f"applied: {first.id}") as caught:
        migrate.apply(plan(work, database), confirm=yes)
    assert "limbeck status" in (caught.value.hint or "")
    assert version_table.current(work.history, connection) == (first.id,)


def test_a_statement_that_waits_too_long_for_a_table_says_so(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one ()")
    work.revision("alter", "alter table one add a int")
    patient = dataclasses.replace(database, lock_timeout="100ms", lock_budget="1s")
    with connection.transaction():
        connection.execute("lock table one")
        with pytest.raises(MigrationError, match="lock timeout") as caught:
            migrate.apply(plan(work, patient), confirm=yes)
    assert "LOCK_TIMEOUT" in (caught.value.hint or "")


def test_a_file_that_changed_after_the_plan_stops_it(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    one = work.revision("one", "create table one ()")
    planned = plan(work, database)
    one.path.write_text(one.path.read_text().replace("table one", "table other"))
    with pytest.raises(MigrationError, match="changed after the plan"):
        migrate.apply(planned, confirm=yes)
    assert tables(connection) == set()


def test_a_database_that_moved_elsewhere_after_the_plan_stops_it(
    work: Work, database: Database
) -> None:
    ids = three(work)
    planned = plan(work, database)
    migrate.apply(plan(work, database, to=ids[0]), confirm=yes)
    with pytest.raises(MigrationError, match=f"moved from base to {ids[0]}"):
        migrate.apply(planned, confirm=yes)


def test_rollback_takes_back_the_newest_first(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    ids = three(work)
    migrate.apply(plan(work, database), confirm=yes)
    planned = migrate.rollback_plan(work.project, work.profile, database, steps=2)
    assert [one.id for one in planned.revisions] == [ids[2], ids[1]]
    assert planned.revisions[0].sql == "drop table three;"
    assert (planned.target, planned.downgrade) == ((ids[0],), True)
    report = migrate.apply(planned, confirm=yes)
    assert (report.current, report.downgrade) == ((ids[0],), True)
    assert tables(connection) == {"one", "alembic_version"}
    planned = migrate.rollback_plan(work.project, work.profile, database, to="base")
    assert migrate.apply(planned, confirm=yes).current == ()


def test_a_downgrade_that_fails_says_what_is_downgraded(work: Work, database: Database) -> None:
    work.revision("keeps", "create table one ()", "drop table nowhere")
    last = work.revision("goes", "create table two ()", "drop table two")
    migrate.apply(plan(work, database), confirm=yes)
    planned = migrate.rollback_plan(work.project, work.profile, database, steps=2)
    with pytest.raises(MigrationError, match="downgrade of revision") as caught:
        migrate.apply(planned, confirm=yes)
    assert f"downgraded: {last.id} (goes); not downgraded: " in str(caught.value)


Refusal = Callable[["Work", Database], object]
REFUSED: dict[str, tuple[Refusal, type[Exception], str]] = {
    "too many to take back": (
        lambda work, database: migrate.rollback_plan(work.project, work.profile, database, steps=4),
        ConfigurationError,
        "3 are applied",
    ),
    "migrate to what is below": (
        lambda work, database: plan(work, database, to=work.history.revisions()[0].id),
        ConfigurationError,
        "is applied already",
    ),
    "an unknown target": (
        lambda work, database: plan(work, database, to="beef"),
        HistoryError,
        "no revision beef",
    ),
    "an unknown target to go back to": (
        lambda work, database: migrate.rollback_plan(
            work.project, work.profile, database, to="beef"
        ),
        HistoryError,
        "no revision beef",
    ),
    "two heads": (
        lambda work, database: (
            work.revision("other", down=work.history.revisions()[1]),
            plan(work, database),
        ),
        SeveralHeadsError,
        "2 heads",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_planned_is_refused(case: str, work: Work, database: Database) -> None:
    three(work)
    migrate.apply(plan(work, database), confirm=yes)
    attempt, error, said = REFUSED[case]
    with pytest.raises(error, match=said) as caught:
        attempt(work, database)
    assert caught.value.hint


def test_a_database_at_an_unknown_revision_is_not_touched(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    three(work)
    connection.execute("create table alembic_version (version_num varchar(32))")
    connection.execute("insert into alembic_version values ('beefbeefbeef')")
    with pytest.raises(HistoryError, match="beefbeefbeef"):
        plan(work, database)


def test_a_profile_with_a_history_of_its_own_migrates_along_it(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    three(work)
    profile = dataclasses.replace(work.profile, versions=work.project.root / "own")
    own = dataclasses.replace(work.history, versions=profile.versions)
    writing.write(own, "own", 'op.execute("create table own ()")')
    planned = migrate.plan(work.project, profile, database)
    migrate.apply(planned, confirm=yes)
    assert tables(connection) == {"own", "alembic_version"}


def test_a_file_that_went_after_the_plan_stops_it(work: Work, database: Database) -> None:
    one = work.revision("one", "create table one ()")
    planned = plan(work, database)
    one.path.unlink()
    with pytest.raises(HistoryError, match=f"no revision {one.id}"):
        migrate.apply(planned, confirm=yes)


def test_a_database_that_others_have_migrated_gets_its_ledger(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    first = work.revision("first", "CREATE TABLE one (id int)")
    running.upgrade(work.history, connection)
    second = work.revision("second", "CREATE TABLE two (id int)")
    migrate.apply(plan(work, database), confirm=yes)
    kept = connection.execute("SELECT revision, action FROM limbeck_state.ledger ORDER BY id")
    assert kept.fetchall() == [(first.id, "adopt"), (second.id, "upgrade")]
