"""Revisions that are sent before those ahead of them are committed, and what may stop one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from limbeck import migrate
from limbeck.errors import MigrationError
from limbeck.events import Event, LockNotObtained, RevisionFinished, RevisionStarted
from limbeck.history import scripts
from limbeck.postgres.database import Database
from limbeck.run.hooks import Hooks
from tests.postgres.conftest import WORKER
from tests.postgres.relay import relayed
from tests.postgres.test_execution import hasty, held

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from limbeck.history.history import History
    from limbeck.history.revisions import Revision
    from tests.postgres.conftest import Work

in_process = pytest.mark.skipif(WORKER in os.environ, reason="a worker runs each alone")
ADD = "alter table one add {} int"
LEDGER = "SELECT revision FROM limbeck_state.ledger ORDER BY id"


def columns(connection: psycopg.Connection) -> str:
    query = "SELECT string_agg(attname, '' ORDER BY attnum) FROM pg_attribute "
    ((names,),) = connection.execute(
        query + "WHERE attrelid = 'one'::regclass AND attnum > 0 AND NOT attisdropped"
    ).fetchall()
    return str(names)


def chain(work: Work, *bodies: str) -> list[Revision]:
    """Record revisions that follow each other."""
    return [work.revision(f"number {number}", body) for number, body in enumerate(bodies)]


def run(work: Work, database: Database, told: list[Event]) -> migrate.Report:
    plan = migrate.plan(work.project, work.profile, database)
    return migrate.apply(plan, confirm=lambda _: True, listen=told.append)


def reported(told: list[Event]) -> list[tuple[type[Event], str]]:
    kinds = (RevisionStarted, RevisionFinished)
    return [(type(each), each.revision) for each in told if isinstance(each, kinds)]


@pytest.mark.parametrize(
    "wrong",
    [
        "create table one ()",
        "op.execute('alter table one add x int')\nraise InterruptedError",
        "op.create_table('two', sa.Column('id', sa.Integer))\nraise InterruptedError",
        "op.get_bind().exec_driver_sql('select 1 / 0')",
    ],
    ids=["refused", "raises", "raises after a statement that was sent", "reads"],
)
def test_revisions_before_one_that_fails_are_applied_and_those_after_it_have_not_run(
    wrong: str, work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one ()")
    revisions = chain(work, ADD.format("a"), ADD.format("b"), wrong, ADD.format("d"))
    ids, told = [revision.id for revision in revisions], list[Event]()
    with pytest.raises(MigrationError, match=f"{ids[2]}.*failed") as caught:
        run(work, database, told)
    assert f"applied: {revisions[0]}, {revisions[1]}; not applied" in caught.value.message
    done = [(kind, id_) for id_ in ids[:2] for kind in (RevisionStarted, RevisionFinished)]
    assert reported(told) == [*done, (RevisionStarted, ids[2])]
    assert columns(connection) == "ab"
    assert [id_ for (id_,) in connection.execute(LEDGER)] == ids[:2]
    assert connection.execute("SELECT to_regclass('two')").fetchall() == [(None,)]

    path = revisions[2].path
    path.write_text(
        path.read_text().replace("def upgrade() -> None:\n", f"{CORRECTED}\n    return\n")
    )
    assert [each.id for each in run(work, database, told).applied] == ids[2:]
    assert columns(connection) == "abcd"


CORRECTED = "def upgrade() -> None:\n    op.execute('alter table one add c int')"


@in_process
def test_one_that_does_not_get_its_lock_is_tried_again_and_those_after_it_wait(
    work: Work,
    database: Database,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.execute("create table one (); create table two ()")
    other = "alter table two add a int"
    revisions = chain(work, ADD.format("a"), other, ADD.format("b"), ADD.format("c"))
    loaded: list[Path] = []
    module = scripts.module

    def counting(history: History, revision: Revision) -> object:
        loaded.append(revision.path)
        return module(history, revision)

    monkeypatch.setattr(scripts, "module", counting)
    told: list[Event] = []
    with held(database, "lock table two in access share mode", 1):
        report = run(work, hasty(database), told)
    assert [each.id for each in report.applied] == [each.id for each in revisions]
    assert any(isinstance(event, LockNotObtained) for event in told)
    assert len(reported(told)) == 2 * len(revisions)
    # Again only what the server has rolled back or skipped.
    assert loaded.count(revisions[0].path) == 1
    assert loaded.count(revisions[3].path) == 2
    assert columns(connection) == "abc"


def test_hooks_of_revisions_are_called_between_them(
    work: Work, database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("create table one ()")
    chain(work, *(ADD.format(name) for name in "abc"))
    seen: list[str] = []
    hooks = Hooks(after_revision=lambda _plan, _applied: seen.append(columns(connection)))
    plan = migrate.plan(work.project, work.profile, database, hooks=hooks)
    migrate.apply(plan, confirm=lambda _: True)
    assert seen == ["a", "ab", "abc"]


@in_process
@pytest.mark.parametrize(("imports", "trips"), [((), 1), (("import subprocess",), 3)])
def test_revisions_that_could_notice_it_are_sent_one_after_the_other(
    imports: tuple[str, ...],
    trips: int,
    work: Work,
    database: Database,
    connection: psycopg.Connection,
) -> None:
    connection.execute("create table one ()")
    for name in "abc":
        work.revision(name, ADD.format(name), imports=imports)
    with relayed(database) as relay:
        assert len(run(work, relay.to(database), []).applied) == 3
    # The lock, the state, the tables afterwards, and the end of the lock.
    assert relay.trips[1] == 4 + trips
