"""Squash: one revision for several, proved to come to the same; what it refuses, and why."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from click.testing import CliRunner

from limbeck import migrate, status
from limbeck.cli import group
from limbeck.engine import version_table
from limbeck.errors import CheckFailedError, ConfigurationError, HistoryError, ProofError
from limbeck.events import Event, Notice
from limbeck.generate.squash.squash import Squash, squash
from limbeck.history.revisions import Revision
from limbeck.merge import merge
from limbeck.output.statuses import status_text
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.read import read

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog
    from tests.postgres.conftest import MakeWork, Work

RENAME = 'op.alter_column("books", "title", new_column_name="name")'
BACK = 'op.alter_column("books", "name", new_column_name="title")'
INDEX = """\
with op.get_context().autocommit_block():
    op.create_index("books_name_idx", "books", ["name"], postgresql_concurrently=True)"""
ASKS = """\
import sqlalchemy as sa
for row in op.get_bind().execute(sa.text("SELECT id FROM books")):
    op.execute(f"UPDATE books SET name = upper(name) WHERE id = {row.id}")"""


def books(work: Work) -> list[Revision]:
    """Record a history as they grow: a table, a rename, an index, what fills in rows, a column."""
    work.revision(
        "books", "create table books (id int primary key, title text)", "drop table books"
    )
    work.revision("title is name", RENAME, BACK)
    work.revision("index", INDEX, 'op.drop_index("books_name_idx")')
    work.revision("names in capitals", ASKS)
    work.revision("year", "alter table books add year int", "alter table books drop year")
    return list(work.history.revisions())


def made(work: Work, **options: Any) -> Squash:
    return squash(work.project, force=True, **options)


def migrated(work: Work, database: Database, to: str = "head") -> None:
    plan = migrate.plan(work.project, work.profile, database, to=to)
    migrate.apply(plan, confirm=lambda _: True)


def catalog(database: Database) -> Catalog:
    with connect(database) as connection:
        return read(connection)


@pytest.mark.parametrize(
    ("first", "last", "options", "replaced"),
    [
        pytest.param(0, 4, {}, 5, id="all of them"),
        pytest.param(1, 3, {}, 3, id="from one to another"),
        pytest.param(0, 3, {}, 4, id="up to one", marks=pytest.mark.thorough),
        pytest.param(0, 4, {"verbatim": True}, 5, id="as written", marks=pytest.mark.thorough),
    ],
)
def test_the_new_one_makes_what_the_old_ones_made(  # noqa: PLR0913, PLR0917 - a case has four parts
    first: int,
    last: int,
    options: dict[str, bool],
    replaced: int,
    work: Work,
    make_database: Callable[..., Database],
) -> None:
    ids = [one.id for one in books(work)]
    old, new, empty = make_database(), make_database(), make_database()
    migrated(work, old)
    found = made(work, first=ids[first], last=ids[last], **options)
    assert len(found.replaced) == replaced
    assert [one.id for one in work.history.revisions()] == [*ids[:first], *ids[last:]]
    migrated(work, new)
    assert catalog(new).changes_to(catalog(old)) == ()
    for database in (old, new):
        plan = migrate.rollback_plan(work.project, work.profile, database, to="base")
        migrate.apply(plan, confirm=lambda _: True)
        assert catalog(database).changes_to(catalog(empty)) == ()


def test_a_database_that_has_the_old_ones_has_the_new_one(work: Work, database: Database) -> None:
    books(work)
    migrated(work, database)
    made(work)
    (found,) = status.status(work.project, [work.profile])
    assert found.problem is None
    assert (found.pending, found.edited, found.deleted, found.drift) == ((), (), (), ())
    assert migrate.plan(work.project, work.profile, database).revisions == ()


@pytest.mark.thorough
def test_a_new_one_that_is_edited_is_reported_as_any_other(work: Work, database: Database) -> None:
    books(work)
    made(work)
    migrated(work, database)
    (one,) = work.history.revisions()
    one.path.write_text(
        one.path.read_text().replace(
            "def upgrade() -> None:\n", "def upgrade() -> None:\n    op.execute('select 1')\n"
        )
    )
    (found,) = status.status(work.project, [work.profile])
    assert [each.id for each in found.edited] == [one.id]


@pytest.mark.thorough
def test_a_squash_can_be_squashed_again(work: Work, database: Database) -> None:
    ids = [one.id for one in books(work)]
    migrated(work, database)
    made(work, last=ids[2])
    found = made(work)
    assert work.history.revisions()[0].replaces == tuple(ids)
    assert [one.id for one in found.replaced] == ids[2:]
    (at,) = status.status(work.project, [work.profile])
    assert (at.edited, at.deleted) == ((), ())


PLAIN_ENV = """
from sqlalchemy import NullPool, create_engine
from alembic import context

