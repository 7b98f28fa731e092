"""A run of many tenants that is killed: the next one continues, and applies nothing twice."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from limbeck.events import ignore
from limbeck.history.history import History
from limbeck.postgres import url as urls
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.project.project import Project
from limbeck.tenants import likeness, migrating
from limbeck.tenants.migrating import Where
from tests.postgres.conftest import Work
from tests.postgres.crashing import BACKEND, CLIENT, FORKS, PATIENCE, Crash

NAMES = sorted(["tenant_ a'b", 'tenant_"Q"', "tenant_50%", *(f"tenant_{n:02}" for n in range(9))])
LOGIN = "tenants-killed-login"
SQL = (
    "ALTER TABLE users ADD COLUMN c{0} integer NOT NULL DEFAULT {0}",
    "UPDATE users SET hits = hits + 1",
)
LEDGER = """
SELECT count(*), count(DISTINCT (tenant, revision)), count(*) FILTER (WHERE finished IS NULL)
FROM limbeck_state.tenant_ledger"""


def migrate(root: Path, url: str) -> None:
    """Migrate all tenants, three at once, in a process that may be killed."""
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    run(root, Database.from_url("development", url))


def run(root: Path, database: Database) -> migrating.TenantsReport:
    project = Project.find(root)
    where = Where(project, project.profile("development"), database, listen=ignore)
    return migrating.apply(where, migrating.plan(where), at_once=3, listen=ignore)


class Ground:
    """Tenants with rows that belong to an ordinary role, and a history that grows."""

    def __init__(self, work: Work, database: Database, admin: str) -> None:
        self.root, self.database, self.admin = work.project.root, database, admin
        path = self.root / "pyproject.toml"
        path.write_text(
            f'{path.read_text()}tenants = "tenant_*"\ntenant-versions = "alembic/versions"\n'
        )
        self.work = Work(Project.find(self.root), work.history)
        self.revisions = 0
        self.add("CREATE TABLE users (id serial PRIMARY KEY, hits integer NOT NULL DEFAULT 0)")
        for name in NAMES:
            with connect(database) as owner:
                owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        assert run(self.root, database).failures == {}
        for name in NAMES:
            self._of(name, "INSERT INTO {}.users (hits) SELECT 0 FROM generate_series(1, 3)")

    def add(self, *statements: str) -> None:
        """Write a revision after the others."""
        self.revisions += 1
        body = "\n".join(f"op.execute({text!r})" for text in statements)
        last = History.of(self.work.project).head()
        self.work.revision(f"revision {self.revisions}", body, down=last)

    def change(self) -> None:
        """Write a revision that shows whether it was applied twice."""
        number = self.revisions
        self.add(*(text.format(number) for text in SQL))

    def ask(self, query: sql.Composed | str) -> list[tuple[object, ...]]:
        """Return rows, in a session that ends: `Crash` waits until nobody is connected."""
        with connect(Database.from_url("development", self.admin)) as connection:
            cursor = connection.execute(query.encode() if isinstance(query, str) else query)
            return cursor.fetchall() if cursor.description else []

    def alike(self) -> tuple[tuple[str, ...], ...]:
        """Return the tenants in groups that hold the same objects."""
        with connect(Database.from_url("development", self.admin)) as connection:
            return likeness.alike(connection, NAMES)

    def _of(self, name: str, text: str) -> list[tuple[object, ...]]:
        return self.ask(sql.SQL(text).format(sql.Identifier(name)))

    def sessions(self, condition: str, select: str = "1") -> list[tuple[object, ...]]:
        """Return what a query tells of the sessions of limbeck."""
        query = f"""SELECT {select} FROM pg_stat_activity WHERE datname = current_database()
            AND application_name ~ '^limbeck development' AND {condition}"""
        return self.ask(query)

    def applied(self) -> int:
        """Return how many tenants are at the head."""
        head = History.of(self.work.project).head()
        assert head is not None
        rows = [self._of(name, "TABLE {}.alembic_version") for name in NAMES]
        return sum(each == [(head.id,)] for each in rows)

    def is_consistent(self) -> None:
        """Check that each tenant has a revision with its version and ledger rows, or not at all."""
        for name in NAMES:
            ((version,),) = self._of(name, "TABLE {}.alembic_version")
            rows = {row[0] for row in self._of(name, "SELECT hits FROM {}.users")}
            query = """SELECT count(*) FROM limbeck_state.tenant_ledger
                WHERE tenant = {} AND finished IS NOT NULL AND action = 'upgrade'"""
            ((count,),) = self.ask(sql.SQL(query).format(sql.Literal(name)))
            ids = [each.id for each in History.of(self.work.project).revisions()]
            number = ids.index(str(version))
            assert (rows, count) == ({number}, number + 1), name

    def is_done(self) -> None:
        """Check that each tenant has each revision once, and that all are alike."""
        self.is_consistent()
        assert self.applied() == len(NAMES)
        total = len(NAMES) * self.revisions
        assert self.ask(LEDGER) == [(total, total, 0)]
        assert self.alike() == (tuple(NAMES),)


@pytest.fixture
def ground(work: Work, database: Database, admin: psycopg.Connection) -> Iterator[Ground]:
    role = f"killed_{database.dbname}"
    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{LOGIN}'")
    admin.execute(f"GRANT CREATE ON DATABASE {database.dbname} TO {role}")
    parameters = {**urls.parse(database.url), "user": role, "password": LOGIN}
    yield Ground(work, Database.from_url("development", urls.render(parameters)), database.url)
    with connect(database) as connection:
        connection.execute(f"DROP OWNED BY {role} CASCADE".encode())
    admin.execute(f"DROP ROLE {role}")


def test_a_run_that_is_killed_anywhere_is_continued(ground: Ground, server: Server) -> None:
    ground.change()
    whole = Crash(CLIENT, 10**6, server, ground.database, child=migrate)
    assert not whole.run(ground.root)
    ground.is_done()
    # The last dozen messages are the tenants; before them one tenant runs the revision alone.
    points = [whole.count // 3, *range(whole.count - len(NAMES) - 4, whole.count, 3)]
    partly = 0
    for number, at in enumerate(points):
        ground.change()
        how = (CLIENT, BACKEND)[number % 2]
        assert Crash(how, at, server, ground.database, child=migrate).run(ground.root)
        ground.is_consistent()
        partly += 0 < ground.applied() < len(NAMES)
        assert run(ground.root, ground.database).failures == {}
        ground.is_done()
    assert partly > 1


@pytest.mark.parametrize("how", [CLIENT, BACKEND])
def test_a_run_that_is_killed_within_a_tenant_leaves_that_as_it_was(
    ground: Ground, how: str
) -> None:
    ground.change()
    process = FORKS.Process(target=migrate, args=(ground.root, ground.database.url))
    with psycopg.connect(ground.database.url) as other:
        other.execute("LOCK TABLE tenant_05.users IN ACCESS SHARE MODE")
        process.start()
        deadline = time.monotonic() + PATIENCE
        while ground.applied() < 3 or not ground.sessions("wait_event_type = 'Lock'"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        if how == CLIENT:
            process.kill()
        ground.sessions("true", "pg_terminate_backend(pid, 10000)")
    process.join(PATIENCE)
    ground.is_consistent()
    if how == CLIENT:
        assert 0 < ground.applied() < len(NAMES)
    assert run(ground.root, ground.database).failures == {}
    ground.is_done()
