"""Killed at any statement, and run again: what there is then is what there would have been."""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from limbeck.errors import MigrationError
from limbeck.generate.rendering.body import Body, render
from limbeck.history import writing
from limbeck.history.history import History
from limbeck.phased.online import online
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare
from limbeck.schema.renames import parse
from limbeck.settings import Project
from tests.postgres import test_diff, test_online
from tests.postgres.crashing import (
    BACKEND,
    CLIENT,
    LOCKS,
    SERVER,
    WATCHER,
    Crash,
    End,
    end,
    migrated,
)
from tests.postgres.relay import relayed

if TYPE_CHECKING:
    from limbeck.schema.catalog.catalog import Catalog

REPOSITORY = Path(__file__).parents[2]
NUMBERS = count()
# What waits for those who use its table.
WAITS = re.compile(r"(CREATE (UNIQUE )?|DROP |RE)INDEX .*CONCURRENTLY|DETACH .* CONCURRENTLY")


@dataclass(frozen=True, slots=True)
class Work:
    """A database to begin with, and the bodies of the revisions that are run on it.

    Or, as `after`, the schema that one revision leads to by the recipes for tables in use.
    """

    name: str
    before: str
    revisions: tuple[str, ...] = ()
    after: str = ""
    answers: tuple[str, ...] = ()


BLOCK = "with op.get_context().autocommit_block():\n    "
ONE = "CREATE TABLE one (id int, a int); INSERT INTO one SELECT n, n FROM generate_series(1, 5) n;"
BY_HAND = (
    Work(
        "steps of every kind",
        ONE + "CREATE TYPE mood AS ENUM ('happy');",
        (
            (
                "op.add_column('one', sa.Column('b', sa.Integer))\n"
                "op.execute('insert into one select generate_series(6, 8)')\n"
                f"{BLOCK}op.create_index('one_id', 'one', ['id'], postgresql_concurrently=True)\n"
                "op.execute('alter table one add constraint positive check (id > 0) not valid')\n"
                f"{BLOCK}op.execute('alter table one validate constraint positive')\n"
                "    op.execute(\"alter type mood add value 'soso'\")\n"
                "    op.execute('update one set a = a + 1')\n"
                "op.execute('update one set b = id')"
            ),
        ),
    ),
    Work(
        "three revisions, one of them in steps",
        ONE,
        (
            "op.create_table('two', sa.Column('id', sa.Integer, primary_key=True))",
            (
                "op.execute('insert into two values (1), (2)')\n"
                f"{BLOCK}op.create_index('one_a', 'one', ['a'], unique=True, "
                "postgresql_concurrently=True)\n"
                "op.execute('update one set a = a + 100')"
            ),
            "op.drop_column('one', 'id')",
        ),
    ),
    Work(
        "indexes dropped and built anew beside the writers",
        ONE + "CREATE INDEX one_id ON one (id); CREATE INDEX one_a ON one (a);",
        (
            (
                f"{BLOCK}op.drop_index('one_id', postgresql_concurrently=True)\n"
                "    op.execute('reindex index concurrently one_a')\n"
                "op.execute('insert into one values (9, 9)')"
            ),
        ),
    ),
    Work(
        "a partition detached beside the readers",
        "CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES "
        "IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2); INSERT INTO p VALUES (1), (2);",
        (
            (
                f"{BLOCK}op.execute('alter table p detach partition p1 concurrently')\n"
                "op.execute('insert into p1 values (1)')"
            ),
        ),
    ),
    Work(
        "Python that reads, and a view made anew",
        ONE
        + "CREATE MATERIALIZED VIEW seen AS SELECT * FROM one; CREATE UNIQUE INDEX ON seen(id);",
        (
            (
                "bind = op.get_bind()\n"
                "most = bind.execute(sa.text('select max(id) from one')).scalar()\n"
                "bind.execute(sa.text('insert into one values (:id, 0)'), {'id': 99})\n"
                f"{BLOCK}op.execute('refresh materialized view concurrently seen')\n"
                "    op.execute('vacuum one')\n"
                "op.execute('delete from one where id = 1')"
            ),
        ),
    ),
)
RECIPES = tuple(
    Work(
        f"recipe: {case.name}",
        case.before + (test_online.ROWS if case.before.startswith(test_online.TABLES) else ""),
        after=case.before + case.change,
    )
    for case in test_online.CASES_OF_RECIPES
)
CASES = tuple(
    Work(f"case: {case.name}", case.before + case.rows, after=case.after, answers=case.renames)
    for case in test_diff.CASES
)


