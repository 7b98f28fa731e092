"""How many questions a command asks, and how often it waits for an answer, on the wire."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from limbeck import migrate
from limbeck.cli import group
from limbeck.lint import linting
from limbeck.postgres.database import Database
from limbeck.schema.catalog import pipeline
from limbeck.shadow.replay import Replay
from tests.postgres.relay import relayed
from tests.postgres.test_diff import connect

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import MakeWork, Work

TABLES = """
DO $$ BEGIN FOR n IN 1..{count} LOOP EXECUTE format(
    'CREATE TABLE t%s (id int PRIMARY KEY, a int DEFAULT 7 NOT NULL)', n);
END LOOP; END $$
"""


def statements(one: Database, other: Database, trips: int) -> list[str]:
    """Return the statements of `limbeck diff`, which must find one difference.

    Each of the databases is asked in so many round trips.
    """
    with relayed(one) as relay:
        done = CliRunner().invoke(group, ["diff", relay.to(one).url, relay.to(other).url, "--sql"])
    assert "ADD COLUMN late" in done.stdout, done.output
    assert relay.trips == [trips, trips]
    return relay.statements


def pulling(database: Database, out: Path, trips: int) -> list[str]:
    """Return the statements that `limbeck pull` asks its source, in so many round trips."""
    with relayed(database) as relay:
        words = ["--url", relay.to(database).url, "--out", str(out), "--no-prove"]
        done = CliRunner().invoke(group, ["pull", *words])
    assert "not proved" in done.stdout, done.output
    assert relay.trips == [trips]
    return relay.statements


@pytest.mark.parametrize("trips", [2, 1], ids=["near", "far away"])
def test_a_diff_and_a_pull_ask_as_many_questions_for_a_thousand_tables_as_for_ten(
    trips: int,
    make_database: Callable[..., Database],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Where a round trip costs nothing, one tells which questions have an answer.
    monkeypatch.setattr(pipeline, "_near", lambda _: trips == 2)
    asked, pulled = [], []
    for count in (10, 1000):
        one = make_database("one")
        with connect(one) as connection:
            connection.execute(TABLES.format(count=count).encode())
        other = make_database("other", one)
        with connect(other) as connection:
            connection.execute(b"ALTER TABLE t7 ADD late int")
        asked.append(statements(one, other, trips))
        pulled.append(pulling(one, tmp_path / f"{count}.py", trips))
        assert (tmp_path / f"{count}.py").read_text().count("(Base):") == count
    assert len(asked[0]) > 40 / trips  # both databases were asked through the relay
    assert len(pulled[0]) > 20 / trips
    for few, many in (asked, pulled):
        assert sorted(few) == sorted(many)


def migrated(work: Work, database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the round trips of each connection of `limbeck migrate` once it is open."""
    with relayed(database) as relay:
        monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", relay.to(database).url)
        words = ["--project", str(work.project.root), "migrate", "-e", "development"]
        done = CliRunner().invoke(group, words)
    assert done.exit_code == 0, done.output
    return relay.trips


