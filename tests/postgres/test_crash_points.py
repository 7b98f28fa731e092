"""Killed at any statement: the application goes on, and the next run ends as it would have."""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
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
from tests.postgres.crash_application import Application
from tests.postgres.crash_selection import DONE, PART, SEED, SHARD, Selection
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

    @property
    def shadow(self) -> Path:
        """The folder of the embedded server that is the projects' shadow."""
        return self.home / "shadow"

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

    @contextmanager
    def copied(self, database: Database) -> Iterator[Database]:
        """Yield a copy of a database."""
        copy = self.database(database.dbname)
        yield copy
        self.drop(copy)

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
        # One shadow for all of them: a revision that drops something is replayed on it.
        self.shadow.mkdir(exist_ok=True)
        (root / ".limbeck").symlink_to(self.shadow)
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
    ground = Ground(server, home)
    yield ground
    server.stop()
    Server(ground.shadow).stop()
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

    ground: Ground
    root: Path
    template: Database
    application: Application
    statements: tuple[str, ...]
    end: End

    @classmethod
    def of(cls, work: Work, ground: Ground) -> Undisturbed:
        """Run a work once, with an application beside it that has rows if the work bears them."""
        bare, before = ground.made(work.before)
        root = ground.project(bodies(work, ground, before))
        with ground.copied(bare) as database:
            assert migrated(root, database).applied
            catalogs = before, end(database).catalog
        try:
            for filled in (True, False):
                template = ground.database(bare.dbname)
                with suppress(MigrationError):
                    return cls._on(template, ground, root, catalogs, filled=filled)
        finally:
            ground.drop(bare)
        raise AssertionError(work.name)

    @classmethod
    def _on(
        cls,
        template: Database,
        ground: Ground,
        root: Path,
        catalogs: tuple[Catalog, Catalog],
        *,
        filled: bool,
    ) -> Undisturbed:
        application = Application.beside(root, catalogs, template, ground.copied, filled=filled)
        said: list[str] = []

        def gate(who: str, statement: str) -> bool:
            said.extend([statement] * (who != WATCHER))
            return True

        with ground.copied(template) as database, relayed(database, gate) as relay:
            assert migrated(root, relay.to(database)).applied
            return cls(ground, root, template, application, tuple(said), end(database))

    def serves(self, database: Database) -> None:
        """Assert that the application works in a database, of which the probes use a copy."""
        if self.application.subject.probes:  # they draw from sequences, which nothing rolls back
            with self.ground.copied(database) as copy:
                assert [str(gap) for gap in self.application.gaps(copy)] == []

    def converges(self, crash: Crash) -> bool:
        """Crash and run again; tell whether it came to the crash, assert that all is well."""
        reached = crash.run(self.root)
        if reached:
            self.serves(crash.database)
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


@pytest.fixture(scope="module")
def steps(ground: Ground) -> Undisturbed:
    """The work with steps of every kind, undisturbed."""
    return Undisturbed.of(BY_HAND[0], ground)


@pytest.fixture(scope="module")
def three(ground: Ground) -> Undisturbed:
    """The work of three revisions, undisturbed."""
    return Undisturbed.of(BY_HAND[1], ground)


def crashed(run: Undisturbed, how: str, every: int, start: int = 0) -> int:
    """Crash a work at some of its points; return at how many."""
    return sum(crash(run, how, *point) for point in list(points(run))[start::every])


def crash(run: Undisturbed, how: str, at: int, waiting: bool) -> bool:  # noqa: FBT001 - a point
    """Crash a work at a point; tell whether it came to that."""
    database = run.ground.database(run.template.dbname)
    try:
        reached = run.converges(Crash(how, at, run.ground.server, database, waiting))
    except Exception as error:
        where = "while it waits" if waiting else "before it is sent"
        error.add_note(f"{how} killed, {where}: {at} {run.statements[at]}")
        raise
    run.ground.drop(database)
    return reached


@pytest.mark.parametrize("how", [CLIENT, BACKEND])
def test_a_run_that_was_killed_is_finished_by_the_next_one(how: str, steps: Undisturbed) -> None:
    assert crashed(steps, how, every=16, start=5 + (how == BACKEND)) > 1


def test_a_run_whose_server_was_killed_is_finished_by_the_next_one(three: Undisturbed) -> None:
    assert crashed(three, SERVER, every=18, start=12) > 0


def test_an_index_that_waits_when_all_is_killed_is_whole_after_the_next_run(
    three: Undisturbed,
) -> None:
    (at, *_) = [number for number, waiting in points(three) if waiting]
    assert crash(three, BACKEND, at, waiting=True)


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


def test_an_application_that_does_not_work_after_a_crash_is_noticed(three: Undisturbed) -> None:
    with three.ground.copied(three.template) as database:
        with psycopg.connect(database.url) as connection:
            connection.execute("ALTER TABLE one ALTER a SET DEFAULT 1, ALTER a SET NOT NULL")
        three.serves(database)
        with psycopg.connect(database.url) as connection:
            connection.execute("ALTER TABLE one ALTER a DROP DEFAULT")
        with pytest.raises(AssertionError, match="INSERT of the required columns on"):
            three.serves(database)


def test_a_part_of_the_points_is_chosen_by_a_seed_and_not_again_once_it_held(
    tmp_path: Path,
) -> None:
    names = {SEED: "1", PART: "0.1", SHARD: "2/3", DONE: str(tmp_path / "done")}
    first = Selection.of(names)
    chosen = [number for number in range(1000) if first.chooses("work", number)]
    assert 70 < len(chosen) < 130
    assert [number for number in range(1000) if first.chooses("work", number)] == chosen
    assert [number for number in range(6) if first.has(number)] == [1, 4]
    first.holds("work", chosen[0])
    again = Selection.of(names)
    assert [number for number in range(1000) if again.chooses("work", number)] == chosen[1:]


WORKS = [*BY_HAND, *RECIPES, *CASES]


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(len(WORKS)), ids=lambda number: WORKS[number].name)
def test_at_every_point_it_converges(number: int, ground: Ground) -> None:
    work, selection = WORKS[number], Selection.of()
    if not selection.has(number) or selection.held(work.name, selection.part):
        pytest.skip("it is of another shard, or has held before")
    # The cases of the diff differ in their statements, not in their steps: for them no server is
    # killed, which takes two seconds.
    ways = (CLIENT, BACKEND) if work in CASES else (CLIENT, BACKEND, SERVER)
    run, errors, total = Undisturbed.of(work, ground), list[Exception](), 0
    every = [(work.name, how, at, waiting) for at, waiting in points(run) for how in ways]
    for point in every:
        if selection.chooses(*point):
            try:
                if crash(run, *point[1:]):
                    selection.holds(*point)
                    total += 1
            except Exception as error:  # noqa: BLE001 - the other points are tried as well
                errors.append(error)
    probes, gaps = len(run.application.subject.probes), len(run.application.passage.gaps)
    print(f"{work.name}: {total} of {len(every)} points hold, {probes} probes, {gaps} gaps")  # noqa: T201 - published
    ground.drop(run.template)
    if errors:
        raise ExceptionGroup(work.name, errors)
    selection.holds(work.name, selection.part)
