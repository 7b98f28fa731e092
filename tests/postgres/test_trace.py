"""What a trace sees, and what lint makes of it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg  # noqa: TC002 - beside the other imports
import pytest

from limbeck import generate, safety, settings, stages
from limbeck import migrate as migration
from limbeck.cli import main
from limbeck.engine import running
from limbeck.errors import CheckFailedError, ConfigurationError
from limbeck.events import Event, Listener, StageProgress, ignore
from limbeck.lint import linting, target
from limbeck.lint.trace import named, reading, rows
from limbeck.lint.trace.tracing import trace
from limbeck.output import hazards as reports
from limbeck.output import review
from limbeck.output.locks import svg
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.run import hazards
from limbeck.safety import Report
from tests.postgres.conftest import Work

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import truth_table

pytestmark = pytest.mark.usefixtures("compared")
FEW = 2000  # rows: enough for the planner to do what it did with 20,000

BASE = """
CREATE TABLE users (id bigint PRIMARY KEY, name text, email varchar(20) UNIQUE);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, note text)
"""


@pytest.fixture(scope="module")
def table_database(server: Server, admin: psycopg.Connection) -> Iterator[Database]:
    """A database with the tables of the recorded statements."""
    admin.execute("CREATE DATABASE limbeck_truth")
    database = Database.from_url("truth", server.url("limbeck_truth"))
    with connect(database) as connection:
        truth_table.base(connection, FEW)
    yield database
    admin.execute("DROP DATABASE limbeck_truth WITH (FORCE)")


@pytest.mark.skipif(not truth_table.CORPUS.exists(), reason="no recorded statements here")
def test_locks_scans_and_rewrites_are_seen_as_they_were_recorded(
    table_database: Database, admin: psycopg.Connection, server: Server
) -> None:
    major = admin.info.server_version // 10000
    all_cases = list(truth_table.cases(major))
    wrong: dict[str, list[str]] = {}
    for case in all_cases:
        at = table_database
        if truth_table.alone(case):
            admin.execute("DROP DATABASE IF EXISTS limbeck_alone WITH (FORCE)")
            admin.execute("CREATE DATABASE limbeck_alone TEMPLATE limbeck_truth")
            at = Database.from_url("alone", server.url("limbeck_alone"))
        seen = truth_table.observed(case, at, FEW)
        # The labels are about locks, and this rule is about values.
        judged = {one.level for one in truth_table.hazards(seen) if one.code != "cast-by-session"}
        found = truth_table.differences(case, seen)
        if case.labelled and ("blocking" in judged) != case.blocks:
            found.append(f"judged {judged}")
        if found:
            wrong[case.name] = found
    admin.execute("DROP DATABASE IF EXISTS limbeck_alone WITH (FORCE)")
    admin.execute("DROP TABLESPACE IF EXISTS ts_mig")
    assert wrong == {}
    assert len(all_cases) == {15: 149, 16: 149, 17: 150, 18: 153}.get(major, len(all_cases))


@pytest.fixture
def shop(work: Work) -> Work:
    """A project whose database has the tables users and orders, and is protected."""
    work.revision("base", BASE.strip())
    with connect(settings.database(work.project, work.profile)) as connection:
        running.upgrade(work.history, connection)
    return work


def lint(work: Work, *, asked: bool = False, listen: Listener = ignore) -> Report:
    """Lint what is pending, with the sizes of the tables if asked."""
    database = settings.database(work.project, work.profile)
    found, applied = safety.pending(work.project, work.profile, database)
    return safety.lint(
        work.project,
        found,
        applied=applied,
        profile=work.profile,
        database=database if asked else None,
        listen=listen,
    )


def codes(report: Report, level: str = "blocking") -> list[str]:
    """Return the codes of a level, in order."""
    return [one.code for one in report.hazards if one.level == level]


def test_each_statement_of_a_revision_is_seen_with_its_line(shop: Work) -> None:
    made = shop.revision(
        "two", 'op.add_column("users", sa.Column("age", sa.Integer()))\nop.execute("SELECT 1")'
    )
    (traced,) = trace(shop.project, [made])
    lines = made.path.read_text().splitlines()
    assert [lines[one.line - 1].strip()[:10] for one in traced.statements] == [
        "op.add_col",
        "op.execute",
    ]
    first = traced.statements[0]
    assert {first.name(oid): mode for oid, mode in first.locks.items()} == {
        "users": "AccessExclusiveLock"
    }


def test_a_table_that_the_revisions_make_is_nobodys_yet(shop: Work) -> None:
    shop.revision("new", "CREATE TABLE fresh (id int)")
    shop.revision("index", "CREATE INDEX fresh_id ON fresh (id)")
    assert codes(lint(shop)) == []


def test_of_an_empty_database_all_tables_are_new(work: Work) -> None:
    work.revision("books", "CREATE TABLE books (id int, pages int)")
    work.revision("more", "ALTER TABLE books ADD twice int GENERATED ALWAYS AS (pages * 2) STORED")
    assert codes(lint(work, asked=True)) == []


ONE = "INSERT INTO orders (id) VALUES (1);"
SLUG = "CREATE OR REPLACE FUNCTION slug(t text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ {} $$"
ON_ROWS = (
    "ALTER TABLE orders ADD twice int GENERATED ALWAYS AS (id * 2) STORED",
    "ALTER TABLE orders ALTER user_id TYPE int",
    "CREATE INDEX orders_note ON orders (note)",
    SLUG.format("SELECT lower(t)"),
)


@pytest.mark.parametrize(
    ("state", "rows"),
    [
        ("SELECT 1", "none"),
        (ONE, "one"),  # reltuples is -1 before the first VACUUM or ANALYZE
        (f"{ONE} ANALYZE orders; TRUNCATE orders", "none"),
        (f"ANALYZE orders; {ONE}", "one"),
    ],
)
def test_what_is_done_to_the_rows_of_an_empty_table_is_no_hazard(
    state: str, rows: str, shop: Work, connection: psycopg.Connection
) -> None:
    index = "CREATE INDEX orders_slug ON orders (slug(note))"
    first = shop.revision("slug", f"{SLUG.format('SELECT t')}; {index}")
    with connect(settings.database(shop.project, shop.profile)) as session:
        running.upgrade(shop.history, session, first.id)
    for statement in state.split(";"):
        connection.execute(statement.encode())
    for number, text in enumerate(ON_ROWS):
        shop.revision(f"r{number}", text)
    found = lint(shop, asked=True).blocking
    assert {one.revision for one in found} == (
        set() if rows == "none" else {each.id for each in shop.history.revisions()[-len(ON_ROWS) :]}
    )


def test_a_table_that_hides_its_rows_is_not_taken_for_empty(
    database: Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE secret (id int); CREATE TABLE hidden (id int)")
    connection.execute("ALTER TABLE hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    connection.execute("CREATE ROLE limbeck_blind; ALTER TABLE hidden OWNER TO limbeck_blind")
    try:
        with connect(database) as session:
            session.execute("SET row_security = off; SET ROLE limbeck_blind")
            assert not target.is_empty(session, "secret")
            assert not target.is_empty(session, "hidden")
    finally:
        connection.execute("DROP OWNED BY limbeck_blind CASCADE; DROP ROLE limbeck_blind")


def test_the_catalog_is_read_once_whatever_the_revisions_do_to_tables(
    shop: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, asked = reading.whole, list[int]()
    monkeypatch.setattr(reading, "whole", lambda *of: asked.append(1) or whole(*of))
    new = [f"CREATE TABLE t{number} (id int PRIMARY KEY, n int)" for number in range(9)]
    new += ["CREATE INDEX ON t0 (n)", "COMMENT ON TABLE t1 IS 'one'"]
    new += ["ALTER TABLE t2 ADD FOREIGN KEY (n) REFERENCES t3"]
    old = ["ALTER TABLE orders ADD n int", "CREATE INDEX ON orders (n)", "DROP TABLE t4"]
    old += ["ALTER TABLE orders ALTER note SET NOT NULL, ALTER n TYPE bigint, DROP note"]
    old += ["CREATE TYPE mood AS ENUM ('sad')", "DELETE FROM orders", "DROP TABLE users CASCADE"]
    both = [
        shop.revision("many", "\n".join(f"op.execute({each!r})" for each in each_))
        for each_ in (new, old)
    ]
    traced = trace(shop.project, both)
    assert len(asked) == 1
    end = traced[-1].statements[-1].after
    assert {"orders_n_idx", "orders"} <= {each.name for each in end.relations.values()}


AROUND = """
CREATE TYPE mood AS ENUM ('sad');
CREATE TABLE alone (id int PRIMARY KEY);
CREATE TABLE feeling (id int PRIMARY KEY, now mood);
CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parent FOR VALUES FROM (0) TO (9);
CREATE TABLE line (order_id bigint REFERENCES orders ON DELETE CASCADE);
CREATE TABLE piece (id int, order_id bigint REFERENCES orders);
CREATE TABLE log (n int);
CREATE TABLE "Spare Kit" (id int);
CREATE VIEW cheap AS SELECT id FROM alone;
CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO log VALUES (1); RETURN new; END $$;
CREATE TRIGGER logged AFTER UPDATE ON feeling FOR EACH ROW EXECUTE FUNCTION logged()
"""


@pytest.mark.parametrize(
    ("body", "tables"),
    [
        ("op.drop_table('alone')", ["alone"]),
        ("op.drop_index('alone_pkey')", ["alone"]),
        ("op.execute('ALTER TABLE ALONE ADD n int')", ["alone"]),
        ("op.execute('DELETE FROM orders')", ["line", "orders", "piece", "users"]),
        ("op.add_column('part', sa.Column('n'))", ["parent", "part"]),
        ("op.execute('DROP VIEW cheap')", ["alone"]),
        ("op.execute(\"ALTER TYPE mood ADD VALUE 'so'\")", ["feeling", "log"]),
        ("op.drop_table('Spare Kit')", ["Spare Kit"]),
        ("op.execute('SELECT logged()')", ["log"]),
        ("[op.drop_table(n) for n in ('alone', 'log')]", ["alone", "log"]),
        ("op.drop_table(f'a{1}')", None),
        ("op.drop_table('al' + chr(111))", None),
        ("op.execute(\"DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'log'; END $$\")", None),
        ("sa.inspect(op.get_bind()).get_table_names()", None),
        ("import helpers\nhelpers.upgrade()", None),
    ],
)
def test_the_tables_that_a_revision_could_touch_get_rows(
    shop: Work, connection: psycopg.Connection, body: str, tables: list[str] | None
) -> None:
    connection.execute(AROUND.encode())
    revision = shop.revision("change", body)
    oids = named.tables(connection, [revision.path])
    query = "SELECT relname FROM pg_class WHERE oid = ANY (%s) AND relkind IN ('r', 'p')"
    listed = connection.execute(query, [list(oids or ())]).fetchall()
    assert (None if oids is None else sorted(name for (name,) in listed)) == tables


def test_what_happens_to_a_table_in_use_is_seen_among_new_ones(shop: Work) -> None:
    lines = ["CREATE TABLE a (id int PRIMARY KEY)", "CREATE INDEX ON orders (note)"]
    lines += ["CREATE TABLE b (id int)", "CREATE TABLE c (user_id bigint REFERENCES users)"]
    shop.revision("mixed", "\n".join(f"op.execute({one!r})" for one in lines))
    found = lint(shop).hazards
    assert {("create-index-blocking", "orders"), ("fk-locks-referenced", "users")} <= {
        (one.code, one.relation) for one in found
    }


def test_what_a_do_block_does_is_seen(shop: Work) -> None:
    body = "DO $$ BEGIN EXECUTE 'create' || ' index on orders (note)'; END $$"
    shop.revision("hidden", f"op.execute({body!r})")
    assert codes(lint(shop)) == ["create-index-blocking"]


def test_concurrently_outside_of_the_transaction_blocks_nobody(shop: Work) -> None:
    shop.revision(
        "safe",
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("i", "orders", ["note"], postgresql_concurrently=True)',
    )
    (traced,) = trace(shop.project, shop.history.revisions()[-1:])
    statement = traced.statements[-1]
    assert statement.waits
    assert set(statement.locks.values()) == {"ShareUpdateExclusiveLock"}
    assert codes(lint(shop)) == []


def test_a_hazard_says_whom_it_blocks_and_how_big_the_table_is(
    shop: Work, connection: psycopg.Connection
) -> None:
    connection.execute("INSERT INTO orders (id) SELECT g FROM generate_series(1, 5000) AS g")
    connection.execute("ANALYZE orders")
    shop.revision("index", "CREATE INDEX orders_note ON orders (note)")
    report = lint(shop, asked=True)
    (hazard,) = report.blocking
    assert (hazard.relation, hazard.lock, hazard.blocks) == ("orders", "SHARE", "writes")
    assert hazard.size is not None
    assert hazard.size.rows == 5000
    text = reports.hazards_text(report)
    assert "writes of orders wait (SHARE)" in text
    assert "orders has about 5,000 rows" in text
    assert "on development" in text


def test_statistics_of_the_environment_tell_that_not_null_fails(
    shop: Work, connection: psycopg.Connection
) -> None:
    connection.execute("INSERT INTO orders (id) SELECT g FROM generate_series(1, 100) AS g")
    connection.execute("ANALYZE orders")
    shop.revision("nn", "ALTER TABLE orders ALTER note SET NOT NULL")
    assert "not-null-on-nulls" in codes(lint(shop, asked=True))
    assert "not-null-on-nulls" in codes(lint(shop), "note")


def test_an_invalid_index_of_the_environment_is_named(
    shop: Work, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE INDEX broken ON orders (note)")
    connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass"
    )
    shop.revision(
        "again",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS broken ON orders (note)")',
    )
    assert "invalid-index-left" in codes(lint(shop, asked=True), "warning")


def test_a_statement_that_fails_on_rows_is_tried_without_them(shop: Work) -> None:
    shop.revision("required", "ALTER TABLE orders ADD COLUMN channel text NOT NULL")
    assert codes(lint(shop)) == ["add-required-column"]


def test_a_statement_that_fails_on_invented_rows_only_is_a_warning(shop: Work) -> None:
    shop.revision("small", "ALTER TABLE users ADD CONSTRAINT none CHECK (id < 0) NOT VALID")
    shop.revision("small too", "ALTER TABLE users VALIDATE CONSTRAINT none")
    assert "fails-on-rows" in codes(lint(shop), "warning")


def test_a_comment_with_a_reason_allows_its_hazard(shop: Work) -> None:
    shop.revision(
        "index",
        "# limbeck: allow create-index-blocking -- a thousand rows\n"
        'op.create_index("a", "orders", ["note"])\n'
        'op.create_index("b", "orders", ["user_id"])',
    )
    report = lint(shop)
    lines = shop.history.revisions()[-1].path.read_text().splitlines()
    assert ['"b"' in lines[one.line - 1] for one in report.blocking] == [True]
    assert [(one.hazard.relation, one.reason) for one in report.allowed] == [
        ("orders", "a thousand rows")
    ]


@pytest.mark.parametrize(
    ("comment", "level", "code"),
    [
        ("# limbeck: allow truncate -- it is gone", "warning", "unused-suppression"),
        ("# limbeck: allow truncate", "blocking", "suppression-without-reason"),
        ("# limbeck: allow truncate --", "blocking", "suppression-without-reason"),
        ("# limbeck: allow trunkate -- why", "blocking", "unused-suppression"),
        ("# limbeck: allow", "blocking", "unused-suppression"),
    ],
)
def test_a_comment_that_is_wrong_is_a_hazard(
    shop: Work, comment: str, level: str, code: str
) -> None:
    shop.revision("comment", f'{comment}\nop.execute("SELECT 1")')
    assert codes(lint(shop), level) == [code]


def test_a_comment_outside_of_functions_speaks_of_the_file(shop: Work) -> None:
    made = shop.revision("index", "CREATE INDEX a ON orders (note); CREATE INDEX b ON users (name)")
    text = made.path.read_text()
    made.path.write_text(f"{text}\n# limbeck: allow create-index-blocking -- at night\n")
    report = lint(shop)
    assert codes(report) == []
    assert len(report.allowed) == 2


def test_only_the_revisions_that_a_git_branch_adds_are_looked_at(shop: Work) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
        subprocess.run(["git", *identity, *words], cwd=shop.project.root, check=True)

    git("init", "-q", "-b", "trunk")
    git("add", ".")
    git("commit", "-qm", "base")
    git("checkout", "-qb", "feature")
    made = shop.revision("index", "CREATE INDEX a ON orders (note)")
    assert safety.chosen(shop.history, since="trunk") == (made,)
    git("add", ".")
    git("commit", "-qm", "feature")
    assert safety.chosen(shop.history, since="trunk") == (made,)
    with pytest.raises(ConfigurationError, match="nowhere"):
        safety.chosen(shop.history, since="nowhere")


def test_a_picture_has_each_lock_on_a_table_in_use_until_its_commit(shop: Work) -> None:
    statements = [
        "CREATE TABLE fresh (id int)",
        "ALTER TABLE orders ADD COLUMN c int",
        "ALTER TABLE orders ADD COLUMN d int",
        "CREATE INDEX ON users (name)",
    ]
    alone = "CREATE INDEX CONCURRENTLY by_c ON orders (c)"
    shop.revision(
        "locks",
        "\n".join(f"op.execute({each!r})" for each in statements)
        + f"\nwith op.get_context().autocommit_block():\n    op.execute({alone!r})",
    )
    (timeline,) = lint(shop).timelines
    assert [moment.text for moment in timeline.moments] == [*statements, alone]
    assert [(each.table, each.mode, each.first, each.last) for each in timeline.locks] == [
        ("orders", "AccessExclusiveLock", 1, 3),
        ("users", "ShareLock", 3, 3),
        ("orders", "ShareUpdateExclusiveLock", 4, 4),
    ]
    picture = svg([timeline])
    for words in ("blocks reads and writes", "blocks writes", "blocks DDL only"):
        assert picture.count(f">{words}<") == 1
    assert "fresh (id int)" in picture
    assert picture.count("<line ") == 2
    assert " s</text>" not in picture
    assert " s</text>" in svg([timeline], timed=True)


def test_a_rule_that_finds_several_statements_is_stated_once_with_its_lines(shop: Work) -> None:
    columns = [f"ALTER TABLE orders ADD COLUMN c{number} int" for number in range(3)]
    columns.append("ALTER TABLE users ADD COLUMN d int")
    made = shop.revision("columns", "\n".join(f"op.execute({one!r})" for one in columns))
    first = 1 + made.path.read_text().splitlines().index(f"    op.execute({columns[0]!r})")
    report = lint(shop)
    text = reports.hazards_text(report)
    assert len(report.hazards) > 3
    assert text.count("cached-plan-invalidated") == text.count("Instead: Name columns") == 1
    numbers = [str(first + number) for number in range(4)]
    assert f"  lines {', '.join(numbers)}: note: cached-plan-invalidated" in text
    assert f"    lines {', '.join(numbers[:3])}: SELECT * FROM orders returns" in text
    assert f"    line {numbers[3]}: SELECT * FROM users returns" in text
    markdown = reports.hazards_markdown(report)
    assert (
        f"#### note: `cached-plan-invalidated`, {reports.shown(made.path)}:{', '.join(numbers)}"
        in (markdown)
    )
    assert markdown.count("Instead: Name columns") == 1


def test_a_blocking_hazard_is_refused_unless_it_is_allowed(
    shop: Work, connection: psycopg.Connection
) -> None:
    connection.execute("INSERT INTO orders (id) VALUES (1)")
    shop.revision("index", "CREATE INDEX a ON orders (note)")
    report = lint(shop, asked=True)
    with pytest.raises(CheckFailedError, match="create-index-blocking") as caught:
        safety.refuse(report)
    assert "--allow create-index-blocking" in (caught.value.hint or "")
    safety.refuse(report, ["create-index-blocking"])
    with pytest.raises(ConfigurationError, match="no hazard nonsense"):
        safety.refuse(report, ["nonsense"])
    with pytest.raises(ConfigurationError, match="truncated") as caught_too:
        safety.refuse(report, ["truncated"])
    assert (caught_too.value.hint or "").startswith("Did you mean truncate?")


def test_hazards_stand_in_the_order_of_their_lines(shop: Work) -> None:
    shop.revision(
        "order",
        "# limbeck: allow trunkate -- gone\nop.execute('SELECT 1')\n"
        "op.execute('CREATE INDEX a ON orders (note)')",
    )
    found = lint(shop).hazards
    assert [one.code for one in found][:2] == ["unused-suppression", "create-index-blocking"]
    assert found[0].message == "there is no rule trunkate; did you mean truncate?"


def test_every_format_names_file_line_and_rule(shop: Work) -> None:
    shop.revision("index", "CREATE INDEX a ON orders (note)")
    report = lint(shop)
    (hazard,) = report.blocking
    (shop.project.root / ".git").mkdir()
    (command,) = [
        line for line in review.hazards_github(report).splitlines() if line.startswith("::error")
    ]
    path = f"alembic/versions/{hazard.path.name}"
    assert f"file={path},line={hazard.line},title=create-index-blocking::" in command
    (run,) = review.hazards_sarif(report)["runs"]
    assert {
        (
            one["ruleId"],
            one["level"],
            one["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for one in run["results"]
    } >= {("create-index-blocking", "error", hazard.line)}
    assert "CREATE INDEX a ON orders (note)" in reports.hazards_markdown(report)
    data = reports.hazards_data(report)
    assert data["blocking"] == 1
    assert data["hazards"][0]["lock"] == "SHARE"


def test_rows_are_put_into_tables_of_all_kinds(
    database: Database, connection: psycopg.Connection
) -> None:
    connection.execute(
        """
        CREATE TYPE mood AS ENUM ('fine', 'ill');
        CREATE DOMAIN positive AS int CHECK (value > 0);
        CREATE TABLE parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code char(3) UNIQUE);
        CREATE TABLE child (
            parent_id int NOT NULL REFERENCES parent, small numeric(3,2), flag boolean UNIQUE,
            state text NOT NULL CHECK (state IN ('on', 'off')), mood mood, more positive,
            tags text[] NOT NULL, at timestamptz NOT NULL, data jsonb, twice int GENERATED ALWAYS
            AS (parent_id * 2) STORED, place point NOT NULL, part int4range, raw bytea, key uuid)
        """
    )
    with connect(database) as other:
        assert rows.fill(other) == frozenset()
    counts = "SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM child)"
    (parents, children) = connection.execute(counts).fetchone() or (0, 0)
    assert parents >= 99
    assert children >= 1


MODELS = """
Table("users", metadata, Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False), Column("email", String(30), unique=True),
    Column("nick", Text, server_default="x"))
