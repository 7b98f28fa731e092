"""What a branch would lose: its own objects by name and its rows by number, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from limbeck import migrate
from limbeck.branches.base import Branch, BranchProvider
from limbeck.output.rehearsals import losses_text
from limbeck.postgres import url as urls
from limbeck.run.losses import losses

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.conftest import MakeDatabase
    from tests.postgres.conftest import Work

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Two:
    """The branches `main` and `dev`, each a database."""

    urls: dict[str, str]

    def get(self, name: str) -> Branch:
        """Return a branch."""
        return Branch(name, "main" if name == "dev" else None, NOW)

    def url(self, name: str) -> str:
        """Return its URL."""
        return self.urls[name]


@pytest.fixture
def branches(work: Work, database: Database, make_database: MakeDatabase) -> BranchProvider:
    """Two branches with the same revision, both without rows."""
    work.revision("base", "create table t (id int primary key); create table emptied (n int)")
    plan = migrate.plan(work.project, work.profile, database)
    migrate.apply(plan, confirm=lambda _: True)
    main = make_database(template=database)
    return cast("BranchProvider", Two({"main": main.url, "dev": database.url}))


def test_a_migrated_branch_without_rows_loses_nothing(
    work: Work, branches: BranchProvider, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE limbeck_state.more AS SELECT generate_series(1, 1000)")
    connection.execute("INSERT INTO emptied SELECT generate_series(1, 5000); DELETE FROM emptied")
    lost = losses(work.project, branches, "dev")
    assert (lost.rows, lost.changes, lost.revisions) == (0, (), ())


def test_what_is_made_by_hand_is_listed_and_rows_are_counted(
    work: Work, branches: BranchProvider, connection: psycopg.Connection
) -> None:
    connection.execute('ALTER TABLE t ADD COLUMN hand text; CREATE TABLE "of%me" (n int)')
    connection.execute(
        'INSERT INTO t SELECT generate_series(1, 41); INSERT INTO "of%me" VALUES (1)'
    )
    lost = losses(work.project, branches, "dev")
    assert losses_text(lost, "reset").splitlines()[:5] == [
        "Branch dev is reset. This is lost:",
        "  42 rows",
        "  what its schema has (+), lacks (-) or has otherwise (~) than its parent's:",
        "    + column public.t.hand",
        "    + table public.of%me",
    ]


def test_a_branch_whose_rows_are_hidden_is_said_not_to_be_read(
    work: Work, branches: BranchProvider, connection: psycopg.Connection
) -> None:
    connection.execute("INSERT INTO t VALUES (1)")
    connection.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    role = f"reader_{connection.info.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' IN ROLE pg_read_all_data".encode())
    parameters = urls.parse(branches.url("dev"))
    reading = Two({"dev": urls.render({**parameters, "user": role, "password": "x"})})
    try:
        lost = losses(work.project, cast("BranchProvider", reading), "dev")
    finally:
        connection.execute(f"DROP ROLE {role}".encode())
    assert "row security hides rows" in (lost.problem or "")
    assert not lost.nothing
