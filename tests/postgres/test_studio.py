"""The pages of `limbeck studio` and `limbeck report`: what they show, and that they only read."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psycopg
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from limbeck.cli import group
from limbeck.postgres import url as urls
from limbeck.run.places import Holding, timeline
from limbeck.studio import assets, desk, report
from limbeck.studio.guard import Access
from limbeck.studio.report import Extent
from limbeck.studio.server import PAGES, application
from limbeck.studio.sizes import sizes
from limbeck.visible import visible
from tests.acceptance.test_how_to_team import follow
from tests.acceptance.workplace import REPOSITORY, Workplace
from tests.postgres.pages import HIDDEN, NAMES, Parsed, Shop, shop
from tests.postgres.relay import relayed

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import Work

BIN = Path(sys.executable).parent
PAGE = REPOSITORY / "docs" / "how-to" / "studio.md"


@pytest.fixture(scope="module")
def shown(
    server: Server, admin: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The project of all these tests, which only read it."""
    with shop(server, admin, tmp_path_factory.mktemp("pages")) as made:
        yield made


def opened(shown: Shop) -> TestClient:
    """Return a browser that was let in."""
    access = Access(8123)
    client = TestClient(application(shown.desk, access), base_url="http://127.0.0.1:8123")
    assert client.get(access.address).status_code == 200
    return client


@pytest.fixture
def client(shown: Shop) -> TestClient:
    return opened(shown)


