"""`limbeck revision`: an empty revision, or one that changes rows in batches, with its test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from click.testing import CliRunner, Result

from limbeck import migrate
from limbeck.cli import group
from limbeck.errors import ConfigurationError, HistoryError, MigrationError, SeveralHeadsError
from limbeck.generate import handwritten
from limbeck.history import scripts, writing
from limbeck.history.history import History
from limbeck.lint.linting import lint
from limbeck.lint.trace.tracing import trace
from limbeck.models.source.text import escaped
from limbeck.shadow.replay import Replay
from limbeck.shadow.testing.migrated import migrated

if TYPE_CHECKING:
    from limbeck.history.revisions import Revision
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

ITEMS = "create table items (id int primary key, name text)"
WEIRD = '"s:t"."we:ird {t} ""x"""'


@pytest.fixture
def shop(work: Work) -> Work:
    """A project whose history makes one table."""
    work.revision("items", ITEMS, "drop table items")
    return work


def invoke(work: Work, *arguments: str) -> Result:
    words = ["--project", str(work.project.root), "revision", *arguments]
    return CliRunner().invoke(group, words)


def edited(work: Work, needs: str, change: str, batch: int = 3) -> Revision:
    """Write a data revision, and fill it in as its author does."""
    path = handwritten.data(work.project, None, "x").revision.path
    text = re.sub(r"^BATCH = .*$", f"BATCH = {batch}", path.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^NEEDS = .*$", f"NEEDS = {needs!r}", text, flags=re.MULTILINE)
    path.write_text(re.sub(r"^CHANGE = .*$", f"CHANGE = {change!r}", text, flags=re.MULTILINE))
    return work.history.heads()[0]


def applied(work: Work, database: Database) -> tuple[str, ...]:
    plan = migrate.plan(work.project, work.profile, database)
    return tuple(each.id for each in migrate.apply(plan, confirm=lambda _: True).applied)


def test_an_empty_revision_follows_the_head(shop: Work) -> None:
    (head,) = shop.history.heads()
    done = invoke(shop, "-m", "seed countries", "--json")
    assert done.exit_code == 0, done.output
    (revision,) = shop.history.heads()
    assert (revision.down, revision.message) == ((head.id,), "seed countries")
    assert revision.path.name.endswith(f"{revision.id}_seed_countries.py")
    answer = json.loads(done.stdout)
    assert (answer["revision"], answer["table"], answer["test"]) == (revision.id, None, None)
    assert lint(shop.project, [revision]).hazards == ()


@pytest.mark.parametrize("words", [(), ("--data",)])
def test_there_must_be_one_head(shop: Work, words: tuple[str, ...]) -> None:
    shop.revision("another", "create table b ()", down=None)
    (head,) = shop.history.heads()
    shop.revision("a third", "select 1", down=shop.history.find(head.down[0])[0])
    done = invoke(shop, "-m", "x", *words)
    assert isinstance(done.exception, SeveralHeadsError)
    assert done.exception.hint == "Run `limbeck merge`."
    assert not (shop.project.root / "tests").exists()


def test_a_message_is_needed_and_a_table_only_with_data(shop: Work) -> None:
    assert invoke(shop).exit_code == 2
    assert isinstance(invoke(shop, "-m", "x", "--table", "items").exception, ConfigurationError)


@pytest.mark.parametrize(
    ("table", "error", "hint"),
    [
        (None, "the history makes 4 tables", "--table NAME"),
        ("item", "the history makes no table item", "Did you mean public.items?"),
        ("twice", "several tables are named twice: a.twice, public.twice", "schema"),
        ("a.twice", "table a.twice has no primary key", "limbeck revision -m MESSAGE"),
    ],
)
def test_the_table_must_be_clear(shop: Work, table: str | None, error: str, hint: str) -> None:
    shop.revision("more", "create schema a; create table a.twice (); create table twice ()")
    shop.revision("most", "create table more (id int primary key)")
    with pytest.raises(ConfigurationError, match=error) as caught:
        handwritten.data(shop.project, None, "x", table=table)
    assert hint in str(caught.value.hint)


def test_as_written_it_runs_and_changes_nothing_and_its_test_waits_for_rows(shop: Work) -> None:
    (shop.project.root / "test").mkdir()
    done = invoke(shop, "--data", "-m", "name items", "--json")
    assert done.exit_code == 0, done.output
    (revision,) = shop.history.heads()
    test = shop.project.root / "test" / "migrations" / f"test_{revision.id}_name_items.py"
    assert json.loads(done.stdout)["test"].endswith(f"test/migrations/{test.name}")
    assert f'limbeck_migrated(to="{revision.id}")' in test.read_text()
    with migrated(shop.project, None, revision.id) as copy:
        copy.execute("insert into items values (1, null)")
        copy.upgrade()
        assert copy.execute("table items") == [(1, None)]


def test_the_history_of_an_environment_and_a_test_that_fails_until_it_is_filled_in(
    work: Work,
) -> None:
    root = work.project.root
    (root / "env_profiles" / "reports.env").write_text("VERSIONS=alembic/reports\n")
    (root / "alembic" / "reports").mkdir()
    history = History.of(work.project, work.project.profile("reports"))
    table = "op.execute('create table views (id int primary key default 1, name text)')"
    writing.write(history, "views", table)
    done = invoke(work, "-e", "reports", "--data", "-m", "rename views", "--json")
    assert done.exit_code == 0, done.output
    assert [each.message for each in history.revisions()] == ["views", "rename views"]
    assert work.history.revisions() == ()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/migrations"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (ran.returncode, "(1, None)" in ran.stdout) == (1, True)
    assert "EDIT: the rows as the revision leaves them" in ran.stdout


def test_killed_between_batches_it_is_finished_by_the_next_run(
    shop: Work, database: Database, connection: psycopg.Connection
) -> None:
    applied(shop, database)
    connection.execute("insert into items select n, n::text from generate_series(1, 11) n")
    revision = edited(shop, "name IS DISTINCT FROM 'new' AND id > 1", "name = 'new'")
    connection.execute(
        b"""
        create function bomb() returns trigger language plpgsql as
            $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
        create trigger bomb before update on items for each row when (new.id = 9)
            execute function bomb()"""
    )
    with pytest.raises(MigrationError):
        applied(shop, database)
    query = "select id, xmin::text from items where name = 'new' order by id"
    before = connection.execute(query).fetchall()
    assert [id_ for id_, _ in before] == [2, 3, 4, 5, 6, 7]
    connection.execute("drop trigger bomb on items")
    assert applied(shop, database) == (revision.id,)
    rows = connection.execute(query).fetchall()
    assert [id_ for id_, _ in rows] == list(range(2, 12))
    assert rows[:6] == before, "rows that have the change are not written again"
    assert len({xmin for _, xmin in rows}) == 4, "each batch is a transaction of its own"
    plan = migrate.rollback_plan(shop.project, shop.profile, database)
    migrate.apply(plan, confirm=lambda _: True)
    assert connection.execute(query).fetchall() == rows
    assert applied(shop, database) == (revision.id,)


def test_lint_runs_it_on_rows_that_need_the_change(shop: Work) -> None:
    revision = edited(shop, "name <> 'new'", "name = 'new'")
    assert lint(shop.project, [revision]).hazards == ()
    statements = trace(shop.project, [revision])[0].statements
    assert (statements[-1].tag, statements[-1].transaction) == ("DO", None), "it commits"


def test_any_name_and_any_key_under_plain_alembic(work: Work) -> None:
    work.revision("schema", 'create schema "s:t"')
    table = f'create table {WEIRD} ("a b" int, "c:d" uuid, "%s" text, primary key ("a b", "c:d"))'
    work.revision("weird", f"op.execute({escaped(table)!r})")
    revision = edited(work, '"%s" IS NULL', "\"%s\" = '5 %'")
    module = scripts.module(work.history, revision)
    with migrated(work.project, None, revision.id) as copy:
        copy.execute(
            f"insert into {WEIRD} select n / 3, gen_random_uuid() from generate_series(1, 8) n"
        )
        engine = sa.create_engine(copy.url)
        with engine.connect() as alone, Operations.context(MigrationContext.configure(alone)):
            module.upgrade()
        engine.dispose()
        assert copy.execute(
            f'select count(*), count(distinct xmin::text), min("%s") from {WEIRD}'
        ) == [(8, 3, "5 %")]


def test_a_change_after_which_rows_still_need_it_is_an_error_and_no_endless_loop(
    shop: Work,
) -> None:
    revision = edited(shop, "name IS NULL", "name = NULL")
    with migrated(shop.project, None, "head") as copy:
        copy.execute("insert into items values (1)")
        with pytest.raises(MigrationError, match=r"NEEDS is still true after CHANGE: \(1\)"):
            copy.upgrade()
        assert revision == copy.to


def test_a_database_before_a_revision_goes_up_and_down(shop: Work) -> None:
    first = shop.history.heads()[0]
    second = shop.revision("more", "alter table items add a int", "alter table items drop a")
    with migrated(shop.project, None, first.id) as empty, pytest.raises(psycopg.Error):
        empty.execute("table items")
    with migrated(shop.project, None, second.id[:6]) as copy:
        copy.execute("insert into items values (%s, %s)", [1, "one"])
        with pytest.raises(HistoryError, match="not applied"):
            copy.downgrade()
        copy.upgrade()
        assert copy.execute("table items") == [(1, "one", None)]
        with pytest.raises(HistoryError, match="applied already"):
            copy.upgrade()
        copy.downgrade()
        assert copy.execute("table items") == [(1, "one")]


def test_the_replays_of_all_revisions_with_tests_stay(
    shop: Work, admin: psycopg.Connection
) -> None:
    """However many there are, the history is replayed once for them."""
    for number in range(6):
        shop.revision(f"number {number}", f"create table t{number} ()")
    for revision in reversed(shop.history.revisions()):
        with migrated(shop.project, None, revision.id):
            pass
    prefix = Replay(shop.project).prefix
    rows = admin.execute("select from pg_database where starts_with(datname, %s)", [prefix])
    assert rows.rowcount == len(shop.history.revisions())
