"""Where schemas come from: models, history, databases; and the shadow that they open on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.engine import running, version_table
from limbeck.errors import (
    ConfigurationError,
    DatabaseError,
    LimbeckError,
    MigrationError,
    ModelsError,
    SeveralHeadsError,
)
from limbeck.events import Event, StageStarted
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.objects.address import Address
from limbeck.settings import Project
from limbeck.shadow.shadow import SCRATCH, _host, create, discard
from limbeck.sources import Live, Models, Replay, Shadow, parse

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

ONE = 'Table("one", metadata, Column("id", Integer, primary_key=True), Column("a", Text))\n'


def databases(admin: psycopg.Connection, prefix: str) -> list[str]:
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid"
    return [row[0] for row in admin.execute(query, [prefix])]


def ours(admin: psycopg.Connection, pid: int | None = None) -> list[str]:
    """The scratch databases of one process; other tests run beside it on the same server."""
    return databases(admin, f"{SCRATCH}{_host()}_{pid or os.getpid()}_")


def recorded(work: Work) -> None:
    """Record what ONE says, in two revisions."""
    work.revision("one", "create table one (id serial primary key)", "drop table one")
    work.revision("a", "alter table one add a text", "alter table one drop a")


def test_models_and_the_history_that_records_them_have_one_catalog(work: Work) -> None:
    work.models(ONE)
    recorded(work)
    models, replay = Models(work.project).catalog(), Replay(work.project).catalog()
    assert Address("column", "public", "one", "a") in models.objects
    assert replay.changes_to(models) == ()
    assert replay.fingerprint() == models.fingerprint()


def test_a_replay_runs_once_and_then_only_what_is_new(
    work: Work, admin: psycopg.Connection
) -> None:
    recorded(work)
    told: list[Event] = []
    first = Replay(work.project, listen=told.append).catalog()
    assert Replay(work.project, listen=told.append).catalog() == first
    work.revision("b", "alter table one add b text")
    Replay(work.project, listen=told.append).catalog()
    assert [event.text for event in told if isinstance(event, StageStarted)] == [
        "replaying 2 of 2 revisions",
        "replaying 1 of 3 revisions",
    ]
    assert ours(admin) == []


def test_a_changed_revision_is_replayed_anew(work: Work) -> None:
    recorded(work)
    before = Replay(work.project).catalog()
    path = work.history.revisions()[-1].path
    path.write_text(path.read_text().replace("add a text", "add a integer"))
    assert Replay(work.project).catalog() != before


def test_a_replay_stops_at_a_revision_and_base_is_empty(work: Work) -> None:
    recorded(work)
    first = work.history.revisions()[0].id
    assert (
        Address("column", "public", "one", "a") not in Replay(work.project, first).catalog().objects
    )
    assert Replay(work.project, "base").catalog().changes_to(Replay(work.project).catalog())


def test_a_replayed_database_is_kept_to_be_copied(work: Work) -> None:
    recorded(work)
    template = Replay(work.project).template()
    with Shadow.of(work.project).scratch(template) as copy, connect(copy) as connection:
        assert version_table.current(work.history, connection) == (work.history.head().id,)
    assert Replay(work.project).template() == template


def test_old_replays_are_cleared_away(work: Work, admin: psycopg.Connection) -> None:
    one = work.revision("one", "create table one ()")
    kept = set()
    for number in range(7):
        one.path.write_text(one.path.read_text() + f"# {number}\n")
        kept.add(Replay(work.project).template())
    assert len([name for name in databases(admin, "limbeck_replay_") if name in kept]) == 4


def test_a_cleared_away_database_has_another_name_at_once_and_is_gone_soon(
    work: Work, admin: psycopg.Connection
) -> None:
    shadow = Shadow.of(work.project)
    name = create(admin)
    discard(admin, shadow.database, name)
    assert databases(admin, name) == []
    until = time.monotonic() + 30
    while (left := databases(admin, f"{SCRATCH}discarded_")) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def test_a_database_that_somebody_copies_is_not_cleared_away(
    work: Work, admin: psycopg.Connection
) -> None:
    shadow = Shadow.of(work.project)
    with shadow.scratch() as scratch, psycopg.connect(scratch.url):
        discard(admin, shadow.database, scratch.dbname)
        assert databases(admin, scratch.dbname) == [scratch.dbname]


def test_a_catalog_on_disk_that_is_broken_is_made_again(work: Work) -> None:
    recorded(work)
    before = Replay(work.project).catalog()
    for path in (work.project.home / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert Replay(work.project).catalog() == before


def test_a_scratch_database_is_gone_after_the_block_even_with_somebody_in_it(
    work: Work, admin: psycopg.Connection
) -> None:
    shadow = Shadow.of(work.project)
    with shadow.scratch() as scratch, psycopg.connect(scratch.url):
        assert ours(admin) == [scratch.dbname]
    assert ours(admin) == []


def test_what_killed_runs_left_is_swept_and_what_others_use_is_not(
    work: Work, admin: psycopg.Connection
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    now, me = int(time.time()), os.getpid()
    left = [f"{SCRATCH}{_host()}_{dead.pid}_{now}_a", f"{SCRATCH}other_{me}_{now - 4000}_b"]
    used = [f"{SCRATCH}{_host()}_{me}_{now}_c", f"{SCRATCH}other_{dead.pid}_{now}_d"]
    for name in left + used:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        with Shadow.of(work.project).scratch() as scratch:
            there = databases(admin, SCRATCH)
            assert ours(admin) == [used[0], scratch.dbname]
            assert used[1] in there
            assert not set(left) & set(there)
    finally:
        for name in left + used:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}"'.encode())


def test_a_shadow_role_without_createdb_is_told(
    work: Work, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.execute("DROP ROLE IF EXISTS shadow_poor")
    admin.execute("CREATE ROLE shadow_poor LOGIN PASSWORD 'secret-word'")
    info = admin.info
    url = f"postgresql://shadow_poor:secret-word@{info.host}:{info.port}/{info.dbname}"
    monkeypatch.setenv("SHADOW_DATABASE_URL", url)
    work.models("")
    with pytest.raises(DatabaseError, match="may not create databases") as caught:
        Models(work.project).catalog()
    assert "CREATEDB" in (caught.value.hint or "")
    assert "secret-word" not in str(caught.value)


MISSING = 'event.listen(metadata, "before_create", DDL("CREATE EXTENSION no_such_extension"))'
BAD_MODELS = {
    "a type that does not exist": (
        """from sqlalchemy.dialects.postgresql import ENUM
