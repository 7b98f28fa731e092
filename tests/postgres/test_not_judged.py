"""Data migrations under lint: rows that fit, or none; what cannot be judged blocks nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from limbeck import migrate
from limbeck.engine import running
from limbeck.errors import CheckFailedError
from limbeck.events import Event, Notice
from limbeck.lint import linting

if TYPE_CHECKING:
    import psycopg

    from limbeck.lint.linting import Report
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work

START = (
    "CREATE TABLE orders (id int PRIMARY KEY, note text, meta text); "
    "CREATE TABLE kinds (id int PRIMARY KEY, name text UNIQUE, options text); "
    "INSERT INTO kinds VALUES (1, 'new', '[1, 2]'), (2, 'old', '[]')"
)
INDEX = 'op.create_index(revision, "orders", ["note"])'
ASK = "op.get_bind().exec_driver_sql({!r})"
ORM = """
class Base(DeclarativeBase): pass
class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    note, meta = sa.Column(sa.Text), sa.Column(sa.Text)
session = Session(bind=op.get_bind())
for order in session.query(Order): order.note = order.meta.upper()
session.flush()
"""
CSV = """
with (pathlib.Path(__file__).parent.parent / "kinds.csv").open() as file:
    rows = [{"id": int(each["id"]), "name": each["name"]} for each in csv.DictReader(file)]
op.bulk_insert(sa.table("kinds", sa.column("id"), sa.column("name")), rows)
"""
MODULES = ("csv", "json", "os", "pathlib", "urllib.request", "uuid")
IMPORTS = (
    *(f"import {name}" for name in MODULES),
    "import sqlalchemy as sa",
    "from sqlalchemy.orm import DeclarativeBase, Session",
)


class Case(NamedTuple):
    """The code of a revision, what lint finds in it, and how it says on which rows."""

    code: str
    found: tuple[str, ...]
    reason: str = ""


INDEXED = ("create-index-blocking",)


def each(query: str, python: str) -> str:
    """Return the code of a revision that does something with each text of a table."""
    return f"for (text,) in {ASK.format(query)}.all():\n    {python}\n{INDEX}"


def one(query: str) -> str:
    """Return the code of a revision that reads one row."""
    return f"{ASK.format(query)}.scalar_one()\n{INDEX}"


CASES = {
    "objects in a text": Case(
        each("SELECT meta FROM orders", "json.loads(text).pop('old', None)"), INDEXED
    ),
    "what an earlier revision has written": Case(
        each("SELECT options FROM kinds", "json.loads(text).append(3)"), INDEXED
    ),
    "other texts": Case(
        each("SELECT note FROM orders", "uuid.UUID(text)"), INDEXED, "ValueError: badly"
    ),
    "one row of an earlier revision": Case(one("SELECT id FROM kinds WHERE name = 'new'"), INDEXED),
    "a session of the ORM": Case(ORM + INDEX, INDEXED),
    "a file": Case(CSV + INDEX, INDEXED),
    "rows of its own that it reads": Case(
        "op.execute(\"INSERT INTO kinds VALUES (7, 'more', '')\")\n"
        + one("SELECT id FROM kinds WHERE name = 'more'"),
        INDEXED,
    ),
    "a row that nobody has written": Case(
        f"{INDEX}\n{ASK.format('SELECT id FROM orders WHERE id < 0')}.first()[0]",
        (*INDEXED, "not-judged"),
        "TypeError: 'NoneType' object is not subscriptable",
    ),
    "a missing file": Case("open('nowhere.csv')", ("not-judged",), "FileNotFoundError"),
    "an environment variable": Case("os.environ['NOWHERE']", ("not-judged",), "KeyError"),
    "a service": Case(
        "urllib.request.urlopen('http://127.0.0.1:9')", ("not-judged",), "Connection refused"
    ),
    "and what follows": Case(INDEX, INDEXED),
}


@pytest.fixture
def data(work: Work, connection: psycopg.Connection) -> Work:
    """A project whose environment has two tables, one with rows that a revision has written."""
    work.revision("tables", START)
    running.upgrade(work.history, connection)
    connection.execute("INSERT INTO orders VALUES (1, 'a', '{}')")
    (work.project.script_location / "kinds.csv").write_text("id,name\n8,csv\n")
    return work


def lint(work: Work, heard: list[Event]) -> Report:
    pending = [each for each in work.history.revisions() if each.message != "tables"]
    return linting.lint(work.project, pending, listen=heard.append)


def test_what_can_be_judged_is_judged(data: Work) -> None:
    for name, case in CASES.items():
        data.revision(name, case.code, imports=IMPORTS)
    heard: list[Event] = []
    report = lint(data, heard)
    notices = [event.text for event in heard if isinstance(event, Notice)]
    for revision in data.history.revisions()[1:]:
        case = CASES[revision.message]
        hazards = [each for each in report.blocking if each.revision == revision.id]
        assert tuple(each.code for each in hazards) == case.found, [
            each.message for each in hazards
        ]
        texts = [each.message for each in hazards if each.code == "not-judged"]
        texts += [text for text in notices if text.startswith(f"revision {revision.id} ")]
        assert [case.reason in text for text in texts] == [True] * bool(case.reason), texts


def test_production_is_not_migrated_unchecked(data: Work, database: Database) -> None:
    data.revision("ask", "assert 'order' in 'nothing', 'never'\nop.execute('SELECT 1')")
    (data.project.root / "env_profiles" / "development.env").write_text("PROTECTED=yes\n")
    plan = migrate.plan(data.project, data.project.profile("development"), database)
    with pytest.raises(CheckFailedError, match="blocking hazards: not-judged; nothing was done"):
        migrate.apply(plan, confirm=lambda _: True)
    revision = data.history.revisions()[-1]
    text = revision.path.read_text()
    revision.path.write_text(f"{text}\n# limbeck: allow not-judged -- it was reviewed\n")
    report = lint(data, [])
    assert not report.blocking
    assert [each.reason for each in report.allowed] == ["it was reviewed"]
