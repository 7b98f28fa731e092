"""The Python of a revision: how often it runs and where, and what it notices of its statements."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from limbeck import migrate, status
from limbeck.engine import ledger, offline, statements
from limbeck.errors import MigrationError
from limbeck.postgres.database import Database
from limbeck.safety import lint
from tests.postgres.test_execution import hasty, held

if TYPE_CHECKING:
    import psycopg

    from limbeck.history.revisions import Revision
    from tests.postgres.conftest import Work

NOTING = """
from limbeck.context import where
SEEN = {seen!r}
def note(what):
    with open(SEEN, "a") as file:
        file.write(f"{{what}} {{where()}}\\n")
note("load")
"""


def migrated(work: Work, database: Database) -> migrate.Report:
    plan = migrate.plan(work.project, work.profile, database)
    return migrate.apply(plan, confirm=lambda _: True)


def undone(work: Work, database: Database, steps: int = 1) -> migrate.Report:
    plan = migrate.rollback_plan(work.project, work.profile, database, steps=steps)
    return migrate.apply(plan, confirm=lambda _: True)


def above(revision: Revision, code: str) -> None:
    """Write code above the functions of a revision."""
    head, rest = revision.path.read_text().split("def upgrade", 1)
    revision.path.write_text(f"{head}{textwrap.dedent(code)}\n\ndef upgrade{rest}")


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """A file for what a revision notes."""
    return tmp_path / "seen"


def noted(seen: Path) -> list[str]:
    lines = seen.read_text().splitlines() if seen.exists() else []
    seen.write_text("")
    return lines


def test_a_revision_is_loaded_and_runs_once_where_it_is_applied(
    work: Work, database: Database, seen: Path
) -> None:
    down = "note('down')\nop.execute('drop table one')"
    one = work.revision("one", "note('up')\nop.execute('create table one ()')", down)
    two = work.revision("two", "create table two ()", "drop table two")
    for each in (one, two):
        above(each, NOTING.format(seen=str(seen)))
    migrated(work, database)
    assert noted(seen) == ["load target", "load target", "up target"]
    undone(work, database, 2)
    assert noted(seen) == ["load target", "load target", "down target"]
    migrated(work, database)
    noted(seen)
    work.revision("three", "create table three ()")
    migrated(work, database)
    status.status(work.project, [work.profile], drift=False)
    assert noted(seen) == []


def test_a_revision_knows_that_it_is_replayed_or_rendered(
    work: Work, database: Database, seen: Path
) -> None:
    one = work.revision("one", "note('up')\nop.execute('create table one ()')")
    above(one, NOTING.format(seen=str(seen)))
    plan = migrate.plan(work.project, work.profile, database)
    assert noted(seen) == []
    assert "create table one" in plan.script()
    assert set(noted(seen)) == {"load offline", "up offline"}
    lint(work.project, work.history.revisions())
    assert set(noted(seen)) == {"load shadow", "up shadow"}
    status.status(work.project, [work.profile])
    assert set(noted(seen)) <= {"load shadow", "up shadow"}


def test_a_retried_revision_begins_with_a_module_that_nothing_has_used(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table names (name text); create table locked ()")
    one = work.revision(
        "rows",
        "for name in NAMES:\n    op.execute(f\"insert into names values ('{name}')\")\n"
        "op.execute('alter table locked add a int')",
    )
    above(one, "NAMES = iter(['a', 'b'])")
    with held(database, "lock table locked in access share mode", 0.6):
        migrated(work, hasty(database))
    assert connection.execute("select name from names").fetchall() == [("a",), ("b",)]


def test_a_ledger_of_an_older_version_stays_valid_and_is_renewed(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    one, two, three = (
        work.revision(name, f"create table {name} ()") for name in ("one", "two", "three")
    )
    migrated(work, database)
    for each, sql in zip((one, two), offline.sql(work.history, [one, two]), strict=True):
        row = [statements.checksum([sql]), each.id]
        connection.execute("update limbeck_state.ledger set sql = %s where revision = %s", row)
    assert edited(work) == ()
    two.path.write_text(two.path.read_text() + "# reformatted\n")
    assert edited(work) == ()
    work.revision("four", "create table four ()")
    migrated(work, database)
    forms = {id_: (each.sql or "")[:5] for id_, each in ledger.read(connection).applied().items()}
    assert (forms[one.id], forms[three.id]) == ("code:", "code:")
    assert forms[two.id] != "code:"  # nothing says any more what it was
    two.path.write_text(two.path.read_text().replace("two ()", "two (id int)"))
    assert edited(work) == (two.id,)


def edited(work: Work) -> tuple[str, ...]:
    (state,) = status.status(work.project, [work.profile], drift=False)
    return tuple(each.id for each in state.edited)


AS_UNDER_ALEMBIC = {
    "a savepoint by hand": """
        op.execute("SAVEPOINT s")
        try:
            op.execute("CREATE TABLE orders (id int)")
        except sa.exc.DBAPIError:
            op.execute("ROLLBACK TO s")
        op.execute("insert into done values (1)")
    """,
    "begin_nested": """
        try:
            with op.get_bind().begin_nested():
                op.execute("CREATE TABLE orders (id int)")
        except sa.exc.ProgrammingError:
            op.execute("insert into done values (1)")
    """,
    "an operation that fails in a savepoint": """
        op.execute("SAVEPOINT s")
        try:
            op.drop_column("orders", "nothing")
            op.execute("insert into done values (2)")
        except Exception as error:
            assert error.orig.sqlstate == "42703"
            op.execute("ROLLBACK TO SAVEPOINT s")
            op.execute("insert into done values (1)")
    """,
    "a result between two statements": """
        op.execute("insert into done values (2)")
        found = op.get_bind().execute(sa.text("update done set id = 1 returning id")).scalars()
        assert found.all() == [1]
    """,
    "the row count": """
        op.execute("insert into done values (2)")
        assert op.get_bind().execute(sa.text("update done set id = 1")).rowcount == 1
    """,
    "a commit": """
        op.execute("insert into done values (1)")
        op.execute("COMMIT")
        op.execute("VACUUM done" if False else "select 1")
    """,
    "a commit in a script": """
        op.execute("insert into done values (1), (2); commit; delete from done where id = 2")
    """,
    "a rollback": """
        op.execute("insert into done values (2)")
        op.execute("ROLLBACK")
        op.execute("BEGIN")
        op.execute("insert into done values (1)")
    """,
}


def test_a_revision_behaves_as_under_alembic(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table orders (id int)")
    last = None
    for number, (name, body) in enumerate(AS_UNDER_ALEMBIC.items()):
        connection.execute(f"create table done{number} (id int)".encode())
        own = textwrap.dedent(body).strip().replace("done", f"done{number}")
        last = work.revision(name, own, down=last)
    assert len(migrated(work, database).applied) == len(AS_UNDER_ALEMBIC)
    for number, name in enumerate(AS_UNDER_ALEMBIC):
        rows = connection.execute(f"select id from done{number}".encode()).fetchall()
        assert (name, rows) == (name, [(1,)])
    assert migrate.plan(work.project, work.profile, database).revisions == ()


def test_lint_says_what_is_true_of_a_revision_that_catches_or_commits(work: Work) -> None:
    first = work.revision("orders", "create table orders (id int)")
    last = work.revision("done", "create table done (id int)", down=first)
    revisions = []
    for name in ("a savepoint by hand", "begin_nested", "a commit"):
        body = textwrap.dedent(AS_UNDER_ALEMBIC[name]).strip()
        revisions.append(last := work.revision(name, body, down=last))
    revisions.append(work.revision("fails", "create table orders (id int)", down=last))
    codes = {each.revision: each.code for each in lint(work.project, revisions).hazards}
    commits, fails = (each.id for each in revisions[-2:])
    assert codes == {commits: "uncommitted-or-nested-transaction", fails: "fails"}


COMMITTING = {
    "by op": "op.execute('COMMIT')",
    "by the connection": "op.get_bind().commit()",
    "by text": "op.get_bind().execute(sa.text('commit work'))",
    "by the driver's cursor": "op.get_bind().connection.cursor().execute('COMMIT')",
}


def test_what_a_revision_commits_itself_is_a_step(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    last = None
    for number, (name, commit) in enumerate(COMMITTING.items()):
        first, second = (f"op.execute('create table {each}{number} ()')\n" for each in "ab")
        last = work.revision(name, f"{first}{commit}\n{second}op.execute('select 1/0')", down=last)
        with pytest.raises(MigrationError, match="step 1 is committed; the next run continues"):
            migrated(work, database)
        query = f"select to_regclass('a{number}') is null, to_regclass('b{number}') is null"
        assert (name, connection.execute(query.encode()).fetchone()) == (name, (False, True))
        last.path.write_text(last.path.read_text().replace("1/0", "1"))
        migrated(work, database)
        assert (name, connection.execute(query.encode()).fetchone()) == (name, (False, False))


def test_nothing_but_statements_happens_between_the_first_lock_and_the_commit(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    """A plain revision is sent when its Python has ended, and its file is not read again."""
    connection.execute("create table old ()")
    body = (
        "op.execute('alter table old add a int')\ntime.sleep(.3)\npathlib.Path(__file__).unlink()"
    )
    one = work.revision("one", body, imports=("import pathlib", "import time"))
    digest = ledger.file_hash(one.path)
    migrated(work, database)
    row = connection.execute("select file, finished - started from limbeck_state.ledger").fetchone()
    assert row is not None
    assert row[0] == digest
    assert row[1].total_seconds() < 0.25  # now() is when the transaction began
