"""A project's code in a process of its own does what it does in limbeck's, and nothing else.

With the variable LIMBECK_TEST_WORKER set, the projects of all tests run their code in a worker.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from limbeck import migrate, safety
from limbeck.engine import offline, running, version_table
from limbeck.errors import ConfigurationError, LimbeckError, MigrationError, ModelsError
from limbeck.history import writing
from limbeck.history.history import History
from limbeck.lint.trace.tracing import trace
from limbeck.project.code import interpreter
from limbeck.project.code.in_process import InProcess
from limbeck.project.code.out_of_process import OutOfProcess
from limbeck.project.code.process import Process
from limbeck.project.project import Project
from limbeck.sources import Models, Replay

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

MODELS = """
kinds = Enum("x", "y", name="kind")
a = Table("a", metadata, Column("id", Integer, primary_key=True), Column("kind", kinds),
          Column("share", Text, server_default="100%"), comment="100% sure")
"""
TABLE = """op.create_table("a", sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Enum("x", "y", name="kind")),
    sa.Column("share", sa.Text, server_default="100%"), comment="100% sure")"""
SQLALCHEMY = ("import sqlalchemy as sa",)
ENV = """
import sqlalchemy as sa
from alembic import context
import models

engine = sa.create_engine("postgresql+psycopg://nobody@nowhere.invalid/nothing")
with engine.connect() as connection:
    {before}
    context.configure(connection=connection, target_metadata=models.metadata, {arguments})
    with context.begin_transaction():
        context.run_migrations()
"""


def outside(work: Work) -> Project:
    """Return the project with code that runs in a worker."""
    (work.project.root / "variables.env").write_text("LIMBECK_TESTED=yes\n")
    return replace(work.project, env_file="variables.env")


def configure(work: Work, arguments: str, before: str = "") -> None:
    text = ENV.format(arguments=arguments, before=before or "pass")
    (work.project.root / "alembic" / "env.py").write_text(text)


def test_both_ways_give_the_same_models_history_and_sql(work: Work) -> None:
    work.models(MODELS)
    first = work.revision("one", TABLE, 'op.drop_table("a")', imports=("import sqlalchemy as sa",))
    block = "with op.get_context().autocommit_block():\n    op.execute('vacuum')"
    second = work.revision("two", f"op.execute('select 1')\n{block}", down=first)
    here, there = (History.of(project) for project in (work.project, outside(work)))
    assert isinstance(here.code, InProcess)
    assert isinstance(there.code, OutOfProcess)
    assert Models(outside(work)).catalog() == Models(work.project).catalog()
    assert Replay(outside(work)).catalog() == Replay(work.project).catalog()
    for downgrade in (False, True):
        texts = [offline.sql(each, [first, second], downgrade=downgrade) for each in (here, there)]
        assert texts[0] == texts[1]
    assert offline.script(there, [first, second]) == offline.script(here, [first, second])
    assert offline.steps(there, second) == offline.steps(here, second) == 2


@pytest.mark.parametrize(
    "body",
    [
        "op.execute('alter table missing add a int')",
        "op.execute('create table b (id int)')\nop.execute('select 1 / 0')",
        "raise ValueError('no')",
        "op.get_bind().execute(sa.text('select :a / 0'), {'a': 1})",
        "with op.get_context().autocommit_block():\n    op.execute('create index on missing (a)')",
    ],
)
def test_a_failure_is_reported_in_the_same_words(
    work: Work, connection: psycopg.Connection, body: str
) -> None:
    work.revision("fails", body, imports=SQLALCHEMY)
    texts = []
    for project in (work.project, outside(work)):
        with pytest.raises(MigrationError) as caught:
            running.upgrade(History.of(project), connection)
        texts.append((caught.value.message, caught.value.hint))
    assert texts[0] == texts[1]
    assert connection.execute("select to_regclass('b')").fetchone() == (None,)


@pytest.mark.parametrize("block", ["if True:", "with op.get_context().autocommit_block():"])
def test_a_session_that_the_server_ends_is_reported_as_such(
    work: Work, connection: psycopg.Connection, block: str
) -> None:
    ends = "op.get_bind().execute(sa.text('select pg_terminate_backend(pg_backend_pid())'))"
    ends = f"{block}\n    {ends}"
    work.revision("ends", f"op.execute('create table b ()')\n{ends}", imports=SQLALCHEMY)
    with pytest.raises(MigrationError, match="terminating connection"):
        running.upgrade(History.of(outside(work)), connection)
    (rolled_back,) = connection.execute("select to_regclass('b') is null").fetchone() or (None,)
    assert rolled_back is block.startswith("if")


def test_a_revision_reads_and_writes_rows_and_may_catch_an_error(
    work: Work, connection: psycopg.Connection
) -> None:
    body = """
