"""One history on many databases: who is where, waves, failures, and runs that end half-way."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from limbeck import cli
from limbeck.branches import copying
from limbeck.cli import rollouts
from limbeck.engine import offline
from limbeck.errors import ConfigurationError
from limbeck.fleet import fleet as overviews
from limbeck.fleet import performing, rollout, waves
from limbeck.fleet import profile as fleets
from limbeck.fleet.order import Order
from limbeck.fleet.selection import Member
from limbeck.history import scripts
from tests.postgres.phases import phase

if TYPE_CHECKING:
    from limbeck.history.revisions import Revision
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import Work

COUNT = 12
LEDGER = "SELECT revision FROM limbeck_state.ledger ORDER BY id"


@dataclass
class Tenants:
    """Databases t01 ... t12 at the first of three revisions, and the project that has these."""

    work: Work
    server: Server
    prefix: str
    revisions: list[Revision]
    capsys: pytest.CaptureFixture[str]

    @property
    def names(self) -> list[str]:
        """The names of the databases."""
        return [f"{self.prefix}{number:02}" for number in range(1, COUNT + 1)]

    def __call__(self, *arguments: str, code: int = 0, group: tuple[str, ...] = ("fleet",)) -> str:
        """Run a command of the group `fleet`; return its answer."""
        self.capsys.readouterr()
        root = str(self.work.project.root)
        with pytest.raises(SystemExit) as ended:
            cli.main(["--project", root, *group, *arguments])
        out, err = self.capsys.readouterr()
        assert ended.value.code == code, out + err
        return out + err

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the fleet with its profile."""
        return self(*arguments, "-e", "tenants", code=code)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run it with --json, and return the object."""
        text = self.run(*arguments, "--json", code=code)
        return json.loads(text[text.index("{\n") : text.rindex("}") + 1])

    def states(self, *arguments: str) -> dict[str, str]:
        """Return the state of each database, by the ends of their names."""
        answer = self.json("status", *arguments)
        return {each["name"][-2:]: each["state"] for each in answer["databases"]}

    def connect(self, number: int) -> psycopg.Connection:
        """Connect to a database, by its number."""
        return psycopg.connect(self.server.url(self.names[number - 1]), autocommit=True)

    def ledger(self, number: int) -> list[str]:
        """Return the revisions in the ledger of a database."""
        with self.connect(number) as connection:
            return [id_ for (id_,) in connection.execute(LEDGER)]

    def current(self, database: str) -> list[str]:
        """Return the rows of the version table of a database."""
        with psycopg.connect(self.server.url(database)) as connection:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return [id_ for (id_,) in rows]

    def profile(self, **settings: str) -> None:
        """Write the profile of the fleet."""
        lines = {"DATABASES": f"{self.prefix}??", "ENVIRONMENT": "development", **settings}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        path = self.work.project.profiles_dir / "tenants.fleet.env"
        path.write_text(text)


@pytest.fixture
def tenants(
    work: Work, server: Server, admin: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> Iterator[Tenants]:
    first = work.revision("first", "create table one (id int)", "drop table one")
    prefix = f"fleet_{work.profile.name}_{id(work):x}_"
    tenants = Tenants(work, server, prefix, [first], capsys)
    tenants.profile()
    for name in tenants.names:
        admin.execute(sql.SQL("CREATE DATABASE {} STRATEGY FILE_COPY").format(sql.Identifier(name)))
    tenants.run("migrate")
    for number, column in enumerate("ab", 2):
        text = f"alter table one add {column} int"
        tenants.revisions.append(
            work.revision(f"number {number}", text, f"alter table one drop {column}")
        )
    yield tenants
    for name in [*tenants.names, f"{prefix}template", f"{prefix}13", f"{prefix}14"]:
        admin.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def test_databases_that_stand_alike_share_a_plan_and_their_statements_are_recorded_once(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = scripts.module

    def counted(history: Any, revision: Revision) -> Any:
        loaded.append(revision.id)
        return load(history, revision)

    opened: list[str] = []
    connect = psycopg.Connection.connect.__func__

    def connected(cls: Any, url: str, **options: Any) -> Any:
        opened.append(url)
        return connect(cls, url, **options)

    text = tenants.run("status")
    assert "12 databases on 1 server" in text
    assert [line.split()[:2] for line in text.splitlines() if "pending" in line] == [
        ["pending", "12"]
    ]
    monkeypatch.setattr(scripts, "module", counted)
    monkeypatch.setattr(psycopg.Connection, "connect", classmethod(connected))
    text = tenants.run("migrate", "--canaries", "1", "--waves", "3,all")
    assert text.count("number 2") == 1, text
    assert "12 databases: 12 changed" in text
    assert "wave 3 of 3: 12 of 12 databases" in text
    ids = [revision.id for revision in tenants.revisions]
    # Once for the hazards of the one plan, and once for the statements.
    assert all(loaded.count(id_) <= 3 for id_ in ids[1:])
    assert len([url for url in opened if tenants.prefix in url]) < 2 * COUNT + 6
    assert tenants.ledger(1) == tenants.ledger(12) == ids
    assert set(tenants.states().values()) == {"head"}


def test_the_next_run_goes_on_after_failures_and_says_why_some_did_not(tenants: Tenants) -> None:
    for number in (2, 5):
        with tenants.connect(number) as connection:
            connection.execute("alter table one add a text")
    with tenants.connect(9) as connection:
        connection.execute("drop table one")
    stopped = tenants.run("migrate", "--at-once", "1", "--waves", "4,all", code=1)
    assert "Stopped: more than 0 failed (--max-failures)" in stopped
    assert "1 changed, 1 failed, 10 not begun" in stopped
    with tenants.connect(11) as holder:
        holder.execute("select pg_advisory_lock(%s)", [0x6C696D6265636B])
        order = Order("migrate", wait=0.1)
        states = outcomes(tenants, order)
    assert states["11"] == ("failed", "another migrator is running")
    assert states["02"] == ("failed", 'column "a" of relation "one" already exists')
    assert states["09"] == ("failed", 'relation "one" does not exist')
    assert sum(state == "done" for state, _ in states.values()) == 7
    text = tenants.run("migrate", "--max-failures", "9", code=1)
    assert "4 databases: 1 changed, 3 failed" in text
    assert '2 databases failed: column "a" of relation "one" already exists' in text
    assert f"To see one: limbeck fleet plan -e tenants --name {tenants.names[1]}" in text
    failed = tenants.json("status")["databases"]
    assert [each["name"][-2:] for each in failed if each["failed"]] == ["02", "05", "09"]
    with tenants.connect(5) as connection:
        connection.execute("alter table one drop a")
    answer = tenants.json("migrate", "--only", "failed", "--max-failures", "9", code=1)
    assert {each["name"][-2:]: each["state"] for each in answer["databases"]} == {
        "02": "failed",
        "05": "done",
        "09": "failed",
    }


def outcomes(tenants: Tenants, order: Order) -> dict[str, tuple[str, str | None]]:
    """Carry out an order in all databases, as another machine would; return states and reasons."""
    project = tenants.work.project
    fleet = fleets.read(project, "tenants")
    members = overviews.look(project, fleet, order, listen=print).members
    reference = overviews.refer(project, fleet)
    password = psycopg.conninfo.conninfo_to_dict(tenants.server.url())["password"]
    sent = [pickle.dumps(task) for task in overviews.tasks(reference, members, order)]
    with ThreadPoolExecutor(4) as pool:
        several = [*pool.map(lambda task: performing.perform(pickle.loads(task)), sent)]  # noqa: S301 - our own
    assert not any(str(password).encode() in each for each in (*sent, pickle.dumps(several)))
    return {each.member[-2:]: (each.state, each.reason) for each in several}


def test_a_revision_with_python_of_its_own_runs_on_each_database_by_itself(
    tenants: Tenants,
) -> None:
    rows = "op.get_bind().exec_driver_sql('select 1').scalar()"
    tenants.work.revision("python", f"n = {rows}\nop.execute(f'insert into one values ({{n}})')")
    index = "op.execute('create index concurrently i on one (id)')"
    tenants.work.revision("index", f"with op.get_context().autocommit_block():\n    {index}")
    states = outcomes(tenants, Order("migrate"))
    assert {state for state, _ in states.values()} == {"done"}
    with tenants.connect(7) as connection:
        assert connection.execute("select id from one").fetchall() == [(1,)]
    assert len(tenants.ledger(7)) == 5


def test_a_rollback_takes_back_what_a_rollout_did_half_way(tenants: Tenants) -> None:
    first, _, _ = tenants.revisions
    named = ["--name", tenants.names[0], "--name", tenants.names[3]]
    tenants.run("migrate", *named)
    assert "2 databases on 1 server" in tenants.run("plan", *named)
    assert "12 databases on 1 server" in tenants("migrate", "-e", "tenants", "--dry-run", group=())
    assert "12 databases on 1 server" in tenants("status", "-e", "tenants", group=())
    assert {name for name, state in tenants.states().items() if state == "head"} == {"01", "04"}
    behind = tenants.json("migrate", "--only", "behind", "--shard", "1/6")
    assert [each["name"][-2:] for each in behind["databases"]] == ["07"]
    text = tenants("rollback", "-e", "tenants", "--to", first.id, group=())
    assert "3 databases: 3 changed" in text
    with tenants.connect(4) as connection:
        (version,) = connection.execute("select version_num from alembic_version").fetchall()
    assert version == (first.id,)
    assert set(tenants.states().values()) == {"pending"}


def test_a_contract_runs_only_when_every_database_is_ready_for_it(tenants: Tenants) -> None:
    rename = {"table": "public.one", "set": {"id2": "id"}, "where": "id2 IS DISTINCT FROM id"}
    options = {"phase": "expand", "change": "copy", "backfills": [rename]}
    for number in range(1, COUNT + 1):
        with tenants.connect(number) as connection:
            connection.execute("alter table one add key int primary key")
            connection.execute("insert into one select n, n from generate_series(1, 5) n")
    column = "alter table one add id2 int"
    phase(tenants.work, "expand", column, "op.execute('alter table one drop id2')", **options)
    drop = "alter table one drop id"
    last = phase(tenants.work, "contract", drop, phase="contract", change="copy")
    text = tenants.run("migrate")
    assert f"12 databases not ready ({tenants.names[0]}" in text
    assert "12 databases: 12 changed" in text
    assert "limbeck fleet backfill -e tenants, then limbeck fleet migrate -e tenants" in text
    tenants.run("backfill", "--name", tenants.names[0])
    text = tenants.run("migrate", "--through", "contract")
    assert "11 databases not ready" in text
    text = tenants("lint", "-e", "tenants", group=(), code=2)
    assert "tenants is a fleet of databases" in text
    assert last.id not in tenants.ledger(1)
    assert "12 databases: 11 changed, 1 had nothing pending" in tenants.run("backfill")
    # It has a view on the column that goes, so its plan is another one.
    with tenants.connect(4) as connection:
        connection.execute("create view own as select id from one")
    text = tenants.run("migrate", "--through", "contract", "--max-failures", "9", code=1)
    assert "12 databases: 11 changed, 1 failed" in text
    assert last.id in tenants.ledger(1)
    with tenants.connect(4) as connection:
        assert connection.execute("select count(id) from own").fetchall() == [(5,)]


def test_the_gate_between_two_waves_decides(tenants: Tenants) -> None:
    tenants.profile(WAVES="1,all", GATE='test "$LIMBECK_WAVE" = 2')
    assert "the gate before wave 2 exited with 1" in tenants.run("migrate", code=1)
    assert sum(state == "head" for state in tenants.states().values()) == 1
    tenants.profile(WAVES="1,all", GATE="true", PROTECTED="yes")
    text = tenants.run("migrate", code=4)
    assert "tenants is protected and there is no terminal to ask on; nothing was done" in text
    assert "Add --yes" in text
    assert "11 databases: 11 changed" in tenants.run("migrate", "--yes")


def test_threads_render_revisions_although_alembic_has_one_environment(tenants: Tenants) -> None:
    history = tenants.work.history
    (revision,) = history.find(tenants.revisions[1].id)
    with ThreadPoolExecutor(8) as pool:
        texts = {*pool.map(lambda _: offline.sql(history, [revision])[0], range(200))}
    assert [text.strip() for text in texts] == ["alter table one add a int;"]


def test_the_rest_of_a_confirmed_plan_runs_after_a_worker_was_killed(tenants: Tenants) -> None:
    project = tenants.work.project
    fleet = fleets.read(project, "tenants")
    fleet = replace(fleet, rollout=replace(fleet.rollout, max_failures=9))
    order = Order("migrate")
    overview = overviews.look(project, fleet, order, listen=print)
    tenants.run("migrate", "--to", tenants.revisions[1].id, "--name", tenants.names[2])
    tenants.run("rollback", "--to", "base", "--name", tenants.names[3])
    result = rollout.run(
        project, fleet, overview, overview.members, order, ask=bool, tell=lambda _: None
    )
    states = {each.member[-2:]: each.state for each in result.outcomes}
    assert [name for name, state in states.items() if state != "done"] == ["04"]
    assert "it moved after the plan was made" in str(result.failed[0].message)
    assert tenants.ledger(3) == [revision.id for revision in tenants.revisions]


def test_a_question_between_waves_needs_a_terminal_and_an_answer(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = ["migrate", "--waves", "1,all", "--ask"]
    assert "there is no terminal to ask on between two waves" in tenants.run(*asking, code=4)
    assert set(tenants.states().values()) == {"pending"}
    text = tenants.run(*asking, "--canaries", f"{tenants.names[1]},nobody", code=2)
    assert "no database of the fleet is called nobody (--canaries)" in text
    monkeypatch.setattr(rollouts, "interactive", lambda: True)
    monkeypatch.setattr(rollouts, "agreed", lambda question: "wave 3" not in question)
    asking = ["migrate", "--waves", "1,1,all", "--ask"]
    assert "the answer before wave 3 was no" in tenants.run(*asking, code=4)
    assert sum(state == "head" for state in tenants.states().values()) == 2
    monkeypatch.setattr(rollouts, "interactive", lambda: False)
    assert "10 databases: 10 changed" in tenants.run(*asking, "--yes")


def test_a_database_that_cannot_be_read_is_named_by_plan_and_lint(tenants: Tenants) -> None:
    away = tenants.server.url("away")
    lines = [tenants.server.url(tenants.names[0]), away]
    (tenants.work.project.root / "t.txt").write_text("\n".join(lines))
    for command in ("plan", "lint", "status"):
        text = tenants(command, "--urls", "t.txt", code=1)
        assert "1 database failed" in text, command
        assert "limbeck fleet plan --urls t.txt --name away" in text, command


def test_databases_that_are_alike_are_compared_once(tenants: Tenants) -> None:
    with tenants.connect(3) as connection:
        connection.execute("create table stray ()")
    for number in (6, 8):
        with tenants.connect(number) as connection:
            connection.execute("alter table one alter id set not null")
    text = tenants.run("check", code=3)
    assert "9 databases at" in text
    assert "2 databases at" in text
    assert "public.stray" in text
    assert "1 database at" in text


def test_a_tenant_is_created_at_the_head_from_a_template(tenants: Tenants) -> None:
    template, name = f"{tenants.prefix}template", f"{tenants.prefix}13"
    tenants.profile(TEMPLATE=template)
    head = tenants.revisions[-1].id
    assert f"is at {head}" in tenants.run("create", name)
    assert f"the database {name} exists already" in tenants.run("create", name, code=1)
    states = tenants.states()
    assert (states["13"], len(states)) == ("head", COUNT + 1)
    assert "would not be a database of the fleet" in tenants.run("create", "other", code=2)


def test_a_rollout_ends_with_the_template_so_that_a_new_tenant_is_only_copied(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, head = (revision.id for revision in tenants.revisions)
    template = f"{tenants.prefix}template"
    tenants.profile(TEMPLATE=template)
    tenants.run("create", f"{tenants.prefix}13")
    assert tenants.current(template) == [head]
    tenants.run("rollback", "--to", first)
    assert tenants.current(template) == [first]
    tenants.run("migrate", "--to", second, "--name", tenants.names[0])
    assert tenants.current(template) == [first]
    with tenants.connect(2) as connection:
        connection.execute("alter table one add a text")
    tenants.run("migrate", "--max-failures", "1", code=1)
    assert tenants.current(template) == [first]
    with tenants.connect(2) as connection:
        connection.execute("alter table one drop a")
    answer = tenants.json("migrate")
    assert (answer["template"]["name"], answer["template"]["current"]) == (template, [head])
    opened: list[str] = []
    connect = psycopg.Connection.connect.__func__

    def connected(cls: Any, url: str, **options: Any) -> Any:
        opened.append(url)
        return connect(cls, url, **options)

    monkeypatch.setattr(psycopg.Connection, "connect", classmethod(connected))
    tenants.run("create", f"{tenants.prefix}14")
    assert len(opened) == 2, "one to copy, one to ask where the template stands"


def test_a_new_tenant_has_the_old_structure_for_as_long_as_the_fleet_has_it(
    tenants: Tenants,
) -> None:
    template, name = f"{tenants.prefix}template", f"{tenants.prefix}13"
    tenants.profile(TEMPLATE=template)
    copy = {"table": "public.one", "set": {"id2": "id"}, "where": "id2 IS DISTINCT FROM id"}
    options = {"phase": "expand", "change": "copy", "backfills": [copy]}
    with tenants.connect(4) as connection:
        connection.execute("alter table one add key int primary key")
        connection.execute("insert into one select n, n from generate_series(1, 5) n")
    column = "alter table one add id2 int"
    down = "op.execute('alter table one drop id2')"
    expand = phase(tenants.work, "expand", column, down, **options)
    drop = "alter table one drop id"
    last = phase(tenants.work, "contract", drop, phase="contract", change="copy")
    tenants.run("migrate", "--through", "expand")
    assert f"is at {expand.id}" in tenants.run("create", name)
    with psycopg.connect(tenants.server.url(name)) as connection:
        assert connection.execute("select id, id2 from one").fetchall() == []
    # A shard and a named database also ask all others, of which one is not filled in yet.
    for chosen in (["--name", tenants.names[0]], ["--shard", "1/2"]):
        text = tenants.run("migrate", "--through", "contract", *chosen)
        assert f"1 database not ready ({tenants.names[3]})" in text
    assert last.id not in tenants.ledger(1)
    tenants.run("backfill")
    assert "13 databases: 13 changed" in tenants.run("migrate", "--through", "contract")
    assert tenants.current(template) == [last.id]
    assert f"is at {last.id}" in tenants.run("create", f"{tenants.prefix}14")


@pytest.mark.parametrize(("fsync", "end"), [("on", '"template0"'), ("off", "FILE_COPY")])
def test_a_server_that_waits_for_the_disk_logs_the_pages_of_a_new_database(
    fsync: str, end: str, admin: psycopg.Connection
) -> None:
    statements: list[str] = []

    class Server:
        info = admin.info

        def execute(self, query: Any) -> psycopg.Cursor:
            if query == "SHOW fsync":
                return admin.execute("SELECT %s", [fsync])
            statements.append(query.as_string())
            return admin.execute("SELECT")

    copying.copy_files(Server(), "template0", "name")  # type: ignore[arg-type]
    assert statements[0].endswith(end)


def test_a_file_of_urls_or_a_query_selects_the_databases(tenants: Tenants) -> None:
    urls = [tenants.server.url(name) for name in tenants.names[:3]]
    path = tenants.work.project.root / "tenants.txt"
    path.write_text(f"# tenants\n{urls[0]}\nacme {urls[1]}\n\n")
    names = [
        each["name"]
        for each in json.loads(tenants("status", "--urls", "tenants.txt", "--json"))["databases"]
    ]
    assert names == [tenants.names[0], "acme"]
    listing = "select datname from pg_database where datname like {} order by 1"
    query = listing.format(f"'{tenants.prefix}0%'")
    text = tenants("status", "--query", "development", query)
    assert "9 databases on 1 server" in text
    path.write_text(f"{urls[0]}\nacme {urls[0]}\n")
    assert "line 2 is the database of tenants.txt line 1" in tenants(
        "status", "--urls", "tenants.txt", code=2
    )
    path.write_text(f"a {urls[0]}\na {urls[1]}\n")
    assert "line 2 has the name of tenants.txt line 1: a" in tenants(
        "status", "--urls", "tenants.txt", code=2
    )
    path.write_text("a mysql://u:hidden-1@h/d\n")
    text = tenants("status", "--urls", "tenants.txt", code=2)
    assert "tenants.txt line 1: a mysql:// URL is not a URL of Postgres" in text
    assert "hidden-1" not in text
    path.write_text("")
    assert "selects no database" in tenants("status", "--urls", "tenants.txt", code=2)
    assert "no databases are chosen" in tenants("status", code=2)
    assert "exclude each other" in tenants("status", "--urls", "x", "--databases", "*", code=2)
    assert "has no database nobody" in tenants.run("status", "--name", "nobody", code=2)


@pytest.mark.parametrize(
    ("canaries", "sizes", "expected"),
    [
        (None, "all", ["abcdef"]),
        ("2", "1,2,all", ["ab", "c", "de", "f"]),
        ("e,b,x", "all", ["eb", "acdf"]),
        (None, "50%,1", ["abc", "d", "ef"]),
        ("9", "1", ["abcdef"]),
    ],
)
def test_waves_take_all_databases_each_once(
    canaries: str | None, sizes: str, expected: list[str]
) -> None:
    members = [Member(name, number, "s", str) for number, name in enumerate("abcdef", 1)]
    parts = waves.waves(members, canaries, sizes)
    assert ["".join(member.name for member in part) for part in parts] == expected


def test_sizes_of_waves_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="some is no size of a wave"):
        waves.check("1,some")