Table("two", metadata, Column("m", ENUM("a", name="no_such_type", create_type=False)))
""",
        "CREATE TABLE two",
        None,
    ),
    "a type of an extension": (
        """from sqlalchemy.dialects.postgresql import CITEXT
Table("one", metadata, Column("m", CITEXT))
""",
        "CREATE TABLE one",
        'Extension("citext")',
    ),
    "a bad expression": (
        'Table("one", metadata, Column("m", Integer), CheckConstraint("nope > 1"))',
        'column "nope" does not exist',
        None,
    ),
    "an extension that the server lacks": (MISSING, "no_such_extension", "SHADOW_DATABASE_URL"),
    "a column without a type": ('Table("one", metadata, Column("m"))', "one", None),
    "two enums of one name": (
        """from sqlalchemy import ARRAY, Enum
Table("one", metadata, Column("m", Enum("a", name="mood")))
Table("two", metadata, Column("m", ARRAY(Enum("b", "c", name="mood"))))
""",
        "twice, with different values:\n  one.m: a\n  two.m: b, c",
        "rename one of the two",
    ),
    "two indexes of one name": (
        """from sqlalchemy import Index
Table("one", metadata, Column("m", Integer), Index("i", "m"))
Table("two", metadata, Column("m", Integer), Index("i", "m"))
""",
        'relation "i" already exists',
        None,
    ),
    "two tables of one name": (
        'Table("one", metadata, Column("m", Integer))\n' * 2,
        "Table 'one' is already defined",
        None,
    ),
    "a view that is named as a table": (
        """from limbeck.entities import View
Table("one", metadata, Column("m", Integer))
View("one", "SELECT 1 AS a", metadata=metadata)
""",
        'relation "one" already exists\n  in CREATE VIEW "one"',
        None,
    ),
    "views in a circle": (
        """from limbeck.entities import View