op.execute("create table a (id int primary key, doc jsonb, day date)")
bind = op.get_bind()
rows = [{"i": n, "d": '{"n": "100%s"}'} for n in range(3)]
bind.execute(sa.text("insert into a values (:i, cast(:d as jsonb), '2026-01-02')"), rows)
try:
    with bind.begin_nested():
        bind.execute(sa.text("insert into a values (1)"))
except sa.exc.IntegrityError:
    op.execute("update a set id = id + 10 where id = 1")
seen = bind.execute(sa.text("select id, doc, day from a order by id")).fetchall()
assert [row.id for row in seen] == [0, 2, 11], seen
assert seen[0].doc == {"n": "100%s"} and seen[0].day.year == 2026, seen
"""
    work.revision("rows", body, imports=("import sqlalchemy as sa",))
    running.upgrade(History.of(outside(work)), connection)
    assert connection.execute("select count(*) from a").fetchone() == (3,)


RAW = """
op.execute("create table a (id int primary key, name text)")
cursor = op.get_bind().connection.cursor()
cursor.execute("insert into a values (%s, %s)", (1, "100% it's"))
cursor.execute("select name from a where id = 1")
assert cursor.fetchone() == ("100% it's",)
"""


LOOKING = """
bind = op.get_bind()
for number in range({times}):
    assert f"t{{number}}" not in sa.inspect(bind).get_table_names()
    op.create_table(f"t{{number}}", sa.Column("id", sa.Integer, primary_key=True))
    for _ in range({looks}):
        (column,) = sa.inspect(bind).get_columns(f"t{{number}}")
        assert column["name"] == "id"