with create_engine({!r}, poolclass=NullPool).begin() as connection:
    context.configure(connection)
    context.run_migrations()
"""


def test_plain_alembic_runs_it_on_an_empty_database(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [one.id for one in books(work)]
    made(work)
    monkeypatch.chdir(work.project.root)
    config = Config("alembic.ini")
    url = database.url.replace("://", "+psycopg://")
    (work.project.script_location / "env.py").write_text(PLAIN_ENV.format(url))
    command.upgrade(config, "head")
    with connect(database) as connection:
        assert version_table.recorded(connection) == (ids[-1],)
        assert connection.execute("SELECT to_regclass('books_name_idx')").fetchone() != (None,)


def test_rows_that_a_revision_writes_are_refused_or_carried_over_as_code(
    work: Work, make_database: Callable[..., Database]
) -> None:
    books(work)
    seed = work.revision(
        "first books",
        "insert into books (id, name) values (1, 'Emma')",
        "op.execute('delete from books')",
    )
    files = {path: path.read_bytes() for path in work.history.folder.glob("*.py")}
    with pytest.raises(ProofError) as caught:
        made(work)
    assert "write rows to public.books (in " in caught.value.message
    assert seed.id in caught.value.message
    assert "--verbatim" in (caught.value.hint or "")
    assert {path: path.read_bytes() for path in work.history.folder.glob("*.py")} == files
    made(work, verbatim=True)
    new = make_database()
    migrated(work, new)
    with connect(new) as connection:
        assert connection.execute("SELECT name FROM books").fetchall() == [("Emma",)]


UNSEEN = {
    "a large object": "select lo_create(0)",
    "an access method": "create access method heaps type table handler heap_tableam_handler",
    "a setting of the database": """op.execute(
    "do $$ begin execute format('alter database %I set work_mem = 8192', current_database());"
    " end $$")""",
}
THOROUGH = [pytest.param(one, marks=pytest.mark.thorough) for one in [*UNSEEN][1:]]


@pytest.mark.parametrize("case", ["a large object", *THOROUGH])
def test_what_no_catalog_tells_does_not_get_lost(case: str, work: Work) -> None:
    work.revision("books", "create table books ()", "drop table books")
    work.revision(case, UNSEEN[case])
    with pytest.raises(ProofError) as caught:
        made(work, keep=False)
    assert "makes something else: pg_" in caught.value.message
    assert "--verbatim" in (caught.value.hint or "")


@pytest.mark.thorough
def test_privileges_are_kept_where_the_project_does_not_look_at_them(work: Work) -> None:
    work.revision("books", "create table books ()", "drop table books")
    work.revision("grant", "op.execute('grant select on books to public')", "")
    assert "GRANT SELECT" in made(work, keep=False).text


def test_an_environment_in_the_middle_stops_it_and_is_told_the_way_out(
    work: Work, database: Database
) -> None:
    ids = [one.id for one in books(work)]
    migrated(work, database, to=ids[1])
    with pytest.raises(CheckFailedError) as caught:
        made(work)
    assert f"development is at {ids[1]}" in caught.value.message
    assert f"limbeck migrate -e development --to {ids[-1]}" in (caught.value.hint or "")
    assert f"limbeck squash --to {ids[1]}" in (caught.value.hint or "")
    made(work, last=ids[1])
    migrated(work, database)


def test_a_database_that_turns_up_in_the_middle_later_is_told_the_way_out(
    work: Work, make_database: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [one.id for one in books(work)]
    other = make_database()
    migrated(work, other, to=ids[1])
    made(work)
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", other.url)
    (at,) = status.status(work.project, [work.profile])
    (found,) = [one for one in status.findings(at) if one.kind == "unknown"]
    assert f"in the middle of the revisions that {ids[-1]}" in found.text
    assert f"limbeck stamp {ids[-1]}" in status_text([at])
    with pytest.raises(HistoryError) as caught:
        migrated(work, other)
    assert (
        f"is at revision {ids[1]}, in the middle of the revisions that {ids[-1]}"
        in caught.value.message
    )
    hint = caught.value.hint or ""
    assert f"limbeck migrate --to {ids[-1]}` before that commit" in hint
    assert f"limbeck stamp {ids[-1]}" in hint
    with pytest.raises(HistoryError, match=f"there is no revision {ids[0]} any more: {ids[-1]}"):
        work.history.find(ids[0])


def test_an_environment_that_cannot_be_asked_is_named(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    books(work)
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", "postgresql://me@127.0.0.1:1/nothing")
    told: list[Event] = []
    made(work, keep=False, listen=told.append)
    notices = [event.text for event in told if isinstance(event, Notice)]
    assert any(text.startswith("the revision of development is unknown: ") for text in notices)


def test_only_a_plain_line_is_squashed(work: Work) -> None:
    first, second, *_, last = books(work)
    side = work.revision("side", "create table side ()", "drop table side", down=second)
    with pytest.raises(HistoryError, match=rf"{side.id} \(side\) follows {second.id}"):
        made(work, last=last.id)
    with pytest.raises(HistoryError, match="is not below"):
        made(work, first=last.id, last=second.id)
    merged = merge(work.project).path
    (head,) = (one for one in work.history.revisions() if one.path == merged)
    with pytest.raises(HistoryError, match="is a merge of several lines"):
        made(work, first=first.id, last=head.id)


NOTHING = {"an empty history": 0, "a single revision": 1}


@pytest.mark.parametrize("case", NOTHING)
def test_one_revision_is_one_already(case: str, work: Work) -> None:
    for number in range(NOTHING[case]):
        work.revision("one", f"create table t{number} ()")
    with pytest.raises(ConfigurationError, match="nothing to squash"):
        made(work)


def test_one_name_for_two_things_does_not_go_into_one_file(work: Work) -> None:
    for one, value in zip(books(work)[:2], ("1", "2"), strict=True):
        text = one.path.read_text().replace("def upgrade", f"LIMIT = {value}\n\n\ndef upgrade")
        one.path.write_text(text)
    with pytest.raises(HistoryError, match="define LIMIT differently"):
        made(work, verbatim=True)


def test_one_import_for_two_things_does_not_either(work: Work) -> None:
    imports = ("from json import loads", "from pickle import loads")
    for one, line in zip(books(work)[:2], imports, strict=True):
        one.path.write_text(one.path.read_text().replace("revision =", f"{line}\n\nrevision =", 1))
    with pytest.raises(HistoryError, match="define loads differently"):
        made(work, verbatim=True)


def test_downgrades_that_leave_traces_leave_the_same_as_before(work: Work) -> None:
    work.revision("kind", "create type kind as enum ('a')")
    work.revision("books", "create table books (kind kind)", "drop table books")
    told: list[Event] = []
    made(work, keep=False, verbatim=True, listen=told.append)
    assert any("leave traces" in one.text for one in told if isinstance(one, Notice))
    work.revision("broken back", "alter table books add odd int", "alter table books drop wrong")
    with pytest.raises(ProofError, match="a downgrade fails"):
        made(work, keep=False, verbatim=True)


def test_files_that_git_does_not_have_are_kept(make_work: MakeWork) -> None:
    work = make_work()
    books(work)
    with pytest.raises(ConfigurationError, match="not committed"):
        squash(work.project)
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    for arguments in (["init", "-q"], ["add", "alembic"], ["commit", "-qm", "history"]):
        subprocess.run([*git, *arguments], cwd=work.project.root, check=True)
    assert squash(work.project).path


def test_the_command_shows_first_and_then_does_it(work: Work) -> None:
    ids = [one.id for one in books(work)]
    trim = work.revision("trim", "op.execute('update books set name = trim(name)')")
    call = ["--project", str(work.project.root), "squash"]
    shown = CliRunner().invoke(group, [*call, "--dry-run"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("Would replace 6 revisions with one:\n")
    for text in (
        "SELECT id FROM books",
        "Python that queries",
        "update books set name = trim(name)",
    ):
        assert f": {text}" in shown.stdout
    assert "op.create_table(" in shown.stdout
    assert len(work.history.revisions()) == 6
    done = CliRunner().invoke(group, [*call, f":{ids[2]}", "--force", "--json"])
    answer = json.loads(done.stdout)
    assert [one["id"] for one in answer["replaced"]] == ids[:3]
    assert answer["revision"] == ids[2]
    assert [one.id for one in work.history.revisions()] == [*ids[2:], trim.id]


def test_wrong_ranges_are_told_how_they_are_right(work: Work) -> None:
    for words, said in {
        ("a:b", "--to", "b"): "exclude each other",
        ("abc",): "needs at least two",
    }.items():
        result = CliRunner().invoke(group, ["--project", str(work.project.root), "squash", *words])
        assert isinstance(result.exception, ConfigurationError)
        assert said in result.exception.message


COUNTS_COLUMNS = """op.execute(
    "do $$ begin if (select max(attnum) from pg_attribute where attrelid = 'books'::regclass) > 1"
    " then create table lost (); end if; end $$")"""


def test_what_follows_is_proved_too(work: Work) -> None:
    work.revision("books", "create table books (id int, odd int)", "drop table books")
    last = work.revision("no odd", "alter table books drop odd", "alter table books add odd int")
    work.revision("depends on a dropped column", COUNTS_COLUMNS)
    with pytest.raises(ProofError, match=r"the later revisions .*: table public\.lost"):
        made(work, last=last.id)
