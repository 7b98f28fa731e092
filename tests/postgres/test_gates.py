"""A contract revision waits until all is ready for it, and says what it waits for."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck import backfill, migrate, status
from limbeck.cli import main
from limbeck.errors import MigrationError
from limbeck.events import Event, Notice
from limbeck.phased.gates import uses
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.run import rehearse
from tests.postgres.phases import phase

if TYPE_CHECKING:
    from pathlib import Path

    from limbeck.history.revisions import Revision
    from limbeck.phased.gates.waiting import Through
    from tests.postgres.conftest import MakeWork, Work

COPY = {"table": "public.t", "set": {"b": "a"}, "where": "b IS DISTINCT FROM a"}


def changing(work: Work, upgrade: str = "ALTER TABLE t DROP COLUMN a") -> list[Revision]:
    """Record a table, the two phases of a change of it, and one revision more."""
    made = [work.revision("base", "create table t (id int primary key, a text)", "drop table t")]
    made.append(
        phase(
            work,
            "expand",
            "ALTER TABLE t ADD COLUMN b text",
            "op.execute('ALTER TABLE t DROP COLUMN b')",
            phase="expand",
            change="copy",
            backfills=[COPY],
        )
    )
    made.append(
        phase(work, "contract", upgrade, phase="contract", change="copy", uses=["public.t.a"])
    )
    made.append(work.revision("after", "create table after ()", "drop table after"))
    return made


def protect(work: Work) -> None:
    (work.project.root / "env_profiles" / "development.env").write_text("PROTECTED=yes\n")


def plan(
    work: Work, database: Database, to: str = "head", through: Through | None = None
) -> migrate.Plan:
    protected = replace(database, protected=work.profile.protected)
    return migrate.plan(work.project, work.profile, protected, to=to, through=through)


def migrated(work: Work, database: Database, through: Through | None = None) -> migrate.Report:
    return migrate.apply(plan(work, database, through=through), confirm=lambda _: True)


def filled(work: Work, database: Database) -> None:
    found = backfill.plan(work.project, work.profile, database)
    backfill.run(found, confirm=lambda _: True)


def at(work: Work, database: Database, connection: psycopg.Connection, last: str) -> list[Revision]:
    """Be at the revision of this message, with rows that are not filled in."""
    made = changing(work)
    before = {"base": "base", "expand": "base", "filled": "base"}[last]
    target = next(one for one in made if one.message == before)
    migrate.apply(plan(work, database, target.id), confirm=lambda _: True)
    connection.execute("INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 100) n")
    if last != "base":
        migrate.apply(plan(work, database, made[1].id), confirm=lambda _: True)
    if last == "filled":
        filled(work, database)
    return made


def ids(revisions: tuple[migrate.PlannedRevision, ...]) -> list[str]:
    return [one.message for one in revisions]


def test_without_rows_the_phases_run_in_one_go(work: Work, database: Database) -> None:
    changing(work)
    report = migrated(work, database)
    assert [one.message for one in report.applied] == ["base", "expand", "contract", "after"]
    assert report.waiting == ()


def test_a_new_protected_database_has_nothing_to_wait_for(work: Work, database: Database) -> None:
    changing(work)
    protect(work)
    assert ids(plan(work, database).revisions) == ["base", "expand", "contract", "after"]


def test_a_contract_waits_for_its_backfill_and_what_follows_waits_too(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    made = at(work, database, connection, "base")
    report = migrated(work, database)
    assert [one.message for one in report.applied] == ["expand"]
    (waiting,) = report.waiting
    assert (waiting.revision, waiting.change, waiting.why) == (made[2].id, "copy", "backfill")
    assert waiting.others == (made[3].id,)
    assert waiting.reason == "the backfill of public.t is not verified"
    assert waiting.hint == (
        "limbeck backfill -e development copy, then limbeck migrate -e development"
    )
    filled(work, database)
    report = migrated(work, database)
    assert [one.message for one in report.applied] == ["contract", "after"]


def test_a_protected_environment_is_expanded_and_contracted_when_it_is_asked_for(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "base")
    protect(work)
    first = plan(work, database, through="contract")
    assert ids(first.revisions) == ["expand"]
    migrate.apply(first, confirm=lambda _: True)
    second = plan(work, database, through="contract")
    assert (second.revisions, second.waiting[0].why) == ((), "backfill")
    filled(work, database)
    third = plan(work, database)
    assert (third.revisions, third.waiting[0].why) == ((), "contract")
    assert third.waiting[0].hint.endswith("limbeck migrate -e development --contract")
    assert ids(plan(work, database, through="contract").revisions) == ["contract", "after"]


def test_what_was_ready_when_it_was_planned_is_looked_at_again_under_the_lock(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "filled")
    found = plan(work, database)
    connection.execute("UPDATE limbeck_state.backfill SET verified = NULL")
    with pytest.raises(MigrationError, match=r"backfill of public\.t is not verified; nothing"):
        migrate.apply(found, confirm=lambda _: True)


def test_status_tells_the_phase_and_a_check_lists_what_waits_without_failing(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "base")

    def found() -> tuple[str, str, list[str]]:
        (one,) = status.status(work.project, [work.profile], drift=False)
        (change,) = one.phases
        findings = tuple(status.findings(one))
        assert one.clean == (not any(finding.fails for finding in findings))
        return change.change, change.phase, [finding.kind for finding in findings]

    assert found() == ("copy", "pending", ["pending", "waiting"])
    migrated(work, database)
    assert found() == ("copy", "expanded", ["waiting"])
    filled(work, database)
    assert found() == ("copy", "backfilled", ["pending"])
    protect(work)
    assert found() == ("copy", "backfilled", ["waiting"])
    migrated(work, database, through="contract")
    assert found() == ("copy", "contracted", [])


USES = (
    ("CREATE VIEW v AS SELECT id, a FROM t", "view v"),
    ("CREATE MATERIALIZED VIEW m AS SELECT upper(a) FROM t", "materialized view m"),
    (
        "ALTER TABLE t ADD COLUMN g text GENERATED ALWAYS AS (upper(a)) STORED",
        "column g of table t",
    ),
    ("CREATE POLICY p ON t USING (a = current_user)", "policy p on table t"),
    ("CREATE INDEX both_ways ON t (id, a)", "index both_ways"),
    ("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT a FROM t LIMIT 1'", "function f()"),
    (
        """CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN new.a := 1; RETURN new; END';
        CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()""",
        "function g()",
    ),
    (
        "CREATE FUNCTION h() RETURNS text BEGIN ATOMIC SELECT a FROM t LIMIT 1; END",
        "function h()",
    ),
    (
        """CREATE FUNCTION k() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
        CREATE TRIGGER two BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION k()""",
        "trigger two on table t",
    ),
    (
        "CREATE UNIQUE INDEX ON t (a); CREATE TABLE r (a text REFERENCES t (a))",
        "constraint r_a_fkey on table r",
    ),
    ("CREATE PUBLICATION p FOR TABLE t (id, a)", "publication"),
)
NO_USES = (
    "CREATE VIEW other AS SELECT id, b FROM t",
    "CREATE INDEX ON t (a)",
    "CREATE FUNCTION other() RETURNS text LANGUAGE sql AS 'SELECT b FROM t LIMIT 1'",
    "CREATE FUNCTION another() RETURNS text LANGUAGE sql AS 'SELECT 1 AS a'",
)


def test_what_still_uses_the_old_structure_keeps_it(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "filled")
    for sql in NO_USES:
        connection.execute(sql.encode())
    assert ids(plan(work, database).revisions) == ["contract", "after"]
    for sql, _ in USES:
        connection.execute(sql.encode())
    found = plan(work, database)
    assert found.revisions == ()
    (waiting,) = found.waiting
    assert (waiting.why, waiting.hint.split("--")[1]) == ("used", "allow still-used.")
    texts = [one.text for one in waiting.uses]
    assert [user for _, user in USES if not any(user in text for text in texts)] == [], texts
    assert len(texts) == len(USES), texts


def test_what_the_contract_itself_sees_to_is_no_use(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "filled")
    path = next(one.path for one in work.history.revisions() if one.message == "contract")
    path.write_text(
        path.read_text().replace("ALTER TABLE t DROP", "DROP VIEW v; ALTER TABLE t DROP")
    )
    connection.execute("CREATE VIEW v AS SELECT a FROM t")
    assert ids(plan(work, database).revisions) == ["contract", "after"]


def test_of_what_is_renamed_only_texts_have_to_change(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "filled")
    path = next(one.path for one in work.history.revisions() if one.message == "contract")
    renames = "ALTER TABLE t DROP COLUMN b; ALTER TABLE t RENAME COLUMN a TO b"
    path.write_text(path.read_text().replace("ALTER TABLE t DROP COLUMN a", renames))
    connection.execute("CREATE VIEW v AS SELECT a FROM t")
    assert ids(plan(work, database).revisions) == ["contract", "after"]
    connection.execute("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT a FROM t'")
    assert [one.text for one in plan(work, database).waiting[0].uses] == ["function f()"]


def test_a_rehearsal_runs_what_may_run_and_says_what_waits(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "base")
    told: list[Event] = []
    project, profile = work.project, work.profile
    found = rehearse._run(project, profile, database, told.append)  # noqa: SLF001 - without a branch
    assert [one.message for one in found.revisions] == ["expand"]
    texts = [event.text for event in told if isinstance(event, Notice)]
    assert len(texts) == 1
    assert texts[0].endswith("contract is not rehearsed: the backfill of public.t is not verified")


def test_a_session_of_the_old_application_keeps_a_protected_environment(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    at(work, database, connection, "filled")
    protect(work)
    with psycopg.connect(database.url, application_name="old") as other:
        other.execute("SELECT a FROM t")
        waiting = plan(work, database, through="contract").waiting
        assert [one.kind for one in waiting[0].uses] == ["session"]
        assert "old): SELECT a FROM t" in waiting[0].uses[0].text
        other.execute("SELECT b FROM t")
    assert ids(plan(work, database, through="contract").revisions) == ["contract", "after"]


def test_a_table_that_is_still_written_to_stays_in_a_protected_environment(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.revision("base", "create table t (id int primary key, a text)", "drop table t")
    phase(work, "contract", "DROP TABLE t", phase="contract", change="t", uses=["public.t"])
    migrate.apply(plan(work, database, work.history.revisions()[0].id), confirm=lambda _: True)
    protect(work)
    gone = threading.Event()

    def write() -> None:
        with psycopg.connect(database.url, autocommit=True, application_name="limbeck") as other:
            while not gone.wait(0.05):
                other.execute("INSERT INTO t VALUES ((random() * 1e9)::int) ON CONFLICT DO NOTHING")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        (waiting,) = plan(work, database, through="contract").waiting
    finally:
        gone.set()
        thread.join()
    assert [one.kind for one in waiting.uses] == ["writes"]
    assert "rows were written to public.t" in waiting.uses[0].text
    monkeypatch.setattr(uses, "_FLUSH", 0.2)  # nobody writes whose counts would have to arrive
    assert ids(plan(work, database, through="contract").revisions) == ["contract"]


@pytest.mark.thorough
def test_statements_that_are_called_meanwhile_keep_a_protected_environment(
    make_work: MakeWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path / "server", port=None)
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    server.stop()
    server.start()
    database = Database.from_url("counted", server.url("postgres"))
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", database.url)
    work, gone = make_work(), threading.Event()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        at(work, database, connection, "filled")
        connection.execute("SELECT id, a FROM t WHERE a = 'x'")

    def ask() -> None:
        with psycopg.connect(database.url, autocommit=True) as other:
            while not gone.wait(0.05):
                other.execute("SELECT a FROM t WHERE id = 5")
                other.execute("SELECT 1")

    protect(work)
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        (waiting,) = plan(work, database, through="contract").waiting
    finally:
        gone.set()
        thread.join()
    statements = [one.text for one in waiting.uses if one.kind == "statement"]
    assert statements == ["statement called during the check: SELECT a FROM t WHERE id = $1"]
    told: list[Event] = []
    found = migrate.plan(
        work.project, work.profile, database, through="contract", listen=told.append
    )
    assert ids(found.revisions) == ["contract", "after"]
    assert [event for event in told if isinstance(event, Notice) and "id, a FROM" in event.text]
    server.stop()


def said(work: Work, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code, its answer and its talk."""
    with pytest.raises(SystemExit) as caught:
        main(["--project", str(work.project.root), *words])
    out, err = capsys.readouterr()
    return int(str(caught.value.code)), out, err


