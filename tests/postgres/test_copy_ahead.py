"""The server copies the replay while the models are imported, and leaves nothing behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from limbeck import generate
from limbeck.errors import DatabaseError
from limbeck.project.code.in_process import InProcess
from limbeck.shadow.ahead import Copy
from limbeck.shadow.shadow import SCRATCH, Shadow

if TYPE_CHECKING:
    from limbeck.postgres.connect import Connection
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import MakeWork

TABLE = "Table('t', metadata, Column('id', Integer, primary_key=True){})"


def scratch(connection: Connection) -> set[str]:
    """Return the scratch databases on the server."""
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
    return {str(name) for (name,) in connection.execute(query, [SCRATCH]).fetchall()}


@pytest.mark.parametrize("taken", [True, False])
def test_a_copy_is_taken_once_and_dropped(
    make_work: MakeWork, own_server: Server, monkeypatch: pytest.MonkeyPatch, *, taken: bool
) -> None:
    monkeypatch.setenv("SHADOW_DATABASE_URL", own_server.url())
    with Shadow.of(make_work().project).opened() as shadow:
        with shadow.connected() as connection:
            before = scratch(connection)
        with shadow.opened() as opened:
            opened.copy_ahead("template1")
            if taken:
                with opened.scratch("template1") as database, opened.connected() as connection:
                    assert scratch(connection) - before == {database.dbname}
                assert scratch(connection) == before
        with shadow.connected() as connection:
            assert len(scratch(connection) - before) == (0 if taken else 1)
    with Shadow.of(make_work().project).connected() as connection:
        assert scratch(connection) == before


def test_a_copy_that_the_server_refuses_is_reported_by_whoever_needs_it(
    make_work: MakeWork,
) -> None:
    with Shadow.of(make_work().project).opened() as shadow:
        shadow.copy_ahead("limbeck_missing")
        with shadow.connected() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with (
            pytest.raises(DatabaseError, match="limbeck_missing"),
            shadow.scratch("limbeck_missing"),
        ):
            pass


def test_the_import_does_not_wait_for_the_copy(
    make_work: MakeWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, order = make_work(), list[str]()

    def noted(owner: type, name: str) -> None:
        function = getattr(owner, name)

        def note(*arguments: Any) -> Any:
            order.append(name)
            return function(*arguments)

        monkeypatch.setattr(owner, name, note)

    work.models(TABLE.format(""))
    generate.revision(work.project)
    noted(Copy, "begun")
    noted(InProcess, "metadata")
    noted(Copy, "finish")
    work.models(TABLE.format(", Column('late', Integer)"))
    sys.modules.pop("models")
    generated = generate.revision(work.project)
    assert [str(step.address) for step in generated.steps] == ["column public.t.late"]
    assert order == ["begun", "metadata", "finish"]
