"""Branches of a Neon project, and projects of an account, as fleets: against the stand-in."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest

from limbeck.branches.neon import api
from limbeck.branches.neon.patience import Patience
from limbeck.project import neon
from tests.neon.faults import Fault
from tests.neon.project import ID
from tests.postgres.phases import phase
from tests.postgres.test_fleet import Tenants

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server
    from tests.neon.server import StandIn
    from tests.postgres.conftest import Work

PROJECTS = ["--neon-projects", "shop"]
SECOND = "standin-project-0003"


@pytest.fixture
def fleet(
    work: Work,
    standin: StandIn,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Tenants:
    """A project of one revision, with the key of an account."""
    for name, value in standin.variables.items():
        monkeypatch.setenv(name, value)
    first = work.revision("first", "create table one (id int)", "drop table one")
    return Tenants(work, server, "", [first], capsys)


@pytest.fixture
def shops(fleet: Tenants, standin: StandIn) -> Tenants:
    """Five projects whose names begin with shop, and two others; two in a page of a list."""
    for name in ("other", "shop-a", "shop-b", "shop-c", "shop-d", "shop-e"):
        standin.add(name)
    standin.page = 2
    return fleet


def states(fleet: Tenants, *chosen: str, code: int = 0) -> dict[str, str]:
    text = fleet("status", *chosen, "--json", code=code)
    answer = json.loads(text[text.index("{\n") : text.rindex("}") + 1])
    return {each["name"]: each["state"] for each in answer["databases"]}


def test_branches_are_a_fleet(fleet: Tenants, standin: StandIn) -> None:
    provider = neon.branches(fleet.work.project)
    for name in ("tenant-a", "tenant-b", "other"):
        provider.create(name, "production")
    chosen = ["--neon-branches", "tenant-*"]
    busy = Fault("status", "GET", times=2, status=429, headers={"Retry-After": "0"})
    standin.inject(busy)
    standin.page = 2
    before = standin.requests("GET", "/branches")
    assert "2 databases: 2 changed" in fleet("migrate", *chosen)
    assert busy.times == 0
    # Two requests were refused; four branches in two pages are listed once, not for each database.
    assert standin.requests("GET", "/branches") - before <= 2 + 2
    fleet("create", "tenant-c", "--template", "tenant-a", *chosen)
    names = ("tenant-a", "tenant-b", "tenant-c")
    assert states(fleet, *chosen) == dict.fromkeys(names, "head")
    assert "--neon-branches no-* selects no database" in fleet(
        "status", "--neon-branches", "no-*", code=2
    )


def test_projects_are_a_fleet_of_their_default_branches(shops: Tenants, standin: StandIn) -> None:
    for path in ("/projects", f"/projects/{SECOND}/connection_uri"):
        standin.inject(Fault("status", "GET", path, 1, 429, {"Retry-After": "0.1"}))
    assert "5 databases: 5 changed" in shops("migrate", *PROJECTS, "--waves", "1,all")
    assert [fault.times for fault in standin.faults] == [0, 0]
    assert states(shops, *PROJECTS) == {f"shop-{letter}": "head" for letter in "abcde"}
    for name, project in standin.projects.items():
        (database,) = project.named("production").databases.values()
        with psycopg.connect(shops.server.url(database)) as connection:
            (there,) = connection.execute("select to_regclass('one') is not null").fetchone() or ()
        assert there == (project.name.startswith("shop")), name
    assert "--neon-projects nothing selects no database" in shops(
        "status", "--neon-projects", "nothing", code=2
    )


@pytest.mark.parametrize(
    ("status", "sentences"),
    [
        (
            403,
            [
                "the key in NEON_API_KEY has no access to the project DATABASE",
                "Use a key of its organisation",
            ],
        ),
        (404, ["the key in NEON_API_KEY has no access to the project DATABASE"]),
        (
            429,
            ["Neon refused: injected 429\n", "Neon allows 700 requests a minute; try again"],
        ),
    ],
)
def test_projects_that_neon_refuses_do_not_hold_up_the_others(
    status: int,
    sentences: list[str],
    shops: Tenants,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "Patience", partial(Patience, locked=0.3))
    for number in (3, 5):
        path = f"/projects/standin-project-000{number}/.*"
        standin.inject(Fault("status", "GET", path, 99, status))
    text = shops("migrate", *PROJECTS, "--max-failures", "2", code=1)
    assert "5 databases: 3 changed, 2 failed" in text
    assert all(sentence in text for sentence in ["2 databases failed: ", *sentences]), text
    assert "To see one: limbeck fleet plan --neon-projects shop --name shop-a" in text
    shown = states(shops, *PROJECTS, code=1)
    assert [name for name, state in shown.items() if state == "head"] == [
        "shop-b",
        "shop-d",
        "shop-e",
    ]


def test_a_list_of_projects_that_is_not_whole_is_refused(shops: Tenants, standin: StandIn) -> None:
    standin.unavailable = ["quiet-owl-1"]
    text = shops("status", *PROJECTS, code=1)
    assert "Neon could not describe all projects: quiet-owl-1" in text
    standin.unavailable = []
    standin.inject(Fault("status", "GET", "/projects", 1, 401))
    text = shops("status", *PROJECTS, code=1)
    assert "Neon refused: injected 401 (GET /projects: 401, request r-1)" in text
    assert "Check NEON_API_KEY" in text


def test_projects_with_one_name_are_called_by_their_ids(shops: Tenants, standin: StandIn) -> None:
    standin.add("shop-a")
    shown = states(shops, *PROJECTS)
    assert [*shown][-1] == "standin-project-0008"
    assert SECOND in shown
    assert "shop-a" not in shown
    assert ID not in shown


def test_an_undo_takes_a_contract_back_where_it_has_come_to(
    fleet: Tenants, standin: StandIn
) -> None:
    provider = neon.branches(fleet.work.project)
    names = ["tenant-a", "tenant-b", "tenant-c"]
    for name in names:
        provider.create(name, "production")
    chosen = ["--neon-branches", "tenant-?"]
    copy = {"table": "public.one", "set": {"id2": "id"}, "where": "id2 IS DISTINCT FROM id"}
    fleet("migrate", *chosen)

    def rows(name: str, query: str) -> list[tuple[object, ...]]:
        (database,) = standin.project.named(name).databases.values()
        with psycopg.connect(fleet.server.url(database), autocommit=True) as connection:
            cursor = connection.execute(query)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    for name in names:
        rows(name, "alter table one add key int primary key")
        rows(name, "insert into one select n, n from generate_series(1, 5) n")
    down = "op.execute('alter table one drop id2')"
    options = {"phase": "expand", "change": "copy", "backfills": [copy]}
    expand = phase(fleet.work, "expand", "alter table one add id2 int", down, **options)
    phase(fleet.work, "contract", "alter table one drop id", phase="contract", change="copy")
    fleet("migrate", *chosen)
    fleet("backfill", *chosen)
    half = ["migrate", *chosen, "--through", "contract", "--waves", "1,all", "--gate", "false"]
    fleet(*half, code=1)
    rows("tenant-a", "insert into one (key, id2) values (6, 6)")
    assert "no terminal to ask on" in fleet("undo", "copy", *chosen, code=4)
    assert "3 databases: 3 had nothing pending" in fleet("undo", "other", *chosen, "--yes")
    text = fleet("undo", "copy", *chosen, "--yes")
    assert "3 databases: 1 changed, 2 had nothing pending" in text
    assert set(states(fleet, *chosen).values()) == {"pending"}
    for name in names:
        assert rows(name, "select count(id), count(id2) from one") == [(5, 5)], name
        assert rows(name, "select version_num from alembic_version") == [(expand.id,)]
    preserved = [row.name for row in standin.project.rows.values() if "undone" in row.name]
    assert len(preserved) == 1
    assert rows(preserved[0], "select count(*) from one") == [(6,)]
    fleet("migrate", *chosen, "--through", "contract")
    assert "3 databases: 3 changed" in fleet("undo", "copy", *chosen, "--yes")
    text = fleet("undo", "copy", "--databases", "x*", "-e", "development", "--yes", code=2)
    assert "only branches at Neon have snapshots" in text
