"""The recorded history: reading it, running it, writing to it, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.engine import offline, running, version_table
from limbeck.errors import HistoryError, LimbeckError, MigrationError, SeveralHeadsError
from limbeck.events import Event, RevisionFinished, RevisionStarted
from limbeck.history import content, writing
from limbeck.history.history import History

if TYPE_CHECKING:
    from tests.postgres.conftest import Work


def three(work: Work) -> list[str]:
    """Record a chain of three tables and return the ids."""
    for name in ("one", "two", "three"):
        work.revision(f"table {name}", f"create table {name} ()", f"drop table {name}")
    return [one.id for one in work.history.revisions()]


def tables(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row[0] for row in rows} - {"alembic_version"}


def test_an_empty_history_has_no_head_and_nothing_to_run(
    work: Work, connection: psycopg.Connection
) -> None:
    assert work.history.heads() == ()
    assert work.history.head() is None
    assert running.upgrade(work.history, connection) == ()
    assert version_table.current(work.history, connection) == ()
    assert not connection.execute("SELECT to_regclass('alembic_version')").fetchone()[0]


def test_upgrade_and_downgrade_stop_where_they_are_told(
    work: Work, connection: psycopg.Connection
) -> None:
    first, second, third = three(work)
    running.upgrade(work.history, connection, second[:6])
    assert (tables(connection), version_table.current(work.history, connection)) == (
        {"one", "two"},
        (second,),
    )
    assert [one.id for one in work.history.pending((second,))] == [third]
    running.upgrade(work.history, connection)
    assert tables(connection) == {"one", "two", "three"}
    assert [one.id for one in running.downgrade(work.history, connection, first)] == [third, second]
    assert (tables(connection), version_table.current(work.history, connection)) == (
        {"one"},
        (first,),
    )
    running.downgrade(work.history, connection, "base")
    assert (tables(connection), version_table.current(work.history, connection)) == (set(), ())


def test_every_revision_is_told_when_it_begins_and_when_it_is_in_the_database(
    work: Work, connection: psycopg.Connection
) -> None:
    ids = three(work)
    told: list[Event] = []
    seen: list[tuple[str, ...]] = []

    def listen(event: Event) -> None:
        told.append(event)
        with psycopg.connect(work_url(connection)) as other:
            seen.append(version_table.recorded(other))

    running.upgrade(work.history, connection, listen=listen)
    kinds = [type(event) for event in told]
    assert kinds == [RevisionStarted, RevisionFinished] * 3
    assert [(event.number, event.total) for event in told[::2]] == [(1, 3), (2, 3), (3, 3)]
    # Another session sees the version row as soon as the revision is told to be finished.
    assert seen[1::2] == [(ids[0],), (ids[1],), (ids[2],)]


def work_url(connection: psycopg.Connection) -> str:
    return psycopg.conninfo.make_conninfo(connection.info.dsn, password=connection.info.password)


def test_a_failing_revision_leaves_what_came_before_and_nothing_of_itself(
    work: Work, connection: psycopg.Connection
) -> None:
    first = work.revision("good", "create table one ()")
    bad = work.revision(
        "bad", 'op.execute("create table two ()")\nop.execute("create table one ()")'
    )
    work.revision("later", "create table three ()")
    with pytest.raises(MigrationError) as caught:
        running.upgrade(work.history, connection)
    said = str(caught.value)
    for part in (bad.id, bad.path.name, "create table one ()", 'relation "one" already exists'):
        assert part in said
    assert re.search(rf"{bad.path.name}:\d+", said)
    assert (tables(connection), version_table.current(work.history, connection)) == (
        {"one"},
        (first.id,),
    )


def test_a_failing_first_revision_leaves_an_untouched_database(
    work: Work, connection: psycopg.Connection
) -> None:
    work.revision("bad", "create table nowhere.one ()")
    with pytest.raises(MigrationError):
        running.upgrade(work.history, connection)
    assert not connection.execute("SELECT to_regclass('alembic_version')").fetchone()[0]


BLOCK = """\
op.execute("create table two ()")
with op.get_context().autocommit_block():
    op.execute("create index concurrently two_idx on one (id)")