Table("orders", metadata, Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, ForeignKey("users.id"), index=True),
    Column("note", Text), Column("agent_id", BigInteger, ForeignKey("users.id")),
    CheckConstraint("note <> ''", name="note_filled"))
"""


def test_what_generate_writes_for_tables_in_use_has_no_blocking_hazard(shop: Work) -> None:
    shop.models(MODELS)
    made = generate.revision(shop.project)
    assert made.path is not None
    report = lint(shop)
    assert len(report.revisions) == 1
    assert codes(report) == [], reports.hazards_text(report)


def migrate(work: Work, *options: str) -> int:
    """Run limbeck migrate and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["--project", str(work.project.root), "migrate", "--yes", *options])
    return int(ended.value.code or 0)


def test_a_protected_environment_is_not_migrated_with_a_blocking_hazard(
    shop: Work, connection: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = shop.project.profiles_dir / "development.env"
    profile.write_text("PROTECTED=yes\n")
    connection.execute("INSERT INTO orders (id) VALUES (1)")
    shop.revision("index", "CREATE INDEX orders_note ON orders (note)")
    index = "SELECT to_regclass('orders_note') IS NOT NULL"

    assert migrate(shop) == 3
    assert connection.execute(index).fetchone() == (False,)
    said = capsys.readouterr()
    assert "writes of orders wait (SHARE)" in said.err
    assert "--allow create-index-blocking" in said.err

    assert migrate(shop, "--dry-run", "--json") == 0
    assert '"code": "create-index-blocking"' in capsys.readouterr().out

    assert migrate(shop, "--allow", "create-index-blocking") == 0
    assert connection.execute(index).fetchone() == (True,)


def test_the_library_refuses_a_blocking_hazard_as_the_command_does(
    shop: Work, database: Database, connection: psycopg.Connection
) -> None:
    profile = dataclasses.replace(shop.profile, protected=True)
    connection.execute("INSERT INTO orders (id) VALUES (1)")
    shop.revision("index", "CREATE INDEX orders_note ON orders (note)")
    plan, asked = migration.plan(shop.project, profile, database), list[migration.Plan]()

    def confirm(plan: migration.Plan) -> bool:
        asked.append(plan)
        return True

    with pytest.raises(CheckFailedError, match="create-index-blocking") as caught:
        migration.apply(plan, confirm=confirm)
    assert (caught.value.exit_code, asked) == (3, [])
    index = "SELECT to_regclass('orders_note') IS NOT NULL"
    assert connection.execute(index).fetchone() == (False,)
    migration.apply(plan, confirm=confirm, allow=["create-index-blocking"])
    assert (connection.execute(index).fetchone(), asked) == ((True,), [plan])


FIRST = """
CREATE TYPE mood AS ENUM ('sad');
create table book (id int PRIMARY KEY, now mood, note text);
CREATE UNIQUE INDEX book_note ON book (note);
ALTER TABLE book ADD CHECK (id > 0), ALTER note SET NOT NULL, DROP now;
CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;
CREATE VIEW books AS SELECT * FROM book;
INSERT INTO book VALUES (1, 'a; b');
COMMENT ON TABLE book IS 'ALTER TYPE'
"""


@pytest.mark.parametrize(
    ("sql", "traced"),
    [
        (FIRST, False),
        (f"{FIRST}; ALTER TYPE mood ADD VALUE 'so'", True),
        (f"{FIRST}; UPDATE book SET id = 2", True),
        ("CREATE TABLE book (id int); CREATE INDEX CONCURRENTLY i ON book (id)", True),
        ("DROP TABLE IF EXISTS book", True),
        ("DO $$ BEGIN CREATE TABLE book (); END $$", True),
    ],
)
def test_a_first_revision_that_only_creates_is_judged_by_its_sql(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch, sql: str, *, traced: bool
) -> None:
    revision = work.revision("first", f"op.execute({sql!r})")
    plan = migration.plan(work.project, work.profile, database)
    traces = list[object]()
    monkeypatch.setattr(
        linting, "trace", lambda *of, **with_: traces.append(of) or trace(*of, **with_)
    )
    report = hazards.look(plan)
    assert report is not None
    assert (report.revisions, bool(traces)) == ((revision,), traced)
    assert report.hazards == safety.lint(work.project, [revision]).hazards


def test_a_revision_of_an_environment_with_tables_is_always_traced(
    shop: Work, connection: psycopg.Connection
) -> None:
    connection.execute(ONE)
    revision = shop.revision("more", "CREATE INDEX ON orders (note)")
    database = settings.database(shop.project, shop.profile)
    report = hazards.look(migration.plan(shop.project, shop.profile, database))
    assert report is not None
    assert [hazard.revision for hazard in report.blocking] == [revision.id]


def test_long_stages_tell_how_many_revisions_are_done(
    shop: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "LONG", 0.0)
    monkeypatch.setattr(stages, "PAUSE", 0.0)
    made = [shop.revision(name, f"CREATE TABLE {name} ()") for name in ("one", "two", "three")]
    heard: list[Event] = []
    trace(shop.project, made[1:], listen=heard.append)
    progress = [each for each in heard if isinstance(each, StageProgress)]
    assert [(each.text.split()[0], each.done, each.total) for each in progress] == [
        *(("replaying", done, 2) for done in (1, 2, 2)),
        *(("tracing", done, 2) for done in (1, 2, 2)),
    ]