"""


def test_questions_about_the_catalog_cost_no_question_to_limbeck(
    work: Work, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    go_on = Process.go_on

    def counted(self: Process, **answer: Any) -> None:
        asked.append(bool(answer.get("reads")))
        go_on(self, **answer)

    monkeypatch.setattr(Process, "go_on", counted)
    counts = []
    for looks in (1, 20):
        work.revision("looks", LOOKING.format(times=3, looks=looks), imports=SQLALCHEMY)
        history = History.of(outside(work))
        running.upgrade(history, connection)
        tables = "select count(*) from pg_tables where tablename in ('t0', 't1', 't2')"
        assert connection.execute(tables.encode()).fetchone() == (3,)
        connection.execute("drop table t0, t1, t2")
        counts.append(len(asked))
        asked.clear()
    assert counts[0] == counts[1]


def test_a_question_about_the_catalog_that_fails_is_the_revisions_error(
    work: Work, connection: psycopg.Connection
) -> None:
    question = "SELECT 'nobody'::regrole FROM pg_catalog.pg_class"
    look = f'op.get_bind().execute(sa.text("{question}"))'
    body = "op.execute('create table t (id int)')\nsa.inspect(op.get_bind()).get_table_names()\n"
    work.revision("fails", body + look, imports=SQLALCHEMY)
    with pytest.raises(MigrationError, match='role "nobody" does not exist'):
        running.upgrade(History.of(outside(work)), connection)
    assert connection.execute("select to_regclass('t')").fetchone() == (None,)


def test_a_statement_around_sqlalchemy_belongs_to_its_step(
    work: Work, connection: psycopg.Connection
) -> None:
    first = work.revision("raw", RAW)
    work.revision("fails", f"{RAW.replace(' a ', ' b ')}\nop.execute('select 1 / 0')", down=first)
    for project in (work.project, outside(work)):
        history = History.of(project)
        with pytest.raises(MigrationError):
            running.upgrade(history, connection)
        assert connection.execute("select id from a").fetchall() == [(1,)]
        assert connection.execute("select to_regclass('b')").fetchone() == (None,)
        running.downgrade(history, connection, "base")
        connection.execute("drop table a")
        (traced,) = trace(project, [first])
        lines = [(each.line, each.tag.split()[0]) for each in traced.statements]
        assert [tag for _, tag in lines] == ["CREATE", "INSERT", "SELECT"]
        assert lines[0][0] < lines[1][0] < lines[2][0]


VALUES = r"""
asked = [
    "'{\"a\": [1]}'::jsonb", "'[2]'::json", "'{1,2}'::int[]", r"'\x00ff'::bytea", "true",
    "1.50::numeric", "'x'::text", "NULL::jsonb", "'[1,3)'::int4range", "date '2020-02-29'",
    "interval '1 day'",
]
(row,) = op.get_bind().exec_driver_sql("SELECT " + ", ".join(asked)).all()
assert row[:2] == ({"a": [1]}, [2]) and row[2] == [1, 2] and bytes(row[3]) == b"\0\xff", row
assert row[4] is True and str(row[5]) == "1.50" and row[6:8] == ("x", None), row
assert (row[8].lower, row[8].upper) == (1, 3) and row[9].day == 29 and row[10].days == 1, row
"""


def test_a_trace_runs_revisions_of_another_line_on_its_way(work: Work) -> None:
    base = work.revision("base", "create table t (id int)")
    left = work.revision("left", "alter table t add a int", down=base)
    again = work.revision("again", "alter table t add b int", down=left)
    right = work.revision("right", "alter table t add c int", down=base)
    lines = [again.id, right.id]
    path = writing.write(work.history, "both", "op.execute('drop table t')", down=lines)
    (both,) = (each for each in work.history.revisions() if each.path == path)
    traces = trace(outside(work), [again, both])
    assert [len(each.statements) for each in traces] == [1, 1]


def test_a_trace_hands_values_of_every_type_to_the_project(work: Work) -> None:
    revision = work.revision("values", VALUES)
    for project in (work.project, outside(work)):
        (traced,) = trace(project, [revision])
        assert traced.stopped is None
        assert len(traced.statements) == 1


def test_an_engine_of_the_project_serves_several_runs(
    work: Work, connection: psycopg.Connection
) -> None:
    models = MODELS + 'engine = create_engine("postgresql+psycopg://nobody@nowhere.invalid/x")\n'
    work.models(models)
    (work.project.root / "alembic" / "env.py").write_text(
        "import models\nfrom alembic import context\n"
        "with models.engine.connect() as connection:\n"
        "    context.configure(connection=connection)\n    context.run_migrations()\n"
    )
    work.revision("one", TABLE, 'op.drop_table("a")', imports=("import sqlalchemy as sa",))
    project = outside(work)
    assert Models(project).catalog() == Replay(project).catalog()
    for _ in range(2):
        running.upgrade(History.of(project), connection)
        running.downgrade(History.of(project), connection, "base")
        connection.execute("drop type kind")


def test_a_revision_streams_rows_on_a_target_and_in_a_trace(
    work: Work, connection: psycopg.Connection
) -> None:
    body = """
op.execute("create table a (id int)")
op.execute("insert into a select generate_series(1, 9)")
streamed = sa.text("select id from a").execution_options(stream_results=True)
assert len(op.get_bind().execute(streamed).fetchall()) == 9
"""
    one = work.revision("streams", body, "op.execute('drop table a')", imports=SQLALCHEMY)
    for project in (work.project, outside(work)):
        running.upgrade(History.of(project), connection)
        running.downgrade(History.of(project), connection, "base")
        (traced,) = trace(project, [one])
        assert [each.tag.split()[0] for each in traced.statements][:2] == ["CREATE", "INSERT"]


def test_a_migration_starts_one_worker(work: Work, database: Database, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    work.models(MODELS)
    before = f"import os; print(os.getpid(), file=open({str(seen)!r}, 'a'))"
    configure(work, 'version_table="own"', before)
    work.revision("one", "op.execute('create table one ()')")
    plan = migrate.plan(outside(work), work.profile, database)
    migrate.apply(plan, confirm=lambda _: True)
    pids = seen.read_text().split()
    assert len(pids) > 1
    assert len(set(pids)) == 1


def test_a_worker_calls_a_revision_once_on_the_target_and_limbeck_imports_no_sqlalchemy(
    work: Work, database: Database, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    note = (
        f"from limbeck.context import where; print('{{}}', where(), file=open({str(seen)!r}, 'a'))"
    )
    for number in range(3):
        body = f"op.execute('create table t{number} ()')\n{note.format(f'up{number}')}"
        work.revision(f"{number}", body, note.format(f"down{number}"))
    project = outside(work)
    program = f"""