"""


def test_an_autocommit_block_runs_outside_of_a_transaction(
    work: Work, connection: psycopg.Connection
) -> None:
    work.revision("table", "create table one (id int)")
    last = work.revision("index", BLOCK)
    running.upgrade(work.history, connection)
    assert version_table.current(work.history, connection) == (last.id,)
    assert connection.execute("SELECT to_regclass('two_idx')").fetchone()[0]
    assert connection.autocommit


def test_what_an_autocommit_block_leaves_behind_is_said(
    work: Work, connection: psycopg.Connection
) -> None:
    first = work.revision("table", "create table one (id int)")
    work.revision("index", BLOCK + 'op.execute("create table one ()")')
    with pytest.raises(MigrationError, match="autocommit block"):
        running.upgrade(work.history, connection)
    assert version_table.current(work.history, connection) == (first.id,)
    assert tables(connection) == {"one", "two"}


def test_revisions_use_op_and_context_as_under_alembic(
    work: Work, connection: psycopg.Connection
) -> None:
    body = """\
op.create_table("one", sa.Column("id", sa.Integer, primary_key=True))
bind = op.get_bind()
bind.execute(sa.text("insert into one values (:id)"), {"id": 7})
assert context.get_context().bind is bind and not context.is_offline_mode()
for row in bind.execute(sa.text("select id from one")):
    op.execute(f"insert into one values ({row.id} + 1) -- 100%")