def text(client: TestClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    page = Parsed(answer.text)
    page.refuse_harm()
    return " ".join(page.text.split())


def test_environments_stand_side_by_side(client: TestClient) -> None:
    page = text(client, "/environments")
    assert "1 pending" in page
    assert "drifted" in page
    assert "limbeck migrate -e development" in page


def test_a_revision_has_its_sql_its_hazards_its_locks_and_its_places(client: TestClient) -> None:
    assert "<b>people</b>" in text(client, "/revisions")
    page = text(client, "/revision?id=head")
    assert "alter table people alter column name type varchar(99);" in page
    assert "development not applied" in page
    assert "Lock: ACCESS EXCLUSIVE on people, which blocks reads and writes." in page


def test_a_plan_has_the_command_that_carries_it_out(client: TestClient) -> None:
    page = text(client, "/plan?environment=development")
    assert "1 revision to apply" in page
    assert "limbeck migrate -e development" in page
    assert "alter table people alter column name type varchar(99);" in page


def test_a_schema_is_searched_by_tables_and_columns(client: TestClient) -> None:
    assert "2 tables of 13" in text(client, "/schema?search=person")
    assert "12 tables of 13" in text(client, "/schema?search=TO_PEOPLE")
    assert "no tables of 13" in text(client, "/schema?search=nothing")


def test_a_table_has_all_that_belongs_to_it(client: TestClient) -> None:
    page = text(client, "/table?source=development&schema=public&name=people")
    for part in (
        "character varying(50)",
        "PRIMARY KEY (id)",
        "Row security on",
        "own: permissive, SELECT, for public",
        "PUBLIC: SELECT",
        "Referred to by",
        "public.orders: orders_person_fkey",
        "Size",
    ):
        assert part in page
    assert "CREATE INDEX orders_person" in text(client, "/table?name=orders")


def test_rows_are_paged_and_filtered_and_masked(client: TestClient) -> None:
    address = "/rows?source=development&name=people"
    page = text(client, address)
    assert "Rows 1 to 50" in page
    assert "Masked by the setting mask: api_token." in page
    assert HIDDEN not in page
    assert "Rows 101 to 120" in text(client, f"{address}&start=100")
    assert "Rows 1 to 2 " in text(client, f"{address}&column=name&comparison=contains&value=n+12")
    assert "Rows 1 to 1 " in text(client, f"{address}&column=id&comparison=equals&value=7")
    assert "No rows." in text(client, f"{address}&column=id&comparison=is+null")
    # A comparison would tell the value, too.
    text(client, f"{address}&column=api_token&comparison=contains&value=a", 404)


def test_masked_values_stay_on_the_server(shown: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with relayed(shown.database) as relay:
        monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", relay.to(shown.database).url)
        text(opened(shown), "/rows?source=development&name=people")
    (query,) = [each for each in relay.statements if "SELECT ARRAY[" in each]
    assert "name" in query
    assert "api_token" not in query


def test_the_difference_of_two_sources_is_that_of_diff(client: TestClient) -> None:
    page = text(client, "/difference?before=base&after=head")
    assert "create table public.people" in page
    assert "limbeck diff base head" in page
    assert "No differences." in text(client, "/difference?before=head&after=head")


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        "/static/..%2fdesk.py",
        "/table?name=nobody",
        "/rows?source=models&name=people",
        "/schema?source=production",
        "/plan?environment=production",
        "/difference?before=head&after=postgresql://127.0.0.1:1/x",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(address: str, client: TestClient) -> None:
    text(client, address, 404)


def test_a_database_out_of_reach_is_a_page_that_says_so(
    shown: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", "postgresql://me:hush@127.0.0.1:1/nothing")
    client = opened(shown)
    assert "out of reach" in text(client, "/environments")
    assert "hush" not in text(client, "/schema?source=development", 503)


def test_names_do_no_harm_wherever_they_stand(client: TestClient) -> None:
    """Every page that a link leads to is asked for, and none has an element out of a name."""
    todo, pages = ["/environments", "/difference?before=development&after=head"], dict[str, str]()
    while todo:
        if (address := todo.pop()) not in pages:
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.text)
            page = Parsed(answer.text)
            page.refuse_harm()
            pages[address] = page.text
            todo += [each for each in page.links if each.startswith("/")]
    for name in NAMES:
        about = urlencode({"source": "development", "schema": name, "name": name})
        for kind in ("table", "rows"):
            assert visible(name) in pages[f"/{kind}?{about}"]
        assert visible(name) in pages["/schema?source=development"]
    assert {address.partition("?")[0].strip("/") for address in pages} == set(PAGES)


def test_sessions_only_read_and_end_by_themselves(
    shown: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[str] = []
    connect = psycopg.Connection.connect.__func__  # type: ignore[attr-defined]

    def noted(cls: type, url: str, **settings: Any) -> psycopg.Connection:
        if shown.database.dbname in url:
            options.append(settings["options"])
        connection: psycopg.Connection = connect(cls, url, **settings)
        return connection

    monkeypatch.setattr(psycopg.Connection, "connect", classmethod(noted))
    client = opened(shown)
    for kind in PAGES:
        text(client, f"/{kind}?name=people&before=development&after=head")
    assert len(options) >= len(PAGES) - 1
    for each in options:
        assert "default_transaction_read_only=on" in each
        assert "statement_timeout=30s" in each


def test_a_page_asks_as_many_questions_about_many_tables_as_about_one(
    work: Work, database: Database, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(relay: Any, client: TestClient) -> list[int]:
        counts = []
        for address in ("/environments", "/schema", "/table?name=t1", "/rows?name=t1"):
            before = len(relay.statements)
            assert client.get(address).status_code == 200
            counts.append(len(relay.statements) - before)
        return counts

    work.revision("one", "create table t1 (id int primary key)")
    connection.execute("create table t1 (id int primary key)")
    with relayed(database) as relay:
        monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", relay.to(database).url)
        client = opened(Shop(work, database))
        few = [asked(relay, client), asked(relay, client)]
        connection.execute(
            "DO $$ BEGIN FOR n IN 2..200 LOOP EXECUTE format("
            "'CREATE TABLE t%s (id int PRIMARY KEY)', n); END LOOP; END $$"
        )
        many = [asked(relay, client), asked(relay, client)]
    assert many[1] == few[1]
    # A reading of the whole catalog follows a change only.
    assert few[1][1] < few[0][1] <= many[0][1] + 1


@pytest.mark.parametrize(
    ("lock", "missing"),
    [
        ("LOCK TABLE people", {"people"}),
        ("LOCK TABLE events_1", {"events", "events_1"}),
        ("DROP INDEX orders_person", {"orders"}),
    ],
)
def test_the_sizes_of_locked_tables_are_left_out(shown: Shop, lock: str, missing: set[str]) -> None:
    with also(shown, PARTITIONED, "events") as own, psycopg.connect(shown.database.url) as other:
        before = sizes(own)
        assert before["public", "people"].rows == 120
        other.execute(lock.encode())
        assert before.keys() - sizes(own).keys() == {("public", name) for name in missing}
        other.rollback()


@contextmanager
def also(shown: Shop, statements: str, table: str) -> Iterator[psycopg.Connection]:
    """Yield a session with the database, which has one more table meanwhile."""
    with psycopg.connect(shown.database.url, autocommit=True) as connection:
        connection.execute(statements.encode())
        yield connection
        connection.execute(f"drop table {table}".encode())


PARTITIONED = """
create table events (n int) partition by list (n);
create table events_1 partition of events for values in (1);
"""
VALUES = """
create table odd (n int, j json, p point, a int[], t text);
insert into odd values (7, '{"a": 1}', '(1,2)', '{1,2}', 'x'), (8, null, null, null, null);
"""


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("n", "7", "Rows 1 to 1"),
        ("n", "x", 'Problem: invalid input syntax for type integer: "x"'),
        ("n", "9" * 40, "is out of range for type integer"),
        ("j", '{"a": 1}', "Rows 1 to 1"),
        ("j", "{", "No rows."),
        ("p", "(1,2)", "Rows 1 to 1"),
        ("a", "{1,2}", "Rows 1 to 1"),
        ("a", "1,2", 'Problem: malformed array literal: "1,2"'),
        ("t", "x", "Rows 1 to 1"),
    ],
)
def test_a_value_that_is_none_of_its_type_is_a_problem_at_the_field(
    shown: Shop, column: str, value: str, expected: str
) -> None:
    asked = {"name": "odd", "column": column, "comparison": "equals", "value": value}
    with also(shown, VALUES, "odd"):
        assert expected in text(opened(shown), f"/rows?{urlencode(asked)}")


def test_numbers_of_any_length_lead_nowhere_else(client: TestClient) -> None:
    assert "No rows." in text(client, f"/rows?name=people&start={'9' * 5000}")


def test_a_role_sees_the_rows_that_are_its_own(
    shown: Shop, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"reader_{uuid.uuid4().hex[:8]}"
    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'".encode())
    login = {**shown.database.parameters, "user": role, "password": "x"}
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", urls.render(login))
    own = f"insert into people values (500, '{role}', 'x')"
    with psycopg.connect(shown.database.url, autocommit=True) as connection:
        assert "No rows." in text(opened(shown), "/rows?name=people")
        connection.execute(own.encode())
        page = text(opened(shown), "/rows?name=people")
        connection.execute("delete from people where id = 500")
    admin.execute(f"DROP ROLE {role}".encode())
    assert "Row security is active: only the rows that this role may see are shown." in page
    assert "Rows 1 to 1 of development" in page


def test_no_method_and_no_session_writes(client: TestClient, shown: Shop) -> None:
    for kind in ("", "static/studio.css", *PAGES):
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"):
            assert client.request(method, f"/{kind}").status_code in {400, 405}, (method, kind)
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        shown.desk.session(shown.database) as session,
    ):
        session.execute("insert into people values (501)")


def test_an_environment_that_keeps_silent_holds_up_no_other_page(
    shown: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "SOON", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        port = silent.getsockname()[1]
        silent_url = f"postgresql://me:hush@127.0.0.1:{port}/nothing"
        monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", silent_url)
        client = opened(shown)
        waiting = pool.submit(text, client, "/environments")
        with silent.accept()[0]:
            text(client, "/schema?source=head")
            assert not waiting.done()
            assert "does not answer" in waiting.result()


def test_the_timeline_asks_each_environment_once(
    shown: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdings: list[str] = []
    original = Holding.of.__func__  # type: ignore[attr-defined]

    def noted(cls: type, *arguments: Any) -> Holding:
        holdings.append(arguments[1].name)
        holding: Holding = original(cls, *arguments)
        return holding

    monkeypatch.setattr(Holding, "of", classmethod(noted))
    moments = timeline(shown.work.project, shown.work.project.profiles())
    assert [[each.applied for each in moment.places] for moment in moments] == [[False], [True]]
    assert holdings == ["development"]


def test_a_report_is_one_file_with_the_pages_and_without_rows(shown: Shop) -> None:
    document = report.document(shown.desk, Extent("development"), datetime.now(UTC))
    page = Parsed(document)
    page.refuse_harm()
    assert "http:" not in document.replace("http://www.w3.org/2000/svg", "").split("<main")[0]
    targets = {attrs.get("id") for _, attrs in page.elements}
    assert {link.removeprefix("#") for link in page.links} <= targets
    assert all(visible(name) in page.text for name in NAMES)
    assert "limbeck migrate -e development" in page.text
    assert "Person 7" not in page.text
    for name in ("studio.css", "studio.js"):
        assert assets.allowed(assets.text(name)) in document
        assert assets.text(name) in document
    with_rows = report.document(shown.desk, Extent("development", 0, rows=True), datetime.now(UTC))
    assert "Person 7" in with_rows
    assert HIDDEN not in with_rows


def test_a_report_is_written_whole_or_not_at_all(shown: Shop, tmp_path: Path) -> None:
    root = str(shown.work.project.root)
    words = ["--project", root, "report", "--revisions", "0", "--source", "head", "--out"]
    (tmp_path / "folder").mkdir()
    wrong = CliRunner().invoke(group, [*words, str(tmp_path / "folder")])
    assert wrong.exception is not None
    assert "cannot write" in str(wrong.exception)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
    right = CliRunner().invoke(group, [*words, str(tmp_path / "r.html")])
    assert right.exit_code == 0, right.output
    assert (tmp_path / "r.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "r.html"]


def test_the_how_to_is_followed(shown: Shop) -> None:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    follow(PAGE, Workplace(shown.work.project.root, {**os.environ, "PATH": path}))
    assert (shown.work.project.root / "head.html").stat().st_size > 10_000


def test_the_command_serves_until_ctrl_c(shown: Shop) -> None:
    words = [BIN / "limbeck", "--project", shown.work.project.root, "studio", "--no-browser"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout
        address = run.stdout.readline().strip()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        with browser.open(address) as answer:
            assert answer.status == 200
        with browser.open(f"{address.partition('?')[0]}difference") as answer:
            assert "Compare" in answer.read().decode()
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=20)
    assert (run.returncode, output) == (0, "")
    assert errors in PAGE.read_text(encoding="utf-8")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address)  # noqa: S310 - it was printed