import sys
from pathlib import Path
from limbeck import migrate
from limbeck.postgres.database import Database
from limbeck.project.project import Project
from dataclasses import replace
project = replace(Project.find(Path({str(work.project.root)!r})), env_file={project.env_file!r})
database = Database.from_url("development", {database.url!r})
migrate.apply(migrate.plan(project, project.profile(), database), confirm=lambda _: True)
print({{"sqlalchemy", "alembic"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.decode() == "set()\n"
    assert seen.read_text() == "up0 target\nup1 target\nup2 target\n"
    seen.write_text("")
    back = migrate.rollback_plan(project, work.profile, database, steps=2)
    migrate.apply(back, confirm=lambda _: True)
    assert seen.read_text() == "down2 target\ndown1 target\n"


def test_a_worker_imports_a_revision_once_before_it_runs(
    work: Work, database: Database, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    project = outside(work)
    path = work.revision("one", "op.execute('create table one ()')").path
    path.write_text(path.read_text() + f"\nprint(1, file=open({str(seen)!r}, 'a'))\n")
    migrate.apply(migrate.plan(project, work.profile, database), confirm=lambda _: True)
    assert seen.read_text() == "1\n"


@pytest.mark.parametrize(
    ("raising", "text"),
    [("raise LookupError('no such country')", "no such country"), ("raise SystemExit(3)", "3")],
)
def test_a_revision_that_does_not_import_is_named_and_nothing_runs(
    raising: str, text: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    project = outside(work)
    work.revision("one", "op.execute('create table one ()')")
    path = work.revision("two", "op.execute('create table two ()')").path
    path.write_text(path.read_text() + f"\n{raising}\n")
    plan = migrate.plan(project, work.profile, database)
    with pytest.raises(LimbeckError, match=rf"two[.]py:\d+: \w+: {text}"):
        migrate.apply(plan, confirm=lambda _: True)
    row = connection.execute("SELECT to_regclass('one')").fetchone()
    assert row == (None,)


@pytest.mark.parametrize("where", ["here", "in a worker"])
def test_a_version_row_that_somebody_moves_meanwhile_fails_the_revision(
    where: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    work.revision("one", "create table one ()")
    project = work.project if where == "here" else outside(work)
    migrate.apply(migrate.plan(project, work.profile, database), confirm=lambda _: True)
    moves = "update alembic_version set version_num = 'another'"
    work.revision("two", f"op.execute('create table two ()')\nop.execute({moves!r})")
    with pytest.raises(MigrationError, match=r"revision .* \(two\) failed"):
        migrate.apply(migrate.plan(project, work.profile, database), confirm=lambda _: True)
    assert connection.execute("select to_regclass('two')").fetchone() == (None,)
    assert "another" not in version_table.recorded(connection)


def test_an_index_is_built_concurrently_where_env_py_commits_each_statement(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    work.models(MODELS)
    work.revision("one", "create table one (id int)")
    body = "op.create_index('i', 'one', ['id'], postgresql_concurrently=True)"
    two = work.revision("two", f"op.execute('create table two ()')\n{body}\nop.execute('select 1')")
    configure(work, "")
    project = outside(work)
    with pytest.raises(MigrationError, match="cannot run inside a transaction block"):
        migrate.apply(migrate.plan(project, work.profile, database), confirm=lambda _: True)
    env = work.project.root / "alembic" / "env.py"
    env.write_text(env.read_text().replace('nothing")', 'nothing", isolation_level="AUTOCOMMIT")'))
    migrate.apply(migrate.plan(project, work.profile, database), confirm=lambda _: True)
    steps = "select steps from limbeck_state.ledger where revision = %s and finished is not null"
    assert connection.execute(steps, [two.id]).fetchone() == (2,)
    assert not safety.lint(project, [two]).blocking


def test_a_revision_cannot_change_the_models_of_a_check(work: Work) -> None:
    work.models(MODELS)
    one = work.revision("one", TABLE, imports=("import sqlalchemy as sa",))
    index = 'sa.Index("ix_a_share", a.c.share).create(op.get_bind())'
    imports = ("import sqlalchemy as sa", "from models import a")
    work.revision("two", index, down=one, imports=imports)
    for project in (replace(work.project, cache=False), work.project):
        differences = Models(project).catalog().changes_to(Replay(project).catalog())
        assert [str(change.address) for change in differences] == ["index public.ix_a_share"]


def test_an_enum_may_be_named_in_two_revisions_of_one_run(
    work: Work, connection: psycopg.Connection
) -> None:
    column = 'sa.Column("k", sa.Enum("x", "y", name="kind"))'
    one = work.revision(
        "one", f'op.create_table("a", {column})', imports=("import sqlalchemy as sa",)
    )
    Replay(work.project).catalog()
    work.revision(
        "two", f'op.create_table("b", {column})', down=one, imports=("import sqlalchemy as sa",)
    )
    for project in (work.project, outside(work)):
        assert Replay(replace(project, cache=False)).catalog() == Replay(project).catalog()
        assert safety.lint(project, work.history.revisions()).revisions
    running.upgrade(work.history, connection)
    assert len(version_table.recorded(connection)) == 1


def test_an_engine_of_a_revision_writes_nowhere_else_while_it_is_replayed(
    work: Work, connection: psycopg.Connection, database: Database
) -> None:
    connection.execute("create table seeds (n int)")
    body = f"""
engine = sa.create_engine({database.url.replace("postgresql", "postgresql+psycopg")!r})
with engine.begin() as other:
    other.execute(sa.text("create table if not exists seeds (n int)"))
    other.execute(sa.text("insert into seeds values (1)"))
"""
    revision = work.revision("seeds", body, imports=("import sqlalchemy as sa",))
    work.models('Table("seeds", metadata, Column("n", Integer))\n')
    seeds = "select count(*) from seeds"
    assert Replay(work.project).catalog() == Models(work.project).catalog()
    assert safety.lint(work.project, [revision]).revisions
    assert offline.sql(work.history, [revision])
    assert connection.execute(seeds).fetchone() == (0,)
    plan = migrate.plan(work.project, work.profile, database)
    migrate.apply(plan, confirm=lambda _: True)
    assert connection.execute(seeds).fetchone() == (1,)


def test_what_env_py_configures_is_honoured(
    work: Work, connection: psycopg.Connection, database: Database
) -> None:
    configure(
        work,
        "version_table='mine', version_table_schema='own',"
        " include_object=lambda o, name, type_, reflected, other: not name.startswith('ab_')",
        before="connection.execute(sa.text('create schema if not exists own'))",
    )
    work.models(MODELS + 'Table("ab_user", metadata, Column("id", Integer))\n')
    one = work.revision("one", TABLE, imports=("import sqlalchemy as sa",))
    connection.execute("create table ab_permission (id int)")
    plan = migrate.plan(work.project, work.profile, database)
    assert migrate.apply(plan, confirm=lambda _: True).applied
    assert connection.execute("select * from own.mine").fetchall() == [(one.id,)]
    assert connection.execute("select to_regclass('alembic_version')").fetchone() == (None,)
    assert not migrate.plan(work.project, work.profile, database).revisions
    catalogs = [each(work.project).catalog() for each in (Models, Replay)]
    assert catalogs[0] == catalogs[1]
    assert "ab_user" not in str(list(catalogs[0].objects))


def test_threads_that_ask_one_worker_get_the_answers_to_their_own_questions(
    work: Work, database: Database
) -> None:
    work.models(MODELS)
    configure(work, "include_object=lambda item, name, *rest: name != 'no'")
    code, names = outside(work).code, ["yes", "no"] * 200
    code.configured(lambda: database.url)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(partial(code.allows, "public"), names))
    assert answers == [name == "yes" for name in names]


def test_a_module_that_fails_when_it_is_asked_for_anything_is_left_alone(work: Work) -> None:
    work.models(f"""
import sys, types

class Lazy(types.ModuleType):
    def __getattr__(self, name):
        raise ImportError(name)

sys.modules["lazy_one"] = Lazy("lazy_one")
{MODELS}""")
    assert "'a'" in str(list(Models(outside(work)).catalog().objects))


ENGINE = "with engine.connect() as connection:"
SHARED = "connection = context.config.attributes{}\nif True:"
LOOP = (
    "import anyio.from_thread, anyio.lowlevel\nanyio.from_thread.run(anyio.lowlevel.checkpoint)\n"
    + ENGINE
)


@pytest.mark.parametrize(
    "begins", [SHARED.format('.get("connection")'), SHARED.format('["connection"]'), LOOP]
)
def test_an_env_py_has_what_an_application_calls_alembic_with(
    begins: str, work: Work, connection: psycopg.Connection, database: Database
) -> None:
    configure(work, "version_table='mine'")
    env = work.project.root / "alembic" / "env.py"
    env.write_text(env.read_text().replace(ENGINE, begins))
    work.models(MODELS)
    one = work.revision("one", TABLE, imports=SQLALCHEMY)
    plan = migrate.plan(work.project, work.profile, database)
    assert migrate.apply(plan, confirm=lambda _: True).applied
    assert connection.execute("select * from mine").fetchall() == [(one.id,)]
    assert Models(work.project).catalog() == Replay(work.project).catalog()


@pytest.mark.parametrize(
    ("models", "error", "words"),
    [
        ("import os\nos.environ['NOT_SET_ANYWHERE']\n", ModelsError, "line 4.*NOT_SET_ANYWHERE"),
        ("import nowhere\n", ModelsError, "line 3.*No module named 'nowhere'"),
        ("metadata = 1\n", ConfigurationError, "is no MetaData"),
        ("def :\n", ModelsError, "models.py line 3"),
        ("import os\nos._exit(3)\n", ConfigurationError, "exit code 3"),
        ("print('hello')\nassert __import__('os').environ['LIMBECK_TESTED'] == 'yes'\n", None, ""),
    ],
)
def test_models_that_do_not_import_are_explained(
    work: Work, models: str, error: type[LimbeckError] | None, words: str
) -> None:
    (work.project.root / "models.py").write_text(
        f"from sqlalchemy import *\nmetadata = MetaData()\n{models}"
    )
    if error is None:
        assert Models(outside(work)).catalog()
        return
    # A module that ends the process would end that of the tests, too.
    for project in (outside(work), work.project)[: 1 if "_exit" in models else 2]:
        with pytest.raises(error, match=words) as caught:
            Models(project).catalog()
        assert caught.value.hint


def test_models_that_hang_say_where(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("out_of_process", "modules"):
        monkeypatch.setattr(f"limbeck.project.code.{module}.LIMIT", 1.0)
    (work.project.root / "models.py").write_text("import time\n\n\ntime.sleep(60)\n")
    for project in (outside(work), work.project):
        began = time.monotonic()
        with pytest.raises(ModelsError, match=r"models\.py line 4: .*took more than 1 s"):
            Models(project).catalog()
        assert time.monotonic() - began < 30  # the import is ended, not only reported


def test_an_interpreter_without_sqlalchemy_is_named(work: Work, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    project = replace(work.project, python=str(tmp_path / "bare/bin/python"))
    with pytest.raises(ConfigurationError, match="bare/bin/python has no sqlalchemy") as caught:
        Models(project).catalog()
    assert "Install it there" in str(caught.value.hint)


def test_an_env_py_of_another_database_is_refused(work: Work) -> None:
    configure(work, "include_object=None")
    work.models("")
    text = (work.project.root / "alembic" / "env.py").read_text()
    sqlite = text.replace("postgresql+psycopg://nobody@nowhere.invalid/nothing", "sqlite://")
    (work.project.root / "alembic" / "env.py").write_text(sqlite)
    with pytest.raises(ConfigurationError, match=r"env\.py connects to sqlite, not to Postgres"):
        Replay(work.project).catalog()


@pytest.mark.usefixtures("database")
def test_a_worker_ends_with_limbeck(work: Work, connection: psycopg.Connection) -> None:
    root = work.project.root
    outside(work)
    (root / "pyproject.toml").write_text(
        '[tool.limbeck]\nmodels = "models:metadata"\nenv-file = "variables.env"\n'
    )
    work.revision("slow", "op.execute('select pg_sleep(60)')")
    limbeck_ = Path(sys.executable).with_name("limbeck")
    program = [limbeck_, "migrate", "-e", "development", "--yes"]
    with subprocess.Popen(program, cwd=root, stderr=subprocess.DEVNULL) as limbeck:
        while not (pids := sleeping(connection)):
            assert limbeck.poll() is None
            time.sleep(0.05)
        limbeck.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while sleeping(connection) and time.monotonic() < end:
        time.sleep(0.1)
    assert (bool(pids), sleeping(connection)) == (True, [])


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("words", "workers"), [(("migrate", "--yes"), 1), (("migrate", "--help"), 0), (("status",), 1)]
)
def test_a_command_starts_one_worker_or_none(
    words: tuple[str, ...], workers: int, work: Work, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    work.models(MODELS)
    configure(
        work, 'version_table="own"', f"import os; print(os.getpid(), file=open({str(seen)!r}, 'a'))"
    )
    work.revision("one", "op.execute('create table one ()')")
    program = [sys.executable, "-m", "limbeck", *words]
    subprocess.run(program, cwd=work.project.root, check=True, capture_output=True)
    pids = seen.read_text().split() if seen.exists() else []
    assert len(set(pids)) == workers


def sleeping(connection: psycopg.Connection) -> list[object]:
    return connection.execute(
        "select pid from pg_stat_activity where query like '%pg_sleep(60)%'"
        " and datname = current_database() and pid <> pg_backend_pid() and state = 'active'"
    ).fetchall()


def folder(root: Path, name: str) -> Path:
    python = root / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return python


@pytest.mark.parametrize(
    ("name", "variables", "lock"),
    [
        (".venv", {}, ""),
        ("venv", {}, ""),
        ("elsewhere", {"VIRTUAL_ENV": "{root}/elsewhere"}, ""),
        ("uv", {"UV_PROJECT_ENVIRONMENT": "uv"}, "uv.lock"),
        ("cache/virtualenvs/shop-X1-py3.11", {"POETRY_CACHE_DIR": "{root}/cache"}, "poetry.lock"),
        ("pipenv/shop-abc", {"WORKON_HOME": "{root}/pipenv"}, "Pipfile"),
        ("conda", {"CONDA_PREFIX": "{root}/conda"}, ""),
    ],
)
def test_a_projects_interpreter_is_found(
    tmp_path: Path, name: str, variables: dict[str, str], lock: str
) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    if lock:
        (root / lock).write_text("")
    python = folder(root, name)
    environment = {key: value.format(root=root) for key, value in variables.items()}
    assert interpreter.find(root, None, {"HOME": str(tmp_path), **environment}) == python
    assert not interpreter.is_own(python)


def test_the_setting_names_the_interpreter_and_a_wrong_one_is_an_error(tmp_path: Path) -> None:
    python = folder(tmp_path, "mine")
    folder(tmp_path, ".venv")
    assert interpreter.find(tmp_path, "mine/bin/python", {}) == python
    assert interpreter.find(tmp_path / "nothing", None, {}) == Path(sys.executable)
    with pytest.raises(ConfigurationError, match="there is no interpreter"):
        interpreter.find(tmp_path, "other/bin/python", {})
    assert interpreter.is_own(Path(sys.executable))
    assert os.access(python, os.X_OK)


def test_the_schema_of_the_version_table_is_created_where_it_is_missing(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    work.models(MODELS)
    configure(work, 'version_table="own", version_table_schema="a \'b"')
    work.revision("one", "create table one ()", "drop table one")
    project = outside(work)
    assert Replay(project).catalog().objects  # on the shadow
    migrate.apply(migrate.plan(project, work.profile, database), confirm=lambda _: True)
    assert len(connection.execute('SELECT FROM "a \'b".own').fetchall()) == 1
    back = migrate.rollback_plan(project, work.profile, database, steps=1)
    migrate.apply(back, confirm=lambda _: True)
    migrate.apply(migrate.plan(project, work.profile, database), confirm=lambda _: True)
    assert len(connection.execute('SELECT FROM "a \'b".own').fetchall()) == 1
