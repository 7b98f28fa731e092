"""A plan that was empty stays so until a file, a version row or a row of the ledger changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from limbeck import migrate
from limbeck.errors import HistoryError
from limbeck.events import Event, Notice
from limbeck.history import folder, saved
from limbeck.postgres.database import Database
from tests.postgres.relay import relayed

if TYPE_CHECKING:
    import psycopg

    from tests.postgres.conftest import Work

Planned: TypeAlias = Callable[[], "tuple[migrate.Plan, list[str]]"]
NOTHING = "the plan is empty, and there is no notice"


@pytest.fixture
def planned(work: Work, database: Database, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """A function that plans on a database with two revisions; it returns the notices, too."""
    monkeypatch.setattr(folder, "_TICK", 0)  # the files were written a moment ago
    for name in ("one", "two"):
        work.revision(name, f"create table {name} ()", f"drop table {name}")
    migrate.apply(migrate.plan(work.project, work.profile, database), confirm=lambda _: True)

    def plan() -> tuple[migrate.Plan, list[str]]:
        events: list[Event] = []
        plan = migrate.plan(work.project, work.profile, database, listen=events.append)
        return plan, [event.text for event in events if isinstance(event, Notice)]

    return plan


def seen(planned: Planned) -> str:
    plan, notices = planned()
    return " ".join([*(revision.message for revision in plan.revisions), *notices]) or NOTHING


def test_an_empty_plan_is_made_again_without_the_files_and_the_ledger(
    work: Work, database: Database, planned: Planned
) -> None:
    first, _ = planned()
    saved._unchanged.cache_clear()  # noqa: SLF001 - as in a process of its own
    with relayed(database) as relay:
        again = migrate.plan(work.project, work.profile, relay.to(database))
        rows = sum("ORDER BY id" in text for text in relay.statements)
        assert rows == 1  # another address is another database
        saved._unchanged.cache_clear()  # noqa: SLF001 - as above
        again = migrate.plan(work.project, work.profile, relay.to(database))
    assert (again.current, again.target, again.revisions) == (first.current, first.target, ())
    assert sum("ORDER BY id" in text for text in relay.statements) == rows
    assert relay.trips[1] < relay.trips[0]
    assert saved._unchanged.cache_info().misses == 0  # noqa: SLF001 - as above


def test_a_file_that_is_edited_or_added_is_noticed(work: Work, planned: Planned) -> None:
    path = work.history.revisions()[-1].path
    text = path.read_text()
    for _ in range(2):
        assert [seen(planned), seen(planned)] == [NOTHING, NOTHING]
        path.write_text(text.replace("table two", "table owt"))
        assert "was edited after it was applied" in seen(planned)
        path.write_text(text)
    assert [seen(planned), seen(planned)] == [NOTHING, NOTHING]
    work.revision("three")
    assert seen(planned) == "three"


def test_a_row_that_others_have_written_is_noticed(
    work: Work, connection: psycopg.Connection, planned: Planned
) -> None:
    first, second = (revision.id for revision in work.history.revisions())
    version = "UPDATE alembic_version SET version_num = '{}'"
    entry = "UPDATE limbeck_state.ledger SET {} WHERE revision = '{}'"
    gone = "INSERT INTO limbeck_state.ledger (id, revision, action) "
    gone += "OVERRIDING SYSTEM VALUE VALUES (9, 'gone', 'upgrade')"
    (code,) = connection.execute(
        "SELECT sql FROM limbeck_state.ledger WHERE revision = %s", [second]
    ).fetchone() or ("",)
    digest = work.history.revisions()[1].digest
    changes = (
        ("two", version.format(first), version.format(second)),
        (
            "one",
            entry.format("action = 'downgrade'", first),
            entry.format("action = 'upgrade'", first),
        ),
        (
            "was edited after it was applied",
            entry.format("file = '', sql = 'code:', finished = 'epoch'", second),
            entry.format(f"file = '{digest}', sql = '{code}', finished = now()", second),
        ),
        (
            "revision gone was interrupted",
            gone,
            "DELETE FROM limbeck_state.ledger WHERE finished IS NULL",
        ),
    )
    for expected, change, undo in changes:
        assert [seen(planned), seen(planned)] == [NOTHING, NOTHING]
        connection.execute(change.encode())
        assert expected in seen(planned)
        connection.execute(undo.encode())
    assert [seen(planned), seen(planned)] == [NOTHING, NOTHING]
    connection.execute(version.format("unknown").encode())
    with pytest.raises(HistoryError, match="at revision unknown"):
        planned()
