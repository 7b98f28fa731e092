"""What was done where, when and by whom; and everything that is known about one revision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from limbeck import migrate
from limbeck.cli import group
from limbeck.engine import running
from limbeck.errors import HistoryError
from limbeck.output.journals import log_data, log_text
from limbeck.output.revealing import revealed_text
from limbeck.run.journal import journals
from limbeck.run.revealing import reveal
from limbeck.run.stamping import stamp

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work


def recorded(work: Work) -> list[str]:
    """Record two revisions, the second of which commits twice."""
    work.revision("one", "create table one (id serial primary key)", "drop table one")
    work.revision(
        "index",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("create index concurrently by_id on one (id)")\n'
        """op.execute("comment on table one is 'first'")""",
        "drop index by_id",
    )
    return [each.id for each in work.history.revisions()]


def migrated(work: Work, database: Database) -> None:
    migrate.apply(migrate.plan(work.project, work.profile, database), confirm=lambda _: True)


def lines(work: Work, limit: int = 20) -> list[str]:
    return log_text(journals(work.project, work.project.profiles()), limit).splitlines()


def test_the_log_has_a_line_for_each_run_of_a_revision_newest_first(
    work: Work, database: Database
) -> None:
    first, second = recorded(work)
    migrated(work, database)
    undo = migrate.rollback_plan(work.project, work.profile, database)
    migrate.apply(undo, confirm=lambda _: True)
    migrated(work, database)
    stamp(work.project, work.profile, database, first, confirm=lambda: True)
    data = log_data(journals(work.project, [work.profile]), 20)
    assert [(each["revision"], each["action"]) for each in data["entries"]] == [
        (second, "downgrade"),
        (second, "upgrade"),
        (second, "downgrade"),
        (second, "upgrade"),
        (first, "upgrade"),
    ]
    head, *rows = lines(work)
    assert head.split() == ["When", "Environment", "Revision", "Took", "By", "Message"]
    assert [row.split()[4] for row in rows] == [
        "unmarked", "applied", "downgraded", "applied", "applied"
    ]  # fmt: skip
    assert rows[1].endswith("  index")
    assert lines(work, 1)[-1] == "... and 4 earlier entries; --all shows them"


def test_the_log_names_what_is_interrupted_and_what_it_does_not_know(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    _, second = recorded(work)
    migrated(work, database)
    connection.execute(
        "update limbeck_state.ledger set finished = null, steps = 1 where revision = %s", [second]
    )
    assert "unfinished after step 1" in lines(work)[1]
    connection.execute("drop schema limbeck_state cascade")
    assert lines(work) == [f"development: the ledger is empty; the database is at {second}"]


def test_an_environment_out_of_reach_does_not_hide_the_log_of_the_others(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(work)
    migrated(work, database)
    (work.project.root / "env_profiles" / "qa.env").write_text("")
    monkeypatch.setenv("DATABASE_URL_QA", "postgresql://nobody:secret@127.0.0.1:1/nothing")
    answer = CliRunner().invoke(group, ["--project", str(work.project.root), "log", "--json"])
    assert answer.exit_code == 1
    data = json.loads(answer.stdout)
    assert len(data["entries"]) == 2
    assert [each["environment"] for each in data["problems"]] == ["qa"]
    assert "secret" not in answer.output


def test_a_role_that_may_not_read_the_ledger_is_told_what_it_needs(
    work: Work, database: Database, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log said that the ledger was empty, and `show` that another tool had applied it."""
    first, _ = recorded(work)
    migrated(work, database)
    role = f"reader_{database.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    connection.execute(f"GRANT SELECT ON alembic_version TO {role}")
    own = database.url.replace(database.url.split("//")[1].split("@")[0], f"{role}:x")
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", own)
    message = f"the role {role} may not read the ledger, limbeck_state.ledger"
    try:
        problem, hint = lines(work)
        assert problem == f"development: {message}"
        (place,) = reveal(work.project, first, [work.profile], lint=False).places
        assert (place.applied, str(place.problem)) == (True, message)
        for statement in hint.strip().split("; "):
            connection.execute(statement)
        assert [line.split()[-1] for line in lines(work)[1:]] == ["index", "one"]
    finally:
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_show_has_the_sql_the_hazards_and_the_places_of_a_revision(
    work: Work, database: Database
) -> None:
    first, second = recorded(work)
    before = revealed_text(reveal(work.project, second, [work.profile]))
    assert "development: not applied" in before
    assert "2 steps, each of which commits by itself" in before
    assert "\n  create index concurrently by_id on one (id);" in before
    assert before.endswith("hazards in 1 revision.")
    migrated(work, database)
    after = revealed_text(reveal(work.project, first, [work.profile], lint=False))
    assert f"{first}  one\n" in after
    assert "development: applied " in after
    assert "hazard" not in after


def test_show_knows_what_plain_alembic_has_applied(
    work: Work, connection: psycopg.Connection
) -> None:
    first, _ = recorded(work)
    running.upgrade(work.history, connection)
    connection.execute("drop schema if exists limbeck_state cascade")
    shown = revealed_text(reveal(work.project, first, [work.profile], lint=False))
    assert "development: applied, by another tool than limbeck" in shown


def test_hazards_that_cannot_be_traced_do_not_hide_the_rest(work: Work) -> None:
    work.revision("broken", "create table broken (id integr)")
    after = work.revision("after", "create table after ()")
    shown = revealed_text(reveal(work.project, after.id, []))
    assert "create table after" in shown
    assert "Hazards were not checked: " in shown


@pytest.mark.parametrize("name", ["beef", "base"])
def test_what_is_no_revision_cannot_be_shown(name: str, work: Work) -> None:
    recorded(work)
    with pytest.raises(HistoryError, match=name):
        reveal(work.project, name, [])
