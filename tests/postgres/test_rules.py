"""Every rule finds the bad case on its page, and not the good one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from limbeck.history.revisions import Revision
from limbeck.lint import target
from limbeck.lint.rules.hazard import LEVELS, Hazard
from limbeck.lint.rules.judge import FALLBACKS, judge
from limbeck.lint.rules.pages import page
from limbeck.lint.rules.registry import RULES
from limbeck.lint.trace.observer import Observer, observing
from limbeck.lint.trace.tracing import Trace
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server

pytestmark = pytest.mark.usefixtures("compared")

PAGES = Path(__file__).parents[2] / "docs" / "rules"
BLOCK = re.compile(r"```sql\n(?:-- (given|bad|good)\n)?(.*?)```", re.DOTALL)
CLEAN = (
    "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
    "DROP SCHEMA IF EXISTS archive CASCADE",
    "DROP PUBLICATION IF EXISTS limbeck_docs",
    "DROP ACCESS METHOD IF EXISTS other CASCADE",
)
ALL = {one.code: one for one in (*RULES, *FALLBACKS)}
WITHOUT_EXAMPLE = {
    "invalid-index-left": "it is on the environment, and not on the shadow: test_trace",
    "extension-upgrade": "no extension here has two versions",
    **dict.fromkeys(
        (
            "gap-between-commits",
            "open-between-commits",
            "phase-breaks-application",
            "loses-privileges",
        ),
        "it takes probes at every commit point: test_passage",
    ),
    "not-judged": "its Python fails: test_trace",
    "fails-on-rows": "only a whole trace tries without rows: test_trace",
}
NOT_BEFORE = {"set-expression-stored": 17, "set-access-method": 15}


def examples(code: str) -> dict[str, str]:
    """Return the SQL of a page: given, bad, good; of the index the tables."""
    return dict(BLOCK.findall((PAGES / f"{code}.md").read_text()))


def parts(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the revisions of an example: whether outside of a transaction, and the statements."""
    for part in re.split(r"(?m)^-- (?=next revision|outside of a transaction)", text):
        first = part.split("\n", 1)[0]
        lines = [line for line in part.splitlines()[:] if not line.startswith("-- ")]
        body = "\n".join(lines[1:] if first.startswith(("next rev", "outside of")) else lines)
        yield first.startswith("outside"), [one for one in re.split(r";\n|;$", body) if one.strip()]


@pytest.fixture(scope="module")
def rule_database(server: Server, admin: psycopg.Connection) -> Iterator[Database]:
    """One database for all pages; each makes the schema anew."""
    name = f"limbeck_rules_{uuid.uuid4().hex[:8]}"
    admin.execute(f"CREATE DATABASE {name}".encode())
    admin.execute("SET allow_in_place_tablespaces = on")
    with suppress(psycopg.errors.DuplicateObject):  # of another worker; the server goes with it
        admin.execute("CREATE TABLESPACE other_disk LOCATION ''")
    yield Database.from_url("rules", server.url(name))
    admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def major(admin: psycopg.Connection) -> int:
    """The major version of the run's server."""
    return admin.info.server_version // 10000


def set_up(connection: Connection, given: str) -> None:
    """Make the tables of the examples anew."""
    for text in CLEAN:
        connection.execute(text)
    for text in (examples("index")[""], given):
        connection.execute(text.encode())


def found(database: Database, given: str, case: str) -> list[Hazard]:
    """Run a case on the tables of the examples and return the hazards of all its revisions."""
    with connect(database) as connection:
        set_up(connection, given)
        with observing(database, connection) as observer:
            traces = [
                traced(observer, connection, outside=outside, statements=statements)
                for outside, statements in parts(case)
                if statements
            ]
        set_up(connection, given)  # the target is as it was before
    asked = target.read("production", database, traces)
    return [one for each in traces for one in judge(RULES, each, asked)]


def traced(
    observer: Observer, connection: Connection, *, outside: bool, statements: list[str]
) -> Trace:
    """Run one revision."""
    observer.start(connection)
    connection.autocommit = outside
    try:
        for statement in statements:
            connection.execute(statement.encode())
        connection.commit()
    except psycopg.Error:
        connection.rollback()
    connection.autocommit = True
    seen = observer.stop()
    return Trace(Revision("r", (), "", Path("case.py")), seen)


def test_every_rule_has_a_page_and_stands_in_the_index() -> None:
    files = {path.stem for path in PAGES.glob("*.md")} - {"index"}
    assert files == ALL.keys()
    line = re.compile(r"^\| \[([\w-]+)\]\(\1\.md\) \| (\w+) \| (.*) \|$", re.MULTILINE)
    listed = {code: (level, summary) for code, level, summary in line.findall(_index())}
    pages = {code: page(code) for code in ALL}
    assert listed == {code: (one.level, one.summary) for code, one in pages.items()}
    assert {one.level for one in pages.values()} == set(LEVELS)


@pytest.mark.parametrize("code", sorted(ALL))
def test_the_sentences_of_a_page_are_well_formed(code: str) -> None:
    sentences = page(code).sentences
    findings = [text for name, text in sentences.items() if name.startswith("finding")]
    advice = [text for name, text in sentences.items() if name.startswith("instead")]
    assert len(findings) + len(advice) + 1 == len(sentences)  # and the summary
    assert all(not text.endswith(".") for text in findings)
    assert all(text[0].isupper() or text[0] == "{" for text in (page(code).summary, *advice))
    assert page(code).summary.endswith(".")


def _index() -> str:
    return (PAGES / "index.md").read_text()


@pytest.mark.parametrize("code", sorted(ALL.keys() - WITHOUT_EXAMPLE.keys()))
def test_a_rule_finds_its_bad_case_and_not_its_good_one(
    code: str, rule_database: Database, major: int
) -> None:
    page = examples(code)
    given = page.get("given", "")
    if major < NOT_BEFORE.get(code, 0):
        pytest.skip(f"from {NOT_BEFORE[code]} on")
    bad = found(rule_database, given, page["bad"])
    mine = [one for one in bad if one.code == code]
    assert mine, [one.code for one in bad]
    good = found(rule_database, given, page["good"])
    assert code not in {one.code for one in good}, [one.message for one in good]
