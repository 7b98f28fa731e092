"""Rows are filled in beside an application: every row, once, whatever happens meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck import backfill
from limbeck.cli import main
from limbeck.errors import (
    CheckFailedError,
    ConfigurationError,
    DatabaseError,
    LimbeckError,
    MigrationInterruptedError,
    NotConfirmedError,
)
from limbeck.events import BackfillProgress, BatchNotObtained, Event
from limbeck.phased.backfill import state
from limbeck.phased.backfill.pace import Load
from limbeck.phased.backfill.pieces import pieces, ranges
from limbeck.phased.phases import Backfill
from limbeck.postgres.database import Database
from limbeck.settings import Project
from tests.postgres.phases import expand

if TYPE_CHECKING:
    from pathlib import Path

    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import Work

COPY = {"set": {"b": "a"}, "where": "b IS DISTINCT FROM a"}
PLAIN = "CREATE TABLE t (id int PRIMARY KEY, a text, b text)"
SCRIPT = """
import sys
from pathlib import Path
from limbeck import Project, backfill, settings
project = Project.find(Path(sys.argv[1]))
profile = project.profile()
plan = backfill.plan(project, profile, settings.database(project, profile))
print("planned", flush=True)
backfill.run(plan, confirm=lambda plan: True, batch_time=0.01, workers=int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Case:
    """A table of some shape, how it is filled with `rows` rows, and what is to be filled in."""

    name: str
    create: str
    fill: str
    backfills: tuple[dict[str, object], ...] = ({"table": "public.t", **COPY},)
    wrong: str = "SELECT count(*) FROM t WHERE b IS DISTINCT FROM a"


N = "FROM generate_series(1, {rows}) n"
FILL = f"INSERT INTO t SELECT n, 'v' || n, NULL {N}"
AB = "a text, b text"
CASES = (
    Case("an integer key", PLAIN, FILL),
    Case("an empty table", PLAIN, "SELECT {rows}"),
    Case(
        "a random UUID",
        f"CREATE TABLE t (id uuid PRIMARY KEY, {AB})",
        f"INSERT INTO t SELECT gen_random_uuid(), 'v' || n, NULL {N}",
    ),
    Case(
        "a text key in an order of its own",
        f'CREATE TABLE t (id text COLLATE "C" PRIMARY KEY, {AB})',
        f"INSERT INTO t SELECT lpad(n::text, 9, '0'), 'v' || n, NULL {N}",
    ),
    Case(
        "a composite key",
        f"CREATE TABLE t (x int, y timestamptz, {AB}, PRIMARY KEY (x, y))",
        f"INSERT INTO t SELECT n / 7, now() + n * interval '1 us', 'v' || n, NULL {N}",
    ),
    Case(
        "a key of floats",
        f"CREATE TABLE t (id float8 PRIMARY KEY, {AB})",
        f"INSERT INTO t SELECT n / 3.0, 'v' || n, NULL {N}",
    ),
    Case(
        "a key of bytes, of an enum and of a numeric",
        "CREATE TYPE mood AS ENUM ('good', 'bad');"
        f"CREATE TABLE t (m mood, k bytea, z numeric(9, 2), {AB}, PRIMARY KEY (m, k, z))",
        "INSERT INTO t SELECT (ARRAY['good', 'bad'])[1 + n / 900]::mood, int4send(n), n / 7.0,"
        f" 'v' || n, NULL {N}",
    ),
    Case("no key", f"CREATE TABLE t ({AB})", f"INSERT INTO t SELECT 'v' || n, NULL {N}"),
    Case(
        "a unique index and no primary key",
        f"CREATE TABLE t (id int NOT NULL UNIQUE, {AB})",
        FILL,
    ),
    Case(
        "a partial unique index, which is no key",
        f"CREATE TABLE t (id int NOT NULL, {AB}); CREATE UNIQUE INDEX ON t (id) WHERE id > 5",
        FILL,
    ),
    Case(
        "partitions",
        f"CREATE TABLE t (id int, {AB}, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
        "CREATE TABLE one PARTITION OF t FOR VALUES FROM (0) TO (300);"
        "CREATE TABLE rest PARTITION OF t DEFAULT",
        FILL,
    ),
    Case(
        "children",
        PLAIN + "; CREATE TABLE child () INHERITS (t)",
        f"{FILL}; INSERT INTO child SELECT n, 'c' || n, NULL {N}",
    ),
    Case(
        "names that have to be quoted, also beside parameters",
        'CREATE SCHEMA "S.x";'
        'CREATE TABLE "S.x"."T%s ab" ("I %d" int PRIMARY KEY, "A" text, "or%der" text)',
        f"""INSERT INTO "S.x"."T%s ab" SELECT n, 'v%' || n, NULL {N}""",
        (
            {
                "table": '"S.x"."T%s ab"',
                "set": {"or%der": """replace("A", '%', '%s')"""},
                "where": """"or%der" IS DISTINCT FROM replace("T%s ab"."A", '%', '%s')""",
            },
        ),
        """SELECT count(*) FROM "S.x"."T%s ab" """
        """WHERE "or%der" IS DISTINCT FROM replace("A", '%', '%s')""",
    ),
    Case(
        "two tables, one filled in from the other",
        PLAIN + "; CREATE TABLE u (id int PRIMARY KEY, c text)",
        f"{FILL}; INSERT INTO u (id) SELECT n {N}",
        (
            {"table": "public.t", **COPY},
            {
                "table": "public.u",
                "set": {"c": "(SELECT b FROM t WHERE t.id = u.id)"},
                "where": "c IS NULL",
            },
        ),
        "SELECT count(*) FROM t JOIN u USING (id) WHERE (b = a AND c = a) IS NOT TRUE",
    ),
    Case(
        "a function of Python",
        PLAIN,
        FILL,
        (
            {
                "table": "public.t",
                "set": ["b"],
                "where": "b IS DISTINCT FROM upper(a)",
                "python": "fills:upper",
            },
        ),
        "SELECT count(*) FROM t WHERE b IS DISTINCT FROM upper(a)",
    ),
    Case(
        "a function of Python that gives several columns, for rows without a key",
        "CREATE TABLE t (a text, b jsonb, c int[])",
        f"INSERT INTO t SELECT 'v' || n, NULL, NULL {N}",
        (
            {
                "table": "public.t",
                "set": ["b", "c"],
                "where": "b IS NULL",
                "python": "fills:both",
            },
        ),
        "SELECT count(*) FROM t WHERE (b ->> 'a' = a AND c[2] = length(a)) IS NOT TRUE",
    ),
)
FUNCTIONS = """
def upper(row):
    return row["a"].upper()

def both(row):
    return {"b": {"a": row["a"]}, "c": [0, len(row["a"])]}

def fails(row):
    return row["a"] / 2

def other(row):
    return {"z": 1}
"""


def planned(work: Work, database: Database, change: str | None = None) -> backfill.Plan:
    return backfill.plan(work.project, work.profile, database, change)


def filled(work: Work, database: Database, workers: int = 1, **options: float) -> backfill.Report:
    plan = planned(work, database)
    return backfill.run(plan, confirm=lambda _: True, workers=workers, **options)  # type: ignore[arg-type]


def one(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row
    return row[0]


def simple(work: Work, connection: psycopg.Connection, rows: int, create: str = PLAIN) -> None:
    """Make a table with rows, and be at the revision that expands it."""
    expand(work, "copy", create, ({"table": "public.t", **COPY},))
    connection.execute(FILL.format(rows=rows).encode())
    connection.execute("ANALYZE")


@pytest.fixture(scope="module")
def one_database(server: Server, admin: psycopg.Connection) -> Iterator[Database]:
    """A database for all cases without a history, which is faster to empty than to create."""
    name = f"backfill_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE DATABASE {name}".encode())
    yield Database.from_url("test", server.url(name))
    admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def emptied(one_database: Database) -> Iterator[psycopg.Connection]:
    """A connection to that database, which is empty."""
    with psycopg.connect(one_database.url, autocommit=True) as connection:
        connection.execute(
            'DROP SCHEMA IF EXISTS public, "S.x", limbeck_state CASCADE; CREATE SCHEMA public'
        )
        yield connection


@pytest.fixture
def functions(tmp_path: Path) -> Iterator[Project]:
    """A project with functions of a row, and without a history."""
    (tmp_path / "fills.py").write_text(FUNCTIONS)
    yield Project(tmp_path, tmp_path)
    sys.modules.pop("fills", None)


def directly(
    project: Project, database: Database, backfills: Iterable[dict[str, object]]
) -> backfill.Plan:
    """Return a plan of these backfills that needs no revision."""
    tasks = tuple(
        backfill.Task(
            "change",
            number,
            Backfill(
                str(fill["table"]),
                assignments(fill["set"]),
                str(fill["where"]),
                str(fill["python"]) if "python" in fill else None,
            ),
            "its definition",
        )
        for number, fill in enumerate(backfills)
    )
    return backfill.Plan("test", "", protected=False, tasks=tasks, done=(), project=project,
                         database=database)  # fmt: skip


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.thorough), 3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_row_is_filled_in(
    one_database: Database,
    emptied: psycopg.Connection,
    functions: Project,
    case: Case,
    workers: int,
) -> None:
    emptied.execute(case.create.encode())
    emptied.execute(case.fill.format(rows=1000).encode())
    plan = directly(functions, one_database, case.backfills)
    assert len(backfill.estimate(plan)) == len(case.backfills)
    report = backfill.run(plan, confirm=lambda _: True, workers=workers)
    assert [one.passes for one in report.filled] == [1] * len(case.backfills)
    assert one(emptied, case.wrong) == 0
    assert all(each.verified for each in state.read(emptied).values())