"""
    work.revision("data", body, imports=("from alembic import context",))
    running.upgrade(work.history, connection)
    assert connection.execute("SELECT id FROM one ORDER BY 1").fetchall() == [(7,), (8,)]


def test_current_is_read_within_a_transaction_without_breaking_it(
    connection: psycopg.Connection,
) -> None:
    with connection.transaction():
        assert version_table.recorded(connection) == ()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_unknown_current_revision_is_named(work: Work, connection: psycopg.Connection) -> None:
    three(work)
    running.upgrade(work.history, connection)
    connection.execute("UPDATE alembic_version SET version_num = 'beefbeefbeef'")
    with pytest.raises(HistoryError, match="beefbeefbeef") as caught:
        version_table.current(work.history, connection)
    assert "git log" in (caught.value.hint or "")
    assert version_table.recorded(connection) == ("beefbeefbeef",)


def test_two_heads_are_named_with_their_files_and_the_way_out(work: Work) -> None:
    base = work.revision("base")
    heads = [work.revision(name, down=base) for name in ("left", "right")]
    with pytest.raises(SeveralHeadsError) as caught:
        work.history.head()
    for one in heads:
        assert one.id in str(caught.value)
        assert one.path.name in str(caught.value)
    assert "limbeck merge" in (caught.value.hint or "")


def test_two_heads_and_their_merge_run_and_come_back(
    work: Work, connection: psycopg.Connection
) -> None:
    base = work.revision("base", "create table base ()", "drop table base")
    left = work.revision("left", "create table l ()", "drop table l", down=base)
    right = work.revision("right", "create table r ()", "drop table r", down=base)
    running.upgrade(work.history, connection, "heads")
    assert version_table.current(work.history, connection) == tuple(sorted((left.id, right.id)))
    writing.write(work.history, "merge", down=[left.id, right.id])
    running.upgrade(work.history, connection)
    assert version_table.current(work.history, connection) == (work.history.head().id,)
    assert work.history.tops([base.id, left.id]) == (left.id,)
    running.downgrade(work.history, connection, "base")
    assert (tables(connection), version_table.current(work.history, connection)) == (set(), ())


def broken_syntax(work: Work) -> str:
    path = work.revision("broken").path
    path.write_text(path.read_text().replace("down_revision = ", "down_revision = = "))
    line = path.read_text().splitlines().index("down_revision = = None") + 1
    return f"{path.name}:{line}: "


def broken_body(work: Work) -> str:
    path = work.revision("broken", "pass").path
    path.write_text(path.read_text().replace("    pass", "    op.execute('x' 1)", 1))
    line = path.read_text().splitlines().index("    op.execute('x' 1)") + 1
    return f"{path.name}:{line}: SyntaxError"


def broken_import(work: Work) -> str:
    path = work.revision("broken", imports=("import no_such_module",)).path
    line = path.read_text().splitlines().index("import no_such_module") + 1
    return f"{path.name}:{line}: ModuleNotFoundError"


def lost_parent(work: Work) -> str:
    lost, _ = work.revision("lost"), work.revision("child")
    lost.path.unlink()
    return f"follows revision {lost.id}, which no file has"


def same_id(work: Work) -> str:
    path = work.revision("original").path
    path.with_name("copy.py").write_text(path.read_text())
    return "two files have revision"


def ring(work: Work) -> str:
    first, second = work.revision("first"), work.revision("second")
    text = first.path.read_text()
    first.path.write_text(text.replace("down_revision = None", f"down_revision = {second.id!r}"))
    return "in a circle"


def no_id(work: Work) -> str:
    (work.history.folder / "notes.py").write_text("x = 1\n")
    return "notes.py has no revision id"


def computed_id(work: Work) -> str:
    path = work.revision("computed").path
    path.write_text(path.read_text().replace("down_revision = None", "down_revision = str()"))
    return "down_revision is not a literal"


def no_python(work: Work) -> str:
    (work.history.folder / "bytes.py").write_bytes(b"\0\xff")
    return "bytes.py"


@pytest.mark.parametrize(
    "broken",
    [
        broken_syntax,
        broken_body,
        broken_import,
        lost_parent,
        same_id,
        ring,
        no_id,
        computed_id,
        no_python,
    ],
    ids=lambda broken: broken.__name__,
)
def test_broken_files_are_named_and_nothing_runs(
    broken: Callable[[Work], str], work: Work, connection: psycopg.Connection
) -> None:
    expected = broken(work)
    with pytest.raises(HistoryError) as caught:
        running.upgrade(work.history, connection)
    assert expected in str(caught.value)
    assert version_table.recorded(connection) == ()
    assert tables(connection) == set()


def test_a_revision_that_is_not_there_is_refused_with_the_head_in_the_hint(work: Work) -> None:
    ids = three(work)
    with pytest.raises(HistoryError, match="nope") as caught:
        work.history.find("nope")
    assert ids[-1] in (caught.value.hint or "")


def test_going_down_to_a_revision_above_is_refused(
    work: Work, connection: psycopg.Connection
) -> None:
    ids = three(work)
    running.upgrade(work.history, connection, ids[0])
    with pytest.raises(HistoryError, match="not below"):
        running.downgrade(work.history, connection, ids[2])


def test_the_sql_of_a_revision_is_what_it_runs(work: Work) -> None:
    one = work.revision("t", "op.create_table('t', sa.Column('a', sa.Text))\n"
                        "op.execute(\"select '100%'\")", "drop table t")  # fmt: skip
    assert (
        offline.sql(work.history, [one])[0] == "CREATE TABLE t (\n    a TEXT\n);\n\nselect '100%';"
    )
    assert offline.sql(work.history, [one], downgrade=True)[0] == "drop table t;"


def test_a_revision_that_asks_the_database_has_a_comment_for_sql_and_is_no_script(
    work: Work,
) -> None:
    body = 'op.execute("select 1")\nop.get_bind().execute(sa.text("select 2")).scalar_one()'
    one = work.revision("asks", body)
    assert "select 1;" in offline.sql(work.history, [one])[0]
    assert f"-- {one.path}" in offline.sql(work.history, [one])[0]
    with pytest.raises(HistoryError, match="runs Python"):
        offline.script(work.history, [one])


def test_the_script_does_what_upgrade_does(work: Work, connection: psycopg.Connection) -> None:
    three(work)
    connection.execute(offline.script(work.history, work.history.revisions()).encode())
    assert tables(connection) == {"one", "two", "three"}
    assert version_table.current(work.history, connection) == (work.history.head().id,)
    down = offline.script(work.history, work.history.revisions()[::-1], downgrade=True)
    connection.execute(down.encode())
    assert (tables(connection), version_table.current(work.history, connection)) == (set(), ())


MESSAGES = {
    "Add the ISBN": "add_the_isbn",
    'quotes " and \\ and """': "quotes_and_and",
    "Zürich, naïve": "zurich_naive",
    "it is cut between words, however many they are": "it_is_cut_between_words_however_many",
    "": "",
}


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_a_message_becomes_a_file_name_and_stays_the_message(message: str, work: Work) -> None:
    one = work.revision(message)
    assert re.fullmatch(r"[0-9a-f]{12}", one.id)
    assert one.path.name.endswith(f"{one.id}_{MESSAGES[message]}.py")
    assert one.message == (message.replace('"""', "'''") if message else one.message)
    compile(one.path.read_text(), str(one.path), "exec")