@dataclass(frozen=True)
class Ground:
    """A server of our own, for it is killed, and projects beside it."""

    server: Server
    home: Path

    def database(self, template: str | None = None) -> Database:
        """Make a database, and drop those before it that nobody asks for any more."""
        name = f"crash_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(template or "template1")
                )
            )
        return Database.from_url("development", self.server.url(name))

    def drop(self, database: Database) -> None:
        """Drop a database."""
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            query = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            admin.execute(query.format(sql.Identifier(database.dbname)))

    def made(self, text: str) -> tuple[Database, Catalog]:
        """Make a database by SQL, and read it."""
        database = self.database()
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(text.encode())
            return database, read(connection)

    def project(self, bodies: tuple[Body, ...]) -> Path:
        """Write a project with these revisions."""
        root = self.home / f"project{next(NUMBERS)}"
        (root / "alembic" / "versions").mkdir(parents=True)
        for name in ("alembic/env.py", "alembic/script.py.mako", "alembic.ini"):
            shutil.copy(REPOSITORY / name, root / name)
        (root / "env_profiles").mkdir()
        (root / "env_profiles" / "development.env").write_text("")
        history = History.of(Project.find(root))
        for body in bodies:
            writing.write(history, "step", body.text, imports=body.imports)
        return root


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A server that may be killed."""
    home = tmp_path_factory.mktemp("crash")
    server = Server(home / "server", port=None)
    server.start()
    yield Ground(server, home)
    server.stop()
    shutil.rmtree(home)


def bodies(work: Work, ground: Ground, before: Catalog) -> tuple[Body, ...]:
    """Return the revisions of a work."""
    if work.revisions:
        return tuple(Body(text, frozenset()) for text in work.revisions)
    wanted, after = ground.made(work.after)
    ground.drop(wanted)
    answers, _ = parse.answers(work.answers, before, after)
    steps = compare.steps(before, after, answers)
    return (render(online.steps(steps, before, after), before, after),)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbs: what it begins with, what it says, and what is there then."""

    root: Path
    template: Database
    statements: tuple[str, ...]
    end: End

    @classmethod
    def of(cls, work: Work, ground: Ground) -> Undisturbed:
        """Run a work once."""
        template, before = ground.made(work.before)
        root = ground.project(bodies(work, ground, before))
        database = ground.database(template.dbname)
        said: list[str] = []

        def gate(who: str, statement: str) -> bool:
            said.extend([statement] * (who != WATCHER))
            return True

        with relayed(database, gate) as relay:
            assert migrated(root, relay.to(database)).applied
        found = end(database)
        ground.drop(database)
        return cls(root, template, tuple(said), found)

    def converges(self, crash: Crash) -> bool:
        """Crash and run again; tell whether it came to the crash, assert that all is well."""
        reached = crash.run(self.root)
        if reached:
            migrated(self.root, crash.database)
            found = end(crash.database)
            assert test_diff.differences(found.catalog, self.end.catalog) == []
            assert replace(found, catalog=self.end.catalog) == self.end
            with psycopg.connect(crash.database.url) as connection:
                assert connection.execute(LOCKS.encode()).fetchone() == (0,)
        return reached


def points(run: Undisturbed) -> Iterator[tuple[int, bool]]:
    """Yield each statement, and once more those that wait for others."""
    for at, statement in enumerate(run.statements):
        yield at, False
        if WAITS.match(statement) or " DETACH " in statement.upper():
            yield at, True


def crashed(work: Work, ground: Ground, ways: tuple[str, ...], every: int, start: int = 0) -> int:
    """Crash a work at its points, in these ways; return at how many."""
    run = Undisturbed.of(work, ground)
    total = 0
    for at, waiting in list(points(run))[start::every]:
        for how in ways:
            database = ground.database(run.template.dbname)
            crash = Crash(how, at, ground.server, database, waiting)
            try:
                total += run.converges(crash)
            except BaseException as error:
                where = "while it waits" if waiting else "before it is sent"
                error.add_note(f"{work.name}: {how} killed, {where}: {at} {run.statements[at]}")
                raise
            ground.drop(database)
    ground.drop(run.template)
    return total


@pytest.mark.parametrize("how", [CLIENT, BACKEND])
def test_a_run_that_was_killed_is_finished_by_the_next_one(how: str, ground: Ground) -> None:
    assert crashed(BY_HAND[0], ground, (how,), every=16, start=5 + (how == BACKEND)) > 1


def test_a_run_whose_server_was_killed_is_finished_by_the_next_one(ground: Ground) -> None:
    assert crashed(BY_HAND[1], ground, (SERVER,), every=18, start=12) > 0


def test_an_index_that_waits_when_all_is_killed_is_whole_after_the_next_run(
    ground: Ground,
) -> None:
    run = Undisturbed.of(BY_HAND[1], ground)
    at = [number for number, waiting in points(run) if waiting]
    crash = Crash(BACKEND, at[0], ground.server, ground.database(run.template.dbname), waiting=True)
    assert run.converges(crash)


def test_a_server_that_is_restarted_in_the_middle_is_said_and_the_next_run_finishes(
    ground: Ground,
) -> None:
    text = (
        "op.execute('create table one (id int)')\n"
        f"{BLOCK}op.execute('insert into one select count(*) from pg_sleep(2)')\n"
        "op.execute('insert into one values (2)')"
    )
    root, database = ground.project((Body(text, frozenset()),)), ground.database()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(migrated, root, database)
        with psycopg.connect(ground.server.url(), autocommit=True) as admin:
            query = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'insert%'"
            while not admin.execute(query).fetchall():
                assert not run.done(), run.result()
                time.sleep(0.05)
        ground.server.stop()
        with pytest.raises(MigrationError, match="step 1 is committed") as caught:
            run.result(60)
    assert "migrate again" in (caught.value.hint or "")
    ground.server.start()
    assert migrated(root, database).applied
    with psycopg.connect(database.url) as connection:
        assert connection.execute("select id from one order by id").fetchall() == [(1,), (2,)]


@pytest.mark.thorough
@pytest.mark.parametrize("work", [*BY_HAND, *RECIPES, *CASES], ids=lambda work: work.name)
def test_at_every_point_it_converges(work: Work, ground: Ground) -> None:
    # The cases of the diff differ in their statements, not in their steps: for them no server is
    # killed, which takes two seconds.
    ways = (CLIENT, BACKEND) if work in CASES else (CLIENT, BACKEND, SERVER)
    total = crashed(work, ground, ways, every=1)
    print(f"{work.name}: {total} of {total} converge")  # noqa: T201 - published
    assert total
