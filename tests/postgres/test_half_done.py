"""Half-done revisions: what takes the half back, what marks it, and what commands say of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from limbeck import migrate, status
from limbeck.cli import group
from limbeck.engine import ledger
from limbeck.errors import CheckFailedError, ConfigurationError, MigrationError
from limbeck.events import Event, Notice
from limbeck.run import repairing
from tests.postgres.test_revision_python import migrated, undone

if TYPE_CHECKING:
    import psycopg

    from limbeck.history.revisions import Revision
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

BLOCK = "with op.get_context().autocommit_block():\n    "
INDEX = f'{BLOCK}op.execute("create index concurrently books_title on books (title)")\n'
HALVES = {
    "a table, a function, a column, an index": (
        'op.execute("create table other (id int references books)")\n'
        "op.execute(\"create function f() returns int language sql as 'select 1'\")\n"
        'op.execute("alter table books add f int default f()")\n' + INDEX
    ),
    "a commit": 'op.execute("create view v as select title from books")\nop.execute("COMMIT")\n',
    "a changed type": 'op.execute("alter table books alter title type varchar(9)")\n' + INDEX,
}


@pytest.fixture
def books(work: Work, database: Database, connection: psycopg.Connection) -> Revision:
    """A revision that is applied, with a row in its table."""
    first = work.revision(
        "books", "create table books (id int primary key, title text)", "drop table books"
    )
    migrated(work, database)
    connection.execute("insert into books values (1, 'one')")
    return first


def halved(work: Work, database: Database, half: str, below: Revision) -> Revision:
    """Apply the first steps of a revision that then fails."""
    # It fails on rows, which the shadow does not have.
    fails = 'op.execute("select 1 / (count(*) - 1) from books")'
    body = f'{half}op.execute("create table last ()")\n{fails}'
    revision = work.revision("half", body, 'op.execute("select 1/0")', down=below)
    with pytest.raises(MigrationError, match="division by zero"):
        migrated(work, database)
    return revision


def snapshot(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    query = (
        "select relname::text, attname::text, atttypid::regtype::text, attnotnull from pg_class c"
        " left join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped"
        " where relnamespace = 'public'::regnamespace order by 1, 2"
    )
    return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_rollback_takes_the_half_back_first(
    half: str, work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    before = snapshot(connection)
    revision = halved(work, database, half, books)
    assert snapshot(connection) != before
    plan = migrate.rollback_plan(work.project, work.profile, database)
    assert [(each.id, each.reversal is not None) for each in plan.revisions] == [
        (revision.id, True)
    ]
    report = migrate.apply(plan, confirm=lambda _: True)
    assert [each.id for each in report.applied] == [revision.id]
    assert report.current == (books.id,)
    assert snapshot(connection) == before
    assert connection.execute("select * from books").fetchall() == [(1, "one")]
    assert ledger.read(connection).interrupted() == {}
    undone(work, database)
    assert migrate.plan(work.project, work.profile, database).current == ()


def test_rollback_of_two_takes_the_half_and_the_revision_below(
    work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    halved(work, database, INDEX, books)
    report = undone(work, database, 2)
    assert (report.current, len(report.applied)) == ((), 2)
    assert connection.execute("select to_regclass('books')").fetchone() == (None,)


def test_an_index_that_was_built_without_a_word_in_the_ledger_goes_too(
    work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    revision = halved(work, database, INDEX, books)
    row = "update limbeck_state.ledger set steps = 0, doubt = 'x' where revision = %s"
    connection.execute(row, [revision.id])
    undone(work, database)
    assert connection.execute("select to_regclass('books_title')").fetchone() == (None,)


REFUSED = {
    "drop column title": ("select 1", "no statement restores the rows"),
    "add pages int": ("alter table books alter pages type text", "is not as step 2"),
}


@pytest.mark.parametrize("half", REFUSED)
def test_a_half_that_cannot_be_taken_back_is_refused(
    half: str, work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    by_hand, message = REFUSED[half]
    first = f'op.execute("alter table books {half}")\n'
    halved(work, database, f'{first}{BLOCK}op.execute("select 1")\n', books)
    connection.execute(by_hand.encode())
    before = snapshot(connection)
    with pytest.raises(MigrationError, match=message):
        migrate.rollback_plan(work.project, work.profile, database)
    assert snapshot(connection) == before


def look(work: Work, database: Database) -> repairing.Repair:
    return repairing.look(work.project, work.profile, database)


def marked(
    work: Work, database: Database, mark: repairing.Mark, *, force: bool = False
) -> repairing.Repair:
    return repairing.repair(
        work.project, work.profile, database, mark, force=force, confirm=lambda *_: True
    )


def test_repair_marks_what_the_catalog_confirms_and_refuses_the_rest(
    work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    revision = halved(work, database, INDEX, books)
    (half,) = look(work, database).halves
    assert (half.standing, half.action, half.steps) == ("half", "upgrade", 1)
    assert [str(each.address) for each in half.missing] == ["table public.last"]
    for mark in ("done", "undone"):
        with pytest.raises(CheckFailedError, match="nothing was done"):
            marked(work, database, mark)
    connection.execute("create table last ()")
    assert look(work, database).halves[0].standing == "done"
    assert marked(work, database, "done").current == (revision.id,)
    assert migrate.plan(work.project, work.profile, database).revisions == ()
    entry = ledger.read(connection).applied()[revision.id]
    assert (entry.action, entry.finished is None) == ("stamp", False)


def test_repair_marks_a_revision_as_undone(
    work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    scaffold = 'op.execute("create table scaffold ()")\n' + INDEX
    revision = halved(work, database, f"{scaffold}op.execute('drop table scaffold')\n", books)
    connection.execute("drop index books_title; drop table scaffold")
    # What a revision makes on the way and renames or drops later counts, too.
    connection.execute("create table scaffold ()")
    assert look(work, database).halves[0].standing == "half"
    connection.execute("drop table scaffold")
    assert look(work, database).halves[0].standing == "undone"
    assert marked(work, database, "undone").current == (books.id,)
    assert ledger.read(connection).interrupted() == {}
    (planned,) = migrate.plan(work.project, work.profile, database).revisions
    assert (planned.id, planned.done) == (revision.id, None)


def test_repair_of_an_interrupted_downgrade(
    work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    fails = 'op.execute("select 1 / (count(*) - 1) from books")'
    down = f'{BLOCK}op.execute("drop index concurrently books_title")\n{fails}'
    revision = work.revision("index", INDEX, down, down=books)
    migrated(work, database)
    with pytest.raises(MigrationError, match="division by zero"):
        undone(work, database)
    (state,) = status.status(work.project, [work.profile], drift=False)
    (finding,) = status.findings(state)
    assert finding.hint == "To continue it: limbeck rollback -e development"
    (half,) = look(work, database).halves
    assert (half.action, half.standing) == ("downgrade", "done")
    assert marked(work, database, "done").current == (books.id,)
    assert ledger.read(connection).interrupted() == {}
    assert revision.id not in ledger.read(connection).applied()


def test_a_half_done_revision_without_a_file_is_forgotten(
    work: Work, database: Database, books: Revision
) -> None:
    revision = halved(work, database, INDEX, books)
    revision.path.unlink()
    (state,) = status.status(work.project, [work.profile], drift=False)
    (finding,) = status.findings(state)
    forget = f"limbeck repair -e development {revision.id} --forget"
    assert (finding.kind, forget in (finding.hint or "")) == ("interrupted", True)
    told: list[Event] = []
    plan = migrate.plan(work.project, work.profile, database, listen=told.append)
    assert plan.revisions == ()
    assert any(forget in event.text for event in told if isinstance(event, Notice))
    assert look(work, database).halves[0].standing == "deleted"
    with pytest.raises(ConfigurationError, match="it can only be forgotten"):
        marked(work, database, "done")
    assert marked(work, database, "forgotten").current == (books.id,)
    (state,) = status.status(work.project, [work.profile], drift=False)
    assert list(status.findings(state)) == []


def test_repair_has_nothing_to_do_where_nothing_was_interrupted(
    work: Work, database: Database, books: Revision
) -> None:
    assert look(work, database).current == (books.id,)
    with pytest.raises(ConfigurationError, match="no revision is half-done"):
        marked(work, database, "done")


def typed(work: Work, *arguments: str) -> tuple[int, str]:
    """Type a command; return its exit code and what it printed."""
    result = CliRunner().invoke(group, ["--project", str(work.project.root), *arguments])
    code = getattr(result.exception, "exit_code", result.exit_code)
    return code, f"{result.output}{result.exception or ''}"


def test_what_is_typed_after_a_failure(work: Work, database: Database, books: Revision) -> None:
    revision = halved(work, database, INDEX, books)
    code, text = typed(work, "repair")
    assert (code, "the database has a part of what it changes" in text) == (0, True)
    assert "Next: `limbeck migrate -e development`, or `limbeck rollback -e development`" in text
    assert typed(work, "repair", "--done", "--yes")[0] == 3
    assert typed(work, "repair", "--done", "--undone")[0] == 2
    code, text = typed(work, "rollback", "--sql")
    assert "DROP INDEX public.books_title;" in text.replace('"', "")
    assert f"DELETE FROM limbeck_state.ledger WHERE revision = '{revision.id}'" in text
    code, text = typed(work, "rollback", "--yes")
    assert (code, "half-done, 1 step: the half is taken back" in text) == (0, True)
    code, text = typed(work, "repair", "--json")
    assert json.loads(text)["halves"] == []
    (planned,) = migrate.plan(work.project, work.profile, database).revisions
    assert (planned.id, planned.done) == (revision.id, None)


def test_a_revision_that_the_shadow_cannot_run_is_marked_by_force(
    work: Work, database: Database, books: Revision, connection: psycopg.Connection
) -> None:
    body = f'{INDEX}op.execute("select 1/0")'
    work.revision("never", body, down=books)
    with pytest.raises(MigrationError, match="division by zero"):
        migrated(work, database)
    (half,) = look(work, database).halves
    assert (half.standing, [str(each.address) for each in half.left]) == (
        "failing",
        ["index public.books_title"],
    )
    with pytest.raises(CheckFailedError, match="fails on the shadow"):
        marked(work, database, "done")
    undone(work, database)
    assert ledger.read(connection).interrupted() == {}
