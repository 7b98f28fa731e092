"""Where environments stand: applied, pending, drifted, unknown or out of reach."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from limbeck import migrate
from limbeck.engine import running
from limbeck.errors import HistoryError, MissingUrlError, UnavailableError
from limbeck.output.statuses import status_data, status_text
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.objects.address import Address
from limbeck.status import Status, check, findings, status
from tests.postgres.relay import relayed

if TYPE_CHECKING:
    import psycopg

    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work


def one(work: Work) -> Status:
    return status(work.project, [work.profile])[0]


def recorded(work: Work) -> list[str]:
    work.models(
        'Table("one", metadata, Column("id", Integer, primary_key=True), Column("a", Text))\n'
    )
    work.revision("one", "create table one (id serial primary key)", "drop table one")
    work.revision("a", "alter table one add a text", "alter table one drop a")
    return [each.id for each in work.history.revisions()]


def kinds(work: Work) -> list[str]:
    return [finding.kind for finding in check(work.project, [work.profile])]


def test_a_database_at_the_head_is_clean(work: Work, connection: psycopg.Connection) -> None:
    ids = recorded(work)
    running.upgrade(work.history, connection)
    found = one(work)
    assert found.clean
    assert found.current == (ids[-1],)
    assert [each.id for each in found.applied] == ids
    assert (found.pending, found.drift, found.unknown, found.problem) == ((), (), (), None)
    assert check(work.project, [work.profile]) == ()


def test_pending_revisions_are_no_drift(work: Work, connection: psycopg.Connection) -> None:
    ids = recorded(work)
    running.upgrade(work.history, connection, ids[0])
    found = one(work)
    assert [each.id for each in found.pending] == ids[1:]
    assert found.drift == ()
    assert kinds(work) == ["pending"]


def test_drift_is_what_differs_from_the_replay_of_its_own_revision(
    work: Work, connection: psycopg.Connection
) -> None:
    ids = recorded(work)
    running.upgrade(work.history, connection, ids[0])
    connection.execute("create index by_hand on one (id)")
    drift = one(work).drift
    assert drift is not None
    assert [change.address for change in drift] == [Address("index", "public", "by_hand")]
    assert drift[0].before is None
    assert kinds(work) == ["pending", "drift"]


def test_a_database_without_drift_is_not_read_again_until_either_side_changes(
    work: Work, database: Database, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(work)
    running.upgrade(work.history, connection)
    with relayed(database) as relay:
        monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", relay.to(database).url)

        def drift() -> tuple[int, bool]:
            """Return how much differs, and whether the definitions were read."""
            relay.statements.clear()
            changes = one(work).drift
            assert changes is not None
            return len(changes), any("pg_get_constraintdef" in text for text in relay.statements)

        assert [drift(), drift()] == [(0, True), (0, False)]
        connection.execute("alter table one add b text")
        assert [drift(), drift()] == [(1, True), (1, True)]
        connection.execute("alter table one drop b")
        assert [drift(), drift()] == [(0, True), (0, False)]
        path = work.history.revisions()[-1].path
        path.write_text(path.read_text().replace("add a text", "add a int"))
        assert drift() == (1, True)


def test_a_database_that_was_never_migrated_has_all_it_holds_as_drift(
    work: Work, connection: psycopg.Connection
) -> None:
    recorded(work)
    connection.execute("create table other ()")
    found = one(work)
    assert found.current == ()
    assert [str(change.address) for change in found.drift or ()] == ["table public.other"]


def test_a_table_created_by_hand_is_one_line_of_drift(
    work: Work, connection: psycopg.Connection
) -> None:
    ids = recorded(work)
    running.upgrade(work.history, connection, ids[0])
    connection.execute("create table kinds (id serial primary key, name text unique)")
    connection.execute("create index by_name on kinds (lower(name))")
    connection.execute("create index by_hand on one (id)")
    found = one(work)
    assert len(found.drift or ()) > 5
    lines = status_text([found]).splitlines()
    assert lines[-2:] == ["  + index public.by_hand", "  + table public.kinds"]
    (drift,) = [finding for finding in findings(found) if finding.kind == "drift"]
    assert drift.text.endswith(": + index public.by_hand, + table public.kinds")
    assert len(status_data([found])["environments"][0]["drift"]) == len(found.drift or ())


def test_drift_from_an_edited_revision_is_not_called_drift(work: Work, database: Database) -> None:
    recorded(work)
    plan = migrate.plan(work.project, work.profile, database)
    migrate.apply(plan, confirm=lambda _: True)
    path = work.history.revisions()[-1].path
    path.write_text(path.read_text().replace("add a text", "add a text, add b text"))
    found = one(work)
    text = status_text([found])
    assert "was edited after it was applied" in text
    assert "difference from the edited revisions (1 object" in text
    assert "drifted" not in " ".join(finding.text for finding in findings(found))


def test_an_unknown_revision_is_a_value(work: Work, connection: psycopg.Connection) -> None:
    recorded(work)
    running.upgrade(work.history, connection)
    connection.execute("update alembic_version set version_num = 'beefbeefbeef'")
    found = one(work)
    assert found.unknown == found.current == ("beefbeefbeef",)
    assert found.drift is None
    assert not found.clean
    assert kinds(work) == ["unknown"]


@pytest.mark.parametrize(
    ("url", "error"),
    [("postgresql://nobody:secret@127.0.0.1:1/nothing", UnavailableError), ("", MissingUrlError)],
)
def test_an_environment_out_of_reach_does_not_hide_the_others(
    url: str,
    error: type[Exception],
    work: Work,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded(work)
    running.upgrade(work.history, connection)
    (work.project.root / "env_profiles" / "production.env").write_text("PROTECTED=yes\n")
    monkeypatch.setenv("DATABASE_URL_PRODUCTION", url)
    away, here = status(work.project, work.project.profiles()[::-1])
    assert isinstance(away.problem, error)
    assert (away.current, away.clean, away.protected) == (None, False, True)
    assert here.clean
    findings = check(work.project, work.project.profiles())
    assert [(each.kind, each.environment) for each in findings] == [("unreachable", "production")]
    assert "secret" not in str(findings)


def test_models_without_a_revision_are_found_and_named(
    work: Work, connection: psycopg.Connection
) -> None:
    recorded(work)
    running.upgrade(work.history, connection)
    work.models('Table("two", metadata, Column("id", Integer))\n')
    (finding,) = check(work.project, [work.profile])
    assert (finding.kind, finding.environment) == ("unrecorded", None)
    assert finding.text.endswith(": - table public.one, + table public.two")
    assert "limbeck generate" in (finding.hint or "")


def test_several_heads_and_models_that_do_not_import_are_findings(
    work: Work, connection: psycopg.Connection
) -> None:
    recorded(work)
    running.upgrade(work.history, connection)
    work.models("import no_such_module\n")
    assert kinds(work) == ["models"]
    work.revision("other", down=work.history.revisions()[0])
    assert kinds(work) == ["heads", "pending"]


def test_a_status_says_once_that_the_history_has_several_heads(work: Work) -> None:
    recorded(work)
    assert "heads" not in status_text([one(work)])
    other = work.revision("other", down=work.history.revisions()[0])
    text = status_text([one(work), one(work)])
    assert text.count("The history has 2 heads; run `limbeck merge`:") == 1
    assert f"\n  {other}" in text
    assert one(work).heads == work.history.heads()
    heads = status_data([one(work)])["environments"][0]["heads"]
    assert heads == [head.id for head in work.history.heads()]


def test_broken_revision_files_are_no_environment_s_fault(work: Work) -> None:
    recorded(work)
    (work.history.folder / "bad.py").write_text("revision = \n")
    with pytest.raises(HistoryError, match=r"bad\.py:1"):
        one(work)


def test_an_environment_is_asked_over_one_connection(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(work)
    with connect(database) as connection:
        running.upgrade(work.history, connection)
    with relayed(database) as relay:
        monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", relay.to(database).url)
        assert one(work).clean
    assert len(relay.trips) == 1


def test_environments_are_asked_side_by_side(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(work)
    (work.project.root / "env_profiles" / "staging.env").touch()
    both, let_through = threading.Barrier(2), set[str]()

    def gate(who: str, _: str) -> bool:
        thread = threading.current_thread().name
        if thread not in let_through:  # the first statement of each waits for that of the other
            let_through.add(thread)
            both.wait(timeout=20)
        return bool(who)

    with relayed(database, gate) as relay:
        for name in ("DEVELOPMENT", "STAGING"):
            monkeypatch.setenv(f"DATABASE_URL_{name}", relay.to(database).url)
        states = status(work.project, work.project.profiles())
    assert [each.environment for each in states] == ["development", "staging"]
    assert [each.problem for each in states] == [None, None]