View("a", "SELECT * FROM b", metadata=metadata)
View("b", "SELECT * FROM c JOIN d USING (x)", metadata=metadata)
View("c", "SELECT * FROM a", metadata=metadata)
View("d", "SELECT 1 AS x", metadata=metadata)
""",
        'relation "b" does not exist',
        "The views a, b, c use each other in a circle",
    ),
    "a view before the one that it uses": (
        """from limbeck.entities import View
View("a", "SELECT * FROM b", metadata=metadata)
View("b", "SELECT 1 AS x", metadata=metadata)
""",
        'relation "b" does not exist',
        'Declare the view "b" before',
    ),
    "an extension declared that the server lacks": (
        """from limbeck.entities import Extension
Extension("no_such", metadata=metadata)
""",
        "no_such",
        "SHADOW_DATABASE_URL to a server that has it",
    ),
}


@pytest.mark.parametrize("case", BAD_MODELS)
def test_models_that_postgres_refuses_are_named(case: str, work: Work) -> None:
    text, said, hint = BAD_MODELS[case]
    work.models(text)
    with pytest.raises(ModelsError) as caught:
        Models(work.project).catalog()
    assert said in str(caught.value)
    assert hint is None or hint in (caught.value.hint or "")


def test_schemas_of_tables_are_made_first(work: Work) -> None:
    work.models('Table("one", metadata, Column("id", Integer), schema="app")\n')
    assert Address("table", "app", "one") in Models(work.project).catalog().objects


def test_a_history_that_does_not_replay_names_the_revision(
    work: Work, admin: psycopg.Connection
) -> None:
    bad = work.revision("bad", "create table x (g no_such_type)")
    with pytest.raises(MigrationError, match=f"does not replay.*{bad.id}"):
        Replay(work.project).catalog()
    assert ours(admin) == []


def test_a_replay_to_head_needs_one_head(work: Work) -> None:
    base = work.revision("base")
    heads = [work.revision(name, f"create table {name} ()", down=base) for name in ("l", "r")]
    with pytest.raises(SeveralHeadsError):
        Replay(work.project).catalog()
    both = Replay(work.project, ",".join(one.id for one in heads)).catalog()
    assert {Address("table", "public", name) for name in "lr"} <= both.objects.keys()


def test_sources_are_written_as_people_say_them(work: Work, database: Database) -> None:
    recorded(work)
    with connect(database) as connection:
        running.upgrade(work.history, connection)
    head = work.history.revisions()[-1].id
    texts = ["models", "head", "base", head[:7], "development", database.url]
    kinds = [type(parse(work.project, text)) for text in texts]
    assert kinds == [Models, Replay, Replay, Replay, Live, Live]
    by_name, by_url = (parse(work.project, text) for text in texts[-2:])
    assert by_name.catalog() == by_url.catalog() == parse(work.project, "head").catalog()
    assert (str(by_name), str(by_url)) == ("development", database.destination)
    assert database.parameters["password"] not in repr(by_url)


def test_a_url_needs_no_project_and_all_else_does(database: Database) -> None:
    assert parse(None, database.url).catalog().objects is not None
    for text in ("models", "head", "development"):
        with pytest.raises(ConfigurationError, match="needs a project"):
            parse(None, text)


@pytest.mark.parametrize("text", ["nope", "", "http://x/y"])
def test_what_is_no_source_is_refused_with_what_would_be(text: str, work: Work) -> None:
    with pytest.raises(LimbeckError) as caught:
        parse(work.project, text)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_this_repository_s_history_records_its_models(work: Work) -> None:  # noqa: ARG001 - shadow
    project = Project.find(Path(__file__).parent)
    assert Replay(project).catalog().changes_to(Models(project).catalog()) == ()


def test_two_commands_at_once_replay_without_harm(work: Work, admin: psycopg.Connection) -> None:
    work.revision("slow", "op.execute('select pg_sleep(1)')\nop.execute('create table one ()')")
    code = "import sys; from pathlib import Path; from limbeck import Project, sources; "
    code += "print(sources.Replay(Project.find(Path(sys.argv[1]))).catalog().fingerprint())"
    command = [sys.executable, "-c", code, str(work.project.root)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = {process.communicate(timeout=60)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert said == {Replay(work.project).catalog().fingerprint() + "\n"}
    assert [ours(admin, process.pid) for process in both] == [[], []]