def test_a_template_that_is_broken_leaves_no_file(work: Work) -> None:
    (work.project.script_location / "script.py.mako").write_text("revision = (${up_revision}\n")
    with pytest.raises(HistoryError, match="could not be written"):
        writing.write(work.history, "x")
    assert list(work.history.folder.iterdir()) == []


def test_a_project_without_a_template_gets_the_usual_revision(work: Work) -> None:
    (work.project.script_location / "script.py.mako").unlink()
    path = writing.write(work.history, "x", "op.execute('SELECT 1')")
    assert "def upgrade() -> None:\n    op.execute('SELECT 1')\n" in path.read_text()


def content_hash(history: History, upto: str = "head") -> str:
    return content.hashes(history, upto)[-1][1]


def test_the_content_hash_follows_everything_that_a_replay_depends_on(work: Work) -> None:
    (work.project.root / "helping.py").write_text("x = 1\n")
    first = work.revision("first", imports=("import helping",))
    second = work.revision("second")
    before, whole = content_hash(work.history, first.id), content_hash(work.history)
    assert before != whole
    second.path.write_text(second.path.read_text() + "# more\n")
    assert content_hash(work.history, first.id) == before
    assert content_hash(work.history) != whole
    for path in ("helping.py", "alembic/versions/data.sql"):
        before = content_hash(work.history)
        (work.project.root / path).write_text("y = 2\n")
        assert content_hash(work.history) != before, path


def test_a_changed_file_is_read_again(work: Work) -> None:
    one = work.revision("first")
    one.path.write_text(one.path.read_text().replace(one.id, "aaaabbbbcccc"))
    assert [each.id for each in work.history.revisions()] == ["aaaabbbbcccc"]


def test_a_folder_that_is_not_there_is_an_empty_history(work: Work) -> None:
    apart = History(work.project.script_location, work.project.root / "elsewhere")
    assert apart.heads() == ()
    path = writing.write(apart, "first")
    assert path.parent == work.project.root / "elsewhere"


def test_every_error_says_what_to_do_next(work: Work) -> None:
    work.revision("a")
    for wrong in ("nope", "ffff"):
        with pytest.raises(LimbeckError) as caught:
            work.history.find(wrong)
        assert caught.value.hint


def test_what_a_revision_prints_is_no_answer(
    work: Work, connection: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    one = work.revision("talks", 'print("hello")\nop.execute("select 1")')
    assert offline.sql(work.history, [one]) == ("select 1;",)
    running.upgrade(work.history, connection)
    heard = capfd.readouterr()
    assert (heard.out, heard.err) == ("", "hello\n" * 2)


def test_no_text_is_no_revision(work: Work) -> None:
    work.revision("only")
    with pytest.raises(HistoryError, match="no revision"):
        work.history.find("")