def test_the_commands_say_what_waits_and_what_to_type_next(
    work: Work,
    database: Database,
    connection: psycopg.Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at(work, database, connection, "base")
    code, out, _ = said(work, capsys, "migrate")
    assert code == 0
    assert "Applied 1 revision" in out
    assert "limbeck backfill -e development copy, then" in out
    code, _, err = said(work, capsys, "contract")
    assert code == 3
    assert "the contract may not run yet; nothing was changed" in err
    code, out, _ = said(work, capsys, "status", "--json")
    (one,) = json.loads(out)["environments"]
    assert one["changes"][0]["phase"] == "expanded"
    assert one["waiting"][0]["why"] == "backfill"
    assert (one["clean"], one["changes"][0]["total"]) == (True, None)
    assert "copy: expanded" in said(work, capsys, "status")[1]
    picture = said(work, capsys, "status", "--format", "svg")[1]
    assert re.findall(r"<title>((?:expand|backfill|contract) [a-z ]+)", picture) == [
        "expand done",
        "backfill running",
        "contract on hold",
    ]
    work.models("""
key = Column("id", Integer, primary_key=True, autoincrement=False)
Table("t", metadata, key, Column("b", Text))
Table("after", metadata)
""")
    code, out, _ = said(work, capsys, "check", "-e", "development", "--json")
    found = json.loads(out)
    assert (code, found["ok"], found["findings"]) == (0, True, [])
    assert [(each["environment"], each["why"]) for each in found["waiting"]] == [
        ("development", "backfill")
    ]
    code, out, _ = said(work, capsys, "check", "-e", "development")
    assert code == 0
    assert "nothing pending but contracts on hold" in out
    assert "the backfill of public.t is not verified" in out
    filled(work, database)
    connection.execute("CREATE VIEW v AS SELECT a FROM t")
    code, _, err = said(work, capsys, "contract")
    assert code == 3
    assert "public.t.a is still used by\n      view v" in err
    connection.execute("DROP VIEW v; CREATE INDEX w ON t (a, id)")
    assert said(work, capsys, "migrate", "--through", "expand")[0] == 0
    code, out, err = said(work, capsys, "contract", "--allow", "still-used", "--json")
    assert code == 0
    assert [one["message"] for one in json.loads(out)["applied"]] == ["contract", "after"]
    assert "No snapshot is taken" in err