def assignments(found: object) -> tuple[tuple[str, str], ...]:
    """Return columns and expressions as a revision file is read."""
    if isinstance(found, dict):
        return tuple(found.items())
    assert isinstance(found, list)
    return tuple((column, "") for column in found)


def test_a_batch_moves_on_by_the_key_and_touches_no_row_twice(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    simple(work, connection, 30_000)
    told: list[Event] = []
    plan = planned(work, database)
    report = backfill.run(plan, confirm=lambda _: True, batch_time=0.01, listen=told.append)
    assert report.filled[0].changed == 30_000
    assert one(connection, "SELECT count(*) FROM limbeck_state.backfill_range") == 1
    found = [event for event in told if isinstance(event, BackfillProgress)]
    assert found[-1].changed == 30_000
    assert found[-1].done == found[-1].total


@pytest.mark.parametrize(
    ("create", "row"),
    [
        # Narrow rows and wide ones; by key and by block; statistics from when it was small.
        ("CREATE TABLE t (id int PRIMARY KEY, a text, b text)", "n, 'v', NULL"),
        ("CREATE TABLE t (id int, a text, b text)", "n, repeat('v', 1500), NULL"),
        ("CREATE TABLE t (id int, a text, b text); INSERT INTO t SELECT 1; ANALYZE t", "n, 'v'"),
    ],
)
def test_the_total_is_about_right_before_the_first_analyze(
    create: str, row: str, work: Work, connection: psycopg.Connection, database: Database
) -> None:
    expand(work, "copy", create, ({"table": "public.t", **COPY},))
    connection.execute("ALTER TABLE t SET (autovacuum_enabled = off)")
    connection.execute(f"INSERT INTO t SELECT {row} FROM generate_series(1, 9000) n".encode())
    told: list[Event] = []
    backfill.run(planned(work, database), confirm=lambda _: True, listen=told.append)
    seen = [event for event in told if isinstance(event, BackfillProgress)]
    totals = [event.total for event in seen]
    assert all(8000 < total < 10_000 for total in totals), totals
    assert all(event.done < event.total or event.left is None for event in seen)
    assert seen[-1].done == seen[-1].total


def test_a_table_is_cut_where_its_rows_are(work: Work, connection: psycopg.Connection) -> None:
    simple(work, connection, 60_000)
    connection.execute("DELETE FROM t WHERE id BETWEEN 1000 AND 40000")
    connection.execute("INSERT INTO t SELECT n FROM generate_series(1000000, 1040000) n")
    connection.execute("VACUUM ANALYZE t")
    (piece,) = pieces(connection, "public.t")
    counts = [
        int(str(one(connection, f"SELECT count(*) FROM t WHERE id BETWEEN {low[0]} AND {high[0]}")))
        for low, high in ((cut.low, cut.high) for cut in ranges(connection, piece))
    ]
    assert len(counts) == 3
    assert max(counts) < 2 * min(counts)


def test_it_is_planned_only_where_the_change_is_expanded(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    with pytest.raises(ConfigurationError, match="no revision expands a change copy"):
        planned(work, database, "copy")
    simple(work, connection, 10)
    connection.execute("DROP TABLE t; DELETE FROM alembic_version")
    assert planned(work, database).tasks == ()
    with pytest.raises(ConfigurationError, match="copy is not expanded there yet") as caught:
        planned(work, database, "copy")
    assert caught.value.hint == "limbeck migrate -e development"


def test_a_report_and_a_second_plan_know_what_was_done(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    simple(work, connection, 1000)
    (task,) = planned(work, database).tasks
    assert (str(task), task.state) == ("copy: public.t (b)", None)
    report = filled(work, database)
    assert [(one.change, one.table, one.changed) for one in report.filled] == [
        ("copy", "public.t", 1000)
    ]
    assert planned(work, database).tasks == ()
    assert filled(work, database).filled == ()


def test_interrupted_it_goes_on_and_a_partition_that_was_dropped_is_left_out(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    parts = "; ".join(
        f"CREATE TABLE p{n} PARTITION OF t FOR VALUES FROM ({n * 1000}) TO ({n * 1000 + 1000})"
        for n in range(3)
    )
    simple(work, connection, 2900, f"{PLAIN} PARTITION BY RANGE (id); {parts}")

    def stop(event: Event) -> None:
        if isinstance(event, BackfillProgress):
            raise KeyboardInterrupt

    with psycopg.connect(database.url) as other:
        other.execute("SELECT FROM t WHERE id = 2500 FOR UPDATE")  # so that it cannot be finished
        with pytest.raises(MigrationInterruptedError, match=r"rows of copy: public\.t .* stay"):
            backfill.run(planned(work, database), confirm=lambda _: True, listen=stop)
    connection.execute("DROP TABLE p2; SET search_path = pg_catalog")
    assert filled(work, database).filled
    assert one(connection, "SELECT count(*) FROM public.t WHERE b IS DISTINCT FROM a") == 0


def test_what_is_not_confirmed_is_not_done(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    simple(work, connection, 10)
    with pytest.raises(NotConfirmedError):
        backfill.run(planned(work, database), confirm=lambda _: False)
    assert one(connection, "SELECT count(b) FROM t") == 0


def test_rows_that_never_become_right_are_told(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    wrong = {"table": "public.t", "set": {"b": "a"}, "where": "b IS NULL"}
    expand(work, "copy", PLAIN, (wrong,))
    connection.execute("INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    with pytest.raises(CheckFailedError, match="1 row still wrong after 3 passes") as caught:
        filled(work, database)
    assert caught.value.hint == "List them: SELECT * FROM public.t WHERE b IS NULL"
    assert planned(work, database).tasks[0].state


def test_a_row_that_postgres_refuses_is_told_and_it_goes_on_after_it_is_mended(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    number = {"table": "public.t", "set": {"n": "a::int"}, "where": "n IS DISTINCT FROM a::int"}
    expand(work, "n", "CREATE TABLE t (id int PRIMARY KEY, a text, n int)", (number,))
    connection.execute("INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n")
    connection.execute("UPDATE t SET a = 'abc' WHERE id = 990")
    with pytest.raises(DatabaseError, match='invalid input syntax for type integer: "abc"'):
        filled(work, database)
    connection.execute("UPDATE t SET a = '1' WHERE id = 990")
    assert filled(work, database).filled
    assert one(connection, "SELECT count(*) FROM t WHERE n IS NULL") == 0


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("fails", "fills:fails raised TypeError at id = 1"),
        ("other", "returned z"),
        ("none", "fills has no function none"),
    ],
)
def test_a_function_that_does_not_do_is_told(
    one_database: Database,
    emptied: psycopg.Connection,
    functions: Project,
    function: str,
    words: str,
) -> None:
    task = {"table": "public.t", "set": ["b"], "where": "b IS NULL", "python": f"fills:{function}"}
    emptied.execute(f"{PLAIN}; INSERT INTO t VALUES (1, 'x')".encode())
    plan = directly(functions, one_database, [task])
    with pytest.raises(LimbeckError, match=words):
        backfill.run(plan, confirm=lambda _: True)


def test_a_locked_row_is_waited_for_and_it_is_said_who_holds_it(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    simple(work, connection, 1000)
    told: list[Event] = []
    impatient = replace(database, lock_budget="800ms")
    with psycopg.connect(database.url, application_name="greedy") as other:
        other.execute("UPDATE t SET a = 'held' WHERE id = 500")
        with pytest.raises(DatabaseError, match=r"stayed locked for 800ms, by pid .*greedy"):
            filled(work, impatient, batch_time=0.05)

        def listen(event: Event) -> None:
            told.append(event)
            other.commit()

        plan = planned(work, database)
        backfill.run(plan, confirm=lambda _: True, batch_time=0.02, listen=listen)
    assert one(connection, "SELECT b FROM t WHERE id = 500") == "held"
    assert isinstance(told[0], BatchNotObtained | BackfillProgress)


def test_it_rests_where_sessions_are_at_work(
    database: Database, connection: psycopg.Connection
) -> None:
    load = Load()
    with ExitStack() as stack:
        others = [stack.enter_context(closing(psycopg.connect(database.url))) for _ in range(8)]
        for other in others:
            other.pgconn.send_query(b"SELECT pg_sleep(30)")
        for _ in range(3):
            load.seen = 0.0
            load.look(connection)
    assert load.active > 4
    assert load.rest(0.1) > 0.1


def test_sessions_that_are_ended_meanwhile_are_made_anew(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    simple(work, connection, 30_000)
    ended: set[int] = set()
    finished = threading.Event()

    def end_sessions() -> None:
        while len(ended) < 6 and not finished.wait(0.01):
            rows = connection.execute(
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'limbeck backfill%' AND datname = current_database()"
            )
            ended.update(pid for pid, _ in rows)

    plan = planned(work, database)
    ending = threading.Thread(target=end_sessions)
    ending.start()
    try:
        report = backfill.run(plan, confirm=lambda _: True, workers=2, batch_time=0.005)
    finally:
        finished.set()
        ending.join()
    assert report.filled[0].passes == 1
    assert one(connection, "SELECT count(*) FROM t WHERE b IS DISTINCT FROM a") == 0
    assert ended


def test_what_was_verified_before_the_expansion_was_taken_back_does_not_count(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    from limbeck import migrate  # noqa: PLC0415 - for this one

    simple(work, connection, 10)
    filled(work, database)
    back = migrate.rollback_plan(work.project, work.profile, database)
    migrate.apply(back, confirm=lambda _: True)
    forth = migrate.plan(work.project, work.profile, database)
    migrate.apply(forth, confirm=lambda _: True)
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    assert [str(task) for task in planned(work, database).tasks] == ["copy: public.t (b)"]
    assert filled(work, database).filled[0].changed == 1


def test_several_processes_share_the_work(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    simple(work, connection, 45_000)
    plan = planned(work, database)
    changed: list[int] = []

    def run() -> None:
        report = backfill.run(plan, confirm=lambda _: True)
        changed.append(report.filled[0].changed)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(changed) == 45_000
    assert one(connection, "SELECT count(*) FROM t WHERE b IS DISTINCT FROM a") == 0
    assert state.read(connection)["copy", 0].verified


def told(work: Work, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command in this process; return its exit code, its answer and its talk."""
    with pytest.raises(SystemExit) as caught:
        main(["--project", str(work.project.root), "backfill", *words])
    out, err = capsys.readouterr()
    return int(str(caught.value.code)), out, err


def test_the_command_estimates_asks_and_fills_in(
    work: Work, connection: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    simple(work, connection, 2000)
    code, out, err = told(work, capsys, "--dry-run")
    assert code == 0
    assert out.startswith("copy: public.t (b): about 2,000 of 2,000 rows, ")
    assert "WHERE b IS DISTINCT FROM a" in err
    assert one(connection, "SELECT count(b) FROM t") == 0
    (work.project.root / "env_profiles" / "development.env").write_text("PROTECTED=yes\n")
    code, out, err = told(work, capsys, "copy")
    assert (code, out) == (4, "")
    assert "Add --yes" in err
    code, out, err = told(work, capsys, "copy", "--yes", "--json", "--workers", "2")
    assert code == 0
    (found,) = json.loads(out)["filled"]
    assert (found["change"], found["table"], found["changed"]) == ("copy", "public.t", 2000)
    code, out, err = told(work, capsys)
    assert (code, out.split(" at ")[0]) == (0, "Nothing to fill in")
    assert told(work, capsys, "other")[0] == 2
    assert told(work, capsys, "--batch-time", "soon")[0] == 2
    assert told(work, capsys, "--max-lag", "0s")[0] == 2


@pytest.mark.parametrize(
    "kills", [3, pytest.param(100, marks=pytest.mark.thorough)], ids="{} kills".format
)
def test_killed_at_random_it_ends_exact(
    work: Work, database: Database, connection: psycopg.Connection, kills: int
) -> None:
    """A counting trigger sees each row changed once, so no committed batch is done again."""
    rows = 30_000 * min(kills, 3) + 1000 * kills
    simple(work, connection, rows)
    connection.execute(
        "CREATE TABLE counted (id int);"
        "CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO counted VALUES (new.id); RETURN new; END';"
        "CREATE TRIGGER counting AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION count_it()"
    )
    seed = int(time.time())
    print("seed", seed)  # noqa: T201 - to be seen when it fails
    random, killed = Random(seed), 0  # noqa: S311 - no secret
    while killed < kills:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(work.project.root), str(random.choice([1, 3]))],
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout
            assert process.stdout.readline() == "planned\n"
            time.sleep(random.uniform(0.02, 0.15))
            process.send_signal(signal.SIGKILL)
            process.wait()
        killed += 1
        if not planned(work, database).tasks:
            break
    filled(work, database)
    assert one(connection, "SELECT count(*) FROM t WHERE b IS DISTINCT FROM a") == 0
    assert one(connection, "SELECT count(*) - count(DISTINCT id) FROM counted") == 0
    assert one(connection, "SELECT count(*) FROM counted") == rows
    assert killed > 1, "it was finished before it was killed often enough"