def test_a_migrate_with_nothing_to_do_takes_one_connection_two_round_trips_and_no_models(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.revision("one", "create table one ()")
    migrate.apply(migrate.plan(work.project, work.profile, database), confirm=bool)
    (work.project.root / "models.py").write_text("raise SystemExit('imported')\n")
    assert migrated(work, database, monkeypatch) == [2]


@pytest.mark.parametrize("tables", [1, 100])
def test_a_revision_takes_as_many_round_trips_for_a_hundred_tables_as_for_one(
    tables: int, work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "op.create_table('t{0}', sa.Column('id', sa.Integer, primary_key=True))"
    work.revision("tables", "\n".join(line.format(n) for n in range(tables)))
    # A second session looks for blockers, but only when the server takes its time.
    plan, run, *_ = migrated(work, database, monkeypatch)
    # What is there; the lock, what is there, the revision, the tables now, the end of the lock.
    assert (plan, run) == (1, 5)


def test_a_lock_is_held_for_no_round_trip_and_a_few_statements(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.revision("one", "op.create_table('t', sa.Column('id', sa.Integer))")
    migrate.apply(migrate.plan(work.project, work.profile, database), confirm=lambda _: True)
    work.revision("two", "op.add_column('t', sa.Column('a', sa.Integer))")
    sent: list[tuple[str, int]] = []

    def note(_who: str, statement: str) -> bool:
        sent.append((statement.split("\n", maxsplit=1)[0], sum(relay.trips)))
        return True

    with relayed(database, note) as relay:
        monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", relay.to(database).url)
        words = ["--project", str(work.project.root), "migrate", "-e", "development"]
        assert CliRunner().invoke(group, words).exit_code == 0
    texts = [text for text, _ in sent]
    begin, end = texts.index("BEGIN"), texts.index("COMMIT")
    assert sent[begin][1] == sent[end][1]
    assert [text.split(" ")[0] for text in texts[begin : end + 1]] == [
        "BEGIN",
        "SET",  # the lock timeout
        "ALTER",
        *("RESET", "RESET", "RESET", "SELECT"),  # what the revision may have set
        "WITH",  # the version; fails by itself if somebody has changed it meanwhile
        "",  # the ledger
        "COMMIT",
    ]


IMPORTED = """
import sys
from limbeck.cli import group
group.main(sys.argv[1:], standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""


def test_a_migrate_imports_neither_the_diff_nor_the_catalog_nor_a_client_of_http(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", database.url)
    words = ["--project", str(work.project.root), "migrate", "-e", "development"]
    work.revision("nothing", "pass")
    for wanted in ({"sqlalchemy", "alembic"}, set()):
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED, *words], capture_output=True, text=True, check=True
        )
        slow = {"limbeck.schema.diff", "limbeck.schema.catalog.read", "limbeck.shadow", "httpx"}
        assert {*slow, "sqlalchemy", "alembic"} & set(done.stderr.split()) == wanted


def test_a_reading_imports_the_classes_of_objects_once_the_questions_are_sent() -> None:
    code = "import sys, limbeck.models.pull.pulling, limbeck.shadow.source; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = ("limbeck.history", "limbeck.engine", "limbeck.project.project", "limbeck.schema.diff")
    classes = ("limbeck.schema.catalog.builders", "limbeck.schema.catalog.objects")
    early = {name for name in done.stdout.split() if name.startswith((*rooms, *classes))}
    assert early == {classes[1], f"{classes[1]}.address"}


NEW = """
for number in range({count}):
    op.create_table(f't{{number}}', sa.Column('id', sa.Integer, primary_key=True))
    op.create_index(f'i{{number}}', f't{{number}}', ['id'])
"""


def test_lint_asks_as_much_about_a_hundred_new_tables_as_about_one(
    make_work: MakeWork, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = Database.from_url("shadow", server.url())
    asked = []
    for count in (1, 100):
        work = make_work()
        revision = work.revision("new", NEW.format(count=count))
        with relayed(shadow) as relay:
            monkeypatch.setenv("SHADOW_DATABASE_URL", relay.to(shadow).url)
            assert linting.lint(work.project, [revision]).hazards == ()
        run = sum(text.startswith(("\nCREATE TABLE", "CREATE INDEX")) for text in relay.statements)
        asked.append((len(relay.statements) - run, run))
    # The version table is created, too.
    assert asked == [(asked[0][0], 2 + 1), (asked[0][0], 200 + 1)]


def test_lint_asks_as_much_about_the_tenth_revision_as_about_the_third(
    make_work: MakeWork, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = Database.from_url("shadow", server.url())
    asked = []
    for count in (2, 3, 10):
        work = make_work()
        work.revision("base", "CREATE TABLE book (id int PRIMARY KEY)")
        lines = (
            "op.add_column('book', sa.Column('c{0}', sa.Integer))",
            "CREATE TABLE t{0} (n int)",
        )
        revisions = [
            work.revision(f"step {number}", line.format(number))
            for number in range(count)
            for line in lines
        ]
        with relayed(shadow) as relay:
            monkeypatch.setenv("SHADOW_DATABASE_URL", relay.to(shadow).url)
            assert len(linting.lint(work.project, revisions).revisions) == 2 * count
        asked.append(len(relay.statements))
    two, three, ten = asked
    assert ten - three == 7 * (three - two)


def test_lint_of_a_column_asks_as_much_in_a_schema_of_a_hundred_tables_as_of_ten(
    make_work: MakeWork, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = Database.from_url("shadow", server.url())
    asked = []
    for count in (10, 100):
        work = make_work()
        made = TABLES.format(count=count)
        work.revision("base", f'op.execute("""{made}""")')
        revision = work.revision("late", "op.add_column('t7', sa.Column('late', sa.Integer))")
        before = work.history.revisions()[0]
        with relayed(shadow) as relay:
            monkeypatch.setenv("SHADOW_DATABASE_URL", relay.to(shadow).url)
            Replay(work.project, before.id).template()
            already = len(relay.statements)
            linting.lint(work.project, [revision])
        asked.append(len(relay.statements) - already)
    assert asked[0] == asked[1]
