"""Rehearsals, previews and the commands of branches, on this machine and at Neon's stand-in."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from limbeck import cli, migrate, settings
from limbeck.branches.base import Branch
from limbeck.branches.pruning import stale
from limbeck.engine import running
from limbeck.errors import BranchError, ConfigurationError
from limbeck.phased import undo
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.run import preview, rehearse
from limbeck.settings import Place, Project
from tests.neon.server import StandIn
from tests.postgres.conftest import MakeWork, Work
from tests.postgres.phases import phase

PEOPLE = """CREATE TABLE people (id int PRIMARY KEY, mail text);
CREATE TABLE bosses (m text, n int, UNIQUE (n, m)); INSERT INTO bosses VALUES ('a', 1)"""
ROWS = "INSERT INTO people VALUES (1, 'a'), (2, NULL), (3, NULL), (4, 'b'), (5, 'b')"


@dataclass(frozen=True)
class Shop:
    """A project whose environment `production` is a branch: on this machine, or at the stand-in."""

    work: Work
    capsys: pytest.CaptureFixture[str]
    neon: StandIn | None = None

    @property
    def standin(self) -> StandIn:
        """The stand-in, for what only Neon has."""
        assert self.neon is not None
        return self.neon

    @property
    def project(self) -> Project:
        """The project as its files are now."""
        return Project.find(self.work.project.root)

    @property
    def place(self) -> Place:
        """Where its branches are."""
        return settings.place(self.project, self.project.profile("production"))

    def run(self, statement: str, branch: str = "production") -> Any:
        """Execute on a branch."""
        with connect(Database.from_url(branch, self.place.provider.url(branch))) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else None

    def limbeck(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command in this process; give its exit code and what it said."""
        with pytest.raises(SystemExit) as caught:
            cli.main(["--project", str(self.project.root), *arguments])
        said = self.capsys.readouterr()
        return int(str(caught.value.code)), said.out, said.err

    def good(self, *arguments: str) -> str:
        """Run a command, which has to succeed; give its answer."""
        code, out, err = self.limbeck(*arguments)
        assert code == 0, err
        return out

    def branches(self) -> tuple[Branch, ...]:
        """The branches there are."""
        return self.place.provider.all()

    def names(self) -> list[str]:
        """The names of the branches there are."""
        return [branch.name for branch in self.branches()]


@pytest.fixture(params=["local", "neon"])
def shop(
    request: pytest.FixtureRequest, make_work: MakeWork, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shop]:
    """The project, with one revision applied to production; see NEON for what only Neon has."""
    work = make_work()
    made = _at_neon(request, work, capsys) if request.param == "neon" else Shop(work, capsys)
    profiles = work.project.root / "env_profiles"
    if request.param == "own interpreter":
        (work.project.root / "variables.env").write_text("LIMBECK_TESTED=yes\n")
        with (work.project.root / "pyproject.toml").open("a") as file:
            file.write('env-file = "variables.env"\n')
    if request.param != "neon":
        (work.project.root / ".limbeck").symlink_to(request.getfixturevalue("branch_server").home)
        (profiles / "development.env").write_text(f"{LOCAL}PARENT=production\n")
        (profiles / "production.env").write_text(f"{LOCAL}PROTECTED=yes\n")
    made.work.revision("people", PEOPLE, "DROP TABLE people, bosses")
    production = settings.database(made.project, made.project.profile("production"))
    with connect(production) as connection:
        running.upgrade(made.work.history, connection)
        connection.execute(ROWS)
    yield made
    if made.neon is None:
        _clear(made)


LOCAL = "DATABASE_URL=local\n"
NEON = pytest.mark.parametrize("shop", ["neon"], indirect=True)


def _at_neon(
    request: pytest.FixtureRequest, work: Work, capsys: pytest.CaptureFixture[str]
) -> Shop:
    standin: StandIn = request.getfixturevalue("standin")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for name, value in standin.variables.items():
        monkeypatch.setenv(name, value)
    profiles = work.project.root / "env_profiles"
    (profiles / "development.env").write_text("NEON_BRANCH=development\nPARENT=production\n")
    (profiles / "production.env").write_text("NEON_BRANCH=production\nPROTECTED=yes\n")
    return Shop(work, capsys, standin)


def _clear(shop: Shop) -> None:
    """Delete every branch, children first."""
    local = settings.local_branches(shop.project)
    for branch in local.all():
        local.protect(branch.name, protected=False)
    while left := local.all():
        parents = {branch.parent for branch in left}
        for branch in left:
            if branch.name not in parents:
                local.delete(branch.name)


def pending(shop: Shop, statement: str) -> None:
    """Add a revision to the history."""
    (head,) = shop.work.history.revisions()
    shop.work.revision("change", statement, "", down=head)


THERE = """
CREATE SCHEMA s; CREATE TYPE s.kind AS ENUM ('a'); CREATE SEQUENCE s.n;
CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW s.v AS SELECT id FROM people; CREATE MATERIALIZED VIEW s.m AS SELECT id FROM people;
CREATE OPERATOR s.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
GRANT SELECT ON people TO PUBLIC; GRANT SELECT (mail) ON people TO PUBLIC;
REVOKE EXECUTE ON FUNCTION s.f FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC
"""
EVERYTHING = """
ALTER TYPE s.kind RENAME VALUE 'a' TO 'b'; ALTER SEQUENCE s.n CYCLE; SELECT s.f();
ALTER FUNCTION s.f STRICT; ALTER VIEW s.v RENAME TO w; REFRESH MATERIALIZED VIEW s.m;
DROP OPERATOR s.=== (int, int); REVOKE ALL ON people FROM PUBLIC; INSERT INTO people VALUES (9);
ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE SELECT ON TABLES FROM PUBLIC;
DROP SCHEMA s CASCADE; COPY people TO PROGRAM 'true'
"""


def test_a_rehearsal_may_change_everything_but_the_machine(shop: Shop) -> None:
    shop.run(THERE)
    pending(shop, "SELECT 1;" + EVERYTHING)
    rehearsal = rehearse.rehearse(shop.project, shop.project.profile("production"))
    assert rehearsal.failed is not None
    assert "permission denied to COPY to or from an external program" in rehearsal.failed.words
    assert shop.names() == ["production"]


TORN = """
with op.get_context().autocommit_block():
    op.execute("ALTER TABLE notes ALTER owner DROP DEFAULT")
    op.execute("DROP POLICY own ON notes")
    op.execute("ALTER TABLE notes ALTER owner SET DEFAULT 'b'")
    op.execute("CREATE POLICY own ON notes USING (owner = 'me' AND id > 0)")
"""


@pytest.mark.parametrize("shop", ["local"], indirect=True)
def test_a_rehearsal_tries_at_every_commit_what_applications_do(shop: Shop) -> None:
    # A trigger tells who writes, and on which rows: every write has to be rolled back.
    table = """CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL DEFAULT 'a',
        person int REFERENCES people); ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON notes USING (owner = 'me');
        DO $$ BEGIN CREATE ROLE notes_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT SELECT ON notes TO notes_reader"""
    shop.work.revision("notes", table, "")
    shop.good("migrate", "-e", "production", "--yes")
    shop.run("INSERT INTO notes SELECT n, 'me', 4 FROM generate_series(1, 2000) n")
    head = shop.work.history.find("head")[0]
    shop.work.revision("torn", TORN, down=head)
    code, out, _ = shop.limbeck("rehearse", "-e", "production", "--json")
    data = json.loads(out)
    (passage,) = [each["passage"] for each in data["revisions"]]
    assert passage["problem"] is None
    assert {(each["kind"], *each["actions"]) for each in passage["gaps"]} == {
        ("fails", "INSERT of the required columns"),
        ("hidden", "SELECT of all rows"),
    }
    # An INSERT of a row like those that are there has worked at each of the five moments.
    whole, _ = [each for each in passage["probes"] if each["action"] == "INSERT of all columns"]
    assert whole["outcomes"] == ["00000"] * 5
    assert (code, data["good"], data["failed"]) == (3, False, None)
    assert shop.run("SELECT count(*), min(owner) FROM notes") == [(2000, "me")]


LETTERS = "CREATE TABLE letters (id int PRIMARY KEY, body text NOT NULL)"
FILLED = """ALTER TABLE letters ADD content text;
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  NEW.body := coalesce(NEW.body, NEW.content, ''); NEW.content := coalesce(NEW.content, NEW.body);
  RETURN NEW; END $$;
CREATE TRIGGER fill BEFORE INSERT ON letters FOR EACH ROW EXECUTE FUNCTION fill()"""
UNFILLED = "DROP TRIGGER fill ON letters", "ALTER TABLE letters DROP COLUMN body"
BLOCK = "with op.get_context().autocommit_block():\n"


@pytest.mark.parametrize("shop", ["local"], indirect=True)
def test_a_contract_is_rehearsed_as_the_new_application(shop: Shop) -> None:
    # The new application does not know the column body, which is required until the contract.
    shop.work.revision("letters", LETTERS, down=shop.work.history.find("head")[0])
    fill = {"table": "public.letters", "set": {"content": "body"}, "where": "content IS NULL"}
    phase(shop.work, "fill", FILLED, phase="expand", change="body", backfills=[fill])
    shop.good("migrate", "-e", "production", "--yes")
    shop.run("INSERT INTO letters SELECT n, 'hello', 'hello' FROM generate_series(1, 2000) n")
    shop.good("backfill", "-e", "production", "--yes")
    torn = BLOCK + "".join(f"    op.execute({statement!r})\n" for statement in UNFILLED)
    contract = phase(shop.work, "empty", torn, phase="contract", change="body")
    code, out, _ = shop.limbeck("rehearse", "-e", "production", "--json")
    (passage,) = [each["passage"] for each in json.loads(out)["revisions"]]
    assert passage["problem"] is None
    (gap,) = passage["gaps"]
    inserts = ["INSERT of all columns", "INSERT of the required columns"]
    assert (code, gap["kind"], gap["actions"][:2]) == (3, "fails", inserts)
    whole = "".join(f"op.execute({statement!r})\n    " for statement in UNFILLED)
    text = contract.path.read_text()
    contract.path.write_text(text.replace(torn.replace("\n", "\n    ").strip(), whole.strip()))
    out = shop.good("rehearse", "-e", "production", "--json")
    (passage,) = [each["passage"] for each in json.loads(out)["revisions"]]
    assert (passage["gaps"], len(passage["probes"]) > 0) == ([], True)
    assert shop.run("SELECT count(body), count(content) FROM letters") == [(2000, 2000)]


SYNC = """CREATE TABLE letters (id int PRIMARY KEY, body text);
INSERT INTO letters SELECT n, 'hello ' || n FROM generate_series(1, 2000) n"""
SIDES = """ALTER TABLE letters ADD content text;
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' {also} THEN NEW.content := NEW.body; END IF; RETURN NEW; END $$;
CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON letters FOR EACH ROW EXECUTE FUNCTION fill()"""


@pytest.mark.parametrize("shop", ["local"], indirect=True)
def test_a_rehearsal_tells_where_a_trigger_leaves_the_sides_of_a_row_apart(shop: Shop) -> None:
    shop.work.revision("letters", SYNC, down=shop.work.history.find("head")[0])
    shop.good("migrate", "-e", "production", "--yes")
    wrong = "content IS DISTINCT FROM body AND content IS NOT NULL"
    fill = {"table": "public.letters", "set": {"content": "body"}, "where": wrong}
    data = {"phase": "expand", "change": "body", "backfills": [fill]}
    filled = BLOCK + "    op.execute('UPDATE letters SET content = body')\n"
    torn = f"op.execute({SIDES.format(also='')!r})\n{filled}"
    expand = phase(shop.work, "fill", torn, **data)
    code, out, _ = shop.limbeck("rehearse", "-e", "production", "--json")
    (passage,) = [each["passage"] for each in json.loads(out)["revisions"]]
    (gap,) = passage["gaps"]
    assert (code, gap["kind"], gap["actions"]) == (3, "apart", ["UPDATE of body"])
    whole = SIDES.format(also="OR NEW.body IS DISTINCT FROM OLD.body")
    expand.path.write_text(
        expand.path.read_text().replace(repr(SIDES.format(also="")), repr(whole))
    )
    out = shop.good("rehearse", "-e", "production", "--json")
    (passage,) = [each["passage"] for each in json.loads(out)["revisions"]]
    assert passage["gaps"] == []


FAILING = {
    "not null": (
        "ALTER TABLE people ALTER COLUMN mail SET NOT NULL",
        (2, ("id",), (("2",), ("3",))),
    ),
    "unique": (
        "CREATE UNIQUE INDEX people_mail ON people (mail)",
        (2, ("mail",), (("b",),)),
    ),
    "a foreign key": (
        "ALTER TABLE people ADD CONSTRAINT boss FOREIGN KEY (id, mail) REFERENCES bosses (n, m)",
        (2, ("id",), (("4",), ("5",))),
    ),
    "a check": (
        "ALTER TABLE people ADD CONSTRAINT short CHECK (mail <> 'b' OR id > 4)",
        (1, ("id",), (("4",),)),
    ),
    "a check that is validated": (
        """
with op.get_context().autocommit_block():
    op.execute("ALTER TABLE people ADD CONSTRAINT few CHECK (id < 5) NOT VALID")
with op.get_context().autocommit_block():
    op.execute("ALTER TABLE people VALIDATE CONSTRAINT few")
""",
        (1, ("id",), (("5",),)),
    ),
    "a new column": (
        "ALTER TABLE people ADD COLUMN age int NOT NULL",
        (5, ("id",), (("1",), ("2",), ("3",), ("4",), ("5",))),
    ),
}


@pytest.mark.parametrize(
    ("shop", "case"),
    [
        *((place, case) for place in ("local", "own interpreter") for case in FAILING),
        ("neon", "unique"),
    ],
    indirect=["shop"],
)
def test_a_revision_that_fails_on_real_data_shows_the_rows_and_changes_nothing(
    shop: Shop, case: str
) -> None:
    statement, expected = FAILING[case]
    pending(shop, statement)
    before = shop.run("SELECT * FROM alembic_version")
    code, out, err = shop.limbeck("rehearse", "-e", "production", "--json")
    assert code == 1, err
    rows = json.loads(out)["failed"]["offending"]
    shown = (rows["count"], tuple(rows["columns"]), tuple(map(tuple, rows["keys"])))
    assert (rows["table"], shown) == ("public.people", expected)
    assert shop.names() == ["production"]
    assert shop.run("SELECT * FROM alembic_version") == before


def test_a_rehearsal_tells_locks_rewrites_rows_and_the_difference(shop: Shop) -> None:
    pending(shop, "ALTER TABLE people ALTER COLUMN id TYPE bigint")
    tested: list[str] = []

    def test(url: str) -> int:
        with psycopg.connect(url) as connection:
            kind = connection.execute("SELECT pg_typeof(id)::text FROM people").fetchone()
        tested.append(str(kind))
        return 7

    profile = shop.project.profile("production")
    found = rehearse.rehearse(shop.project, profile, test=test)
    ((one,), failed) = found.revisions, found.failed
    assert failed is None
    assert [(each.table, each.rewritten, each.rows) for each in one.holds if each.rewritten] == [
        ("people", True, 5)
    ]
    assert {each.mode for each in one.holds} == {"AccessExclusiveLock"}
    assert "ALTER COLUMN id" in found.difference
    assert (tested, found.test, found.good) == (["('bigint',)"], 7, False)
    assert shop.names() == ["production"]
    code, out, _ = shop.limbeck("rehearse", "-e", "production", "--test", "exit 0")
    assert code == 0
    assert "about 5 rows) is rewritten under AccessExclusiveLock" in out


@pytest.mark.parametrize("shop", ["local"], indirect=True)
def test_what_follows_a_baseline_is_rehearsed(shop: Shop) -> None:
    shop.run("CREATE TABLE by_hand (id int PRIMARY KEY); INSERT INTO by_hand VALUES (1)")
    shop.work.revision(
        "hand",
        "with op.get_context().autocommit_block():\n"
        "    op.execute('ALTER TABLE by_hand ADD COLUMN n int')\n"
        "op.execute('ALTER TABLE by_hand ADD CHECK (n > 0) NOT VALID')",
    )
    assert "by_hand" in shop.limbeck("lint", "-e", "production")[1]  # it does not exist
    shop.good("baseline", "--from-environment", "production")
    shop.good("rehearse", "-e", "production")


def test_nothing_pending_is_rehearsed_well(shop: Shop) -> None:
    code, out, _ = shop.limbeck("rehearse", "-e", "production")
    assert (code, "nothing is pending" in out) == (0, True)


SLEEPING = """
SELECT pid FROM pg_stat_activity
WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_rehearsal_that_is_ended_leaves_no_branch_without_an_end(
    shop: Shop, how: signal.Signals
) -> None:
    pending(shop, "SELECT pg_sleep(30)")
    command = subprocess.Popen(
        [str(Path(sys.executable).parent / "limbeck"), "rehearse", "-e", "production"],
        cwd=shop.project.root,
        env={**os.environ, **(shop.neon.variables if shop.neon else {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(shop.names()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    ends = [branch.expires_at for branch in shop.branches() if not branch.default]
    assert ends
    assert all(ends)
    if how is signal.SIGINT:
        while not shop.run(SLEEPING) and time.monotonic() < deadline:
            time.sleep(0.05)
    command.send_signal(how)
    command.wait(timeout=60)
    left = [branch for branch in shop.branches() if not branch.default]
    assert all(branch.expires_at for branch in left)
    if how is signal.SIGINT:
        assert left == []


def test_production_is_migrated_after_a_rehearsal_and_a_snapshot_brings_it_back(
    shop: Shop,
) -> None:
    pending(shop, "ALTER TABLE people ADD COLUMN age int")
    migrate = ("migrate", "-e", "production", "--rehearse", "--snapshot", "--yes")
    code, _, err = shop.limbeck(*migrate)
    assert code == 0, err
    assert shop.run("SELECT count(age), count(*) FROM people") == [(0, 5)]
    (line,) = (line for line in err.splitlines() if "limbeck branches restore" in line)
    _, *back = shlex.split(line.partition("restore it: ")[2])
    shop.good(*back, "--yes")
    assert shop.run("SELECT count(*) FROM information_schema.columns WHERE column_name='age'") == [
        (0,)
    ]


def test_a_rehearsal_that_fails_keeps_production_from_being_migrated(shop: Shop) -> None:
    """Nothing is wrong with it but the rows that are there."""
    pending(shop, "INSERT INTO people VALUES (99, 'c'), (5, 'd')")
    code, _, err = shop.limbeck("migrate", "-e", "production", "--rehearse", "--yes")
    assert code == 1, err
    assert "the rehearsal failed; production was not changed" in err
    assert shop.run("SELECT count(*) FROM people") == [(5,)]


@NEON
def test_every_database_of_a_branch_is_migrated_after_one_question(shop: Shop) -> None:
    """Two databases at different revisions: each gets what it lacks, and is shown."""
    shop.standin.project.named("production").databases["shop"] = shop.standin.storage.empty()
    pending(shop, "CREATE TABLE orders (id int)")
    everywhere = ("migrate", "-e", "production", "--all-databases")
    code, _, err = shop.limbeck(*everywhere)
    assert code == 4, err
    plans = json.loads(shop.good(*everywhere, "--dry-run", "--json"))
    assert [len(one["revisions"]) for one in plans] == [1, 2]
    script = shop.good(*everywhere, "--sql")
    assert [line for line in script.splitlines() if line.startswith("\\connect")] == [
        '\\connect "neondb"',
        '\\connect "shop"',
    ]
    reports = json.loads(shop.good(*everywhere, "--yes", "--json"))
    assert [len(one["applied"]) for one in reports] == [1, 2]
    assert {tuple(one["current"]) for one in reports} == {tuple(plans[0]["target"])}
    assert [one["applied"] for one in json.loads(shop.good(*everywhere, "--json"))] == [[], []]


# The guide's chapters: keeping branches fresh, reset


@pytest.mark.prints_urls
def test_a_branch_is_kept_fresh_as_the_guide_says(shop: Shop) -> None:
    """Reset from production: its URL stays, production's sessions live on; then migrate again."""
    pending(shop, "ALTER TABLE people ADD COLUMN age int")
    code, _, err = shop.limbeck("branches", "create", "development", "--parent", "production")
    assert code == 0, err
    assert shop.limbeck("migrate", "-e", "development")[0] == 0
    url = shop.limbeck("url", "-e", "development")[1]
    shop.run("DELETE FROM people", "development")
    with psycopg.connect(shop.place.provider.url("production")) as session:
        session.execute("INSERT INTO people VALUES (6, 'new')")
        session.commit()
        reset = ("branches", "reset", "development", "--parent", "production")
        code, _, err = shop.limbeck(*reset)
        assert code == 4
        assert "revisions that only it has" in err
        code, _, err = shop.limbeck(*reset, "--migrate", "--yes")
        assert code == 0, err
        assert session.execute("SELECT count(*) FROM people").fetchone() == (6,)
    assert shop.limbeck("url", "-e", "development")[1] == url
    assert shop.run("SELECT count(age), count(*) FROM people", "development") == [(0, 6)]


@pytest.mark.parametrize("shop", ["local"], indirect=True)
def test_an_environment_whose_branch_was_renamed_has_its_branch_again(shop: Shop) -> None:
    """Its profile still names the old one, which is made anew from its parent."""
    shop.good("migrate", "-e", "development")
    shop.run("DELETE FROM people", "development")
    shop.good("branches", "rename", "development", "older")
    shop.good("status", "-e", "development")
    rows = [shop.run("SELECT count(*) FROM people", name) for name in ("older", "development")]
    assert rows == [[(0,)], [(5,)]]


def test_a_branch_without_rows_of_its_own_is_deleted_at_once(shop: Shop) -> None:
    """What limbeck itself keeps there is no loss."""
    shop.good("branches", "create", "empty", "--schema-only")
    shop.run("CREATE SCHEMA IF NOT EXISTS limbeck_state", "empty")
    shop.run("CREATE TABLE limbeck_state.more AS SELECT generate_series(1, 1000)", "empty")
    shop.run("DROP TABLE alembic_version", "empty")
    shop.good("branches", "delete", "empty")
    assert "empty" not in shop.names()


def expanded(shop: Shop) -> tuple[str, str, str]:
    """Record a change without downtime, and be where its contract may run; give the options."""
    fill = {"table": "public.people", "set": {"email": "mail"}}
    fill["where"] = "email IS DISTINCT FROM mail"
    add, drop = "ALTER TABLE people ADD email text", "ALTER TABLE people DROP COLUMN mail"
    phase(shop.work, "expand", add, phase="expand", change="mail", backfills=[fill])
    phase(shop.work, "contract", drop, phase="contract", change="mail", uses=["public.people.mail"])
    production = ("-e", "production", "--yes")
    shop.good("migrate", *production)
    code, _, err = shop.limbeck("undo", *production)
    assert (code, "there is no snapshot" in err) == (2, True)
    shop.good("backfill", *production)
    return production


def test_a_contract_is_undone_and_what_was_written_since_stays_as_a_branch(shop: Shop) -> None:
    production = expanded(shop)
    code, out, err = shop.limbeck("contract", "--allow", "drop-column-in-use", *production)
    assert code == 0, err
    assert "To restore it: limbeck undo -e production" in err
    shop.run("INSERT INTO people VALUES (6, 'f')")
    code, out, err = shop.limbeck("undo", "-e", "production")
    assert (code, out) == (4, "")
    assert "Lost: everything written since" in err
    undone = json.loads(shop.good("undo", "--json", *production))
    assert undone["changes"] == ["mail"]
    assert shop.run("SELECT count(mail), count(*) FROM people") == [(3, 5)]
    assert shop.run("SELECT count(*) FROM people", undone["preserved"]) == [(6,)]
    (one,) = json.loads(shop.good("status", "-e", "production", "--json"))["environments"]
    assert one["changes"][0]["phase"] == "backfilled"


@pytest.mark.parametrize("shop", ["local"], indirect=True)
def test_the_library_keeps_the_branch_before_a_contract_too(shop: Shop) -> None:
    expanded(shop)
    project, profile = shop.project, shop.project.profile("production")
    database = settings.database(project, profile)
    plan = migrate.plan(project, profile, database, through="contract")
    migrate.apply(
        plan,
        confirm=lambda _: True,
        allow=["drop-column-in-use"],
        keep=lambda: settings.place(project, profile),
    )
    wanted = undo.plan(project, profile, database)
    assert (wanted.changes, wanted.snapshot in shop.names()) == (("mail",), True)
    undo.undo(wanted, confirm=lambda _: True)
    assert shop.run("SELECT count(mail), count(*) FROM people") == [(3, 5)]


def test_a_reset_names_the_true_parent_and_refuses_another(shop: Shop) -> None:
    shop.limbeck("branches", "create", "development")
    shop.limbeck("branches", "create", "other")
    code, _, err = shop.limbeck("branches", "reset", "development", "--parent", "other", "--yes")
    assert code == 1
    assert 'is "production", not "other"' in err
    assert shop.limbeck("branches", "reset", "production", "--parent", "--yes")[0] == 1


@pytest.mark.prints_urls
def test_a_preview_is_made_adopted_reset_and_taken_down(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending(shop, "ALTER TABLE people ADD COLUMN age int")
    profile = shop.project.profile("production")
    made = preview.up(shop.project, profile, "pr-42")
    assert (made.created, len(made.report.applied)) == (True, 1)
    assert made.branch.expires_at is not None
    shop.run("DELETE FROM people", "preview/pr-42")
    again = preview.up(shop.project, profile, "pr-42", reset=True)
    assert (again.created, len(again.report.applied), again.url) == (False, 1, made.url)
    assert ("-pooler." in again.pooled_url) == (shop.neon is not None)
    output = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    code, out, _ = shop.limbeck("preview", "up", "pr-42", "-e", "production")
    assert code == 0
    assert all(line.startswith("::add-mask::") for line in out.splitlines())
    assert f"db_url={made.url}" in output.read_text()
    assert shop.limbeck("preview", "down", "pr-42", "-e", "production")[0] == 0
    assert shop.limbeck("preview", "down", "pr-42", "-e", "production")[0] == 0
    assert shop.names() == ["production"]


@NEON
@pytest.mark.prints_urls
def test_the_urls_for_a_file_and_for_a_program(shop: Shop) -> None:
    out = shop.limbeck("url", "-e", "production", "--format", "json")[1]
    urls = json.loads(out)
    assert urls["NEON_BRANCH"] == "production"
    assert "-pooler." in urls["DATABASE_URL"]
    lines = shop.limbeck("url", "-e", "production", "--format", "dotenv")[1].splitlines()
    assert dict(line.split("=", 1) for line in lines) == urls
    assert shop.limbeck("url", "-e", "production", "--pooled")[1].strip() == urls["DATABASE_URL"]
    code, _, err = shop.limbeck("url", "-e", "development")
    assert code == 1
    assert 'no branch "development"' in err


COMMANDS = (
    ("create", "a", "--expires-in", "2h"),
    ("create", "a", "--exists-ok"),
    ("set-expiration", "a"),
    ("rename", "a", "b"),
    ("get", "b"),
    ("restore", "b", "production", "--yes"),
    ("set-default", "b"),
    ("set-default", "production"),
    ("diff", "production", "b", "--format", "json"),
    ("prune", "b*", "--older-than", "1s", "--dry-run"),
    ("delete", "b", "--yes"),
    ("list",),
)


@NEON
def test_every_command_of_branches_answers_with_json_alone(shop: Shop) -> None:
    for command in COMMANDS:
        code, out, err = shop.limbeck("branches", *command, "-o", "json")
        assert code == 0, (command, out, err)
        assert json.loads(out) is not None
    assert shop.names() == ["production"]


NOW = datetime(2026, 1, 8, tzinfo=UTC)


def branch(name: str, days: int, parent: str | None = "main", **more: Any) -> Branch:
    """A branch of an age."""
    return Branch(name, parent, NOW - timedelta(days=days), **more)


def test_only_stale_branches_are_pruned() -> None:
    there = (
        branch("main", 99, None, default=True),
        branch("preview/old", 8),
        branch("preview/new", 2),
        branch("preview/kept", 8, protected=True),
        branch("preview/parent", 8),
        branch("preview/child", 2, "preview/parent"),
        branch("dev", 8),
    )
    found = stale(there, "preview/*", timedelta(days=7), NOW)
    assert [one.name for one in found] == ["preview/old"]
    assert [one.name for one in stale(there, "*", timedelta(days=7), NOW)] == ["preview/old", "dev"]


WORKFLOWS = (Path(__file__).parents[2] / "docs" / "how-to" / "ci.md").read_text()


def commands(workflow: str, event: str) -> list[list[str]]:
    """The commands that a workflow of the how-to runs, with its expressions filled in."""
    values = {"event.number": "42", "base_ref": "main"}
    found = []
    for job in yaml.safe_load(workflow)["jobs"].values():
        if ("closed" in event) != ("== 'closed'" in job.get("if", "")):
            continue
        lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
        for line in lines:
            if line.startswith("limbeck "):
                text = re.sub(r"\$\{\{ github\.(\S+) \}\}", lambda one: values[one[1]], line)
                words = shlex.split(text.replace("$NAME", "pr-42"))
                end = next((at for at, word in enumerate(words) if word in {">", ">>"}), None)
                found.append(words[1:end])
    return found


@NEON
@pytest.mark.prints_urls
def test_the_workflows_of_the_how_to_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shop.project.root
    (root / "models.py").write_text(
        "from sqlalchemy import *\n\nmetadata = MetaData()\n"
        "Table('people', metadata, Column('id', Integer, primary_key=True, autoincrement=False),"
        " Column('mail', Text))\n"
        "Table('bosses', metadata, Column('m', Text), Column('n', Integer),"
        " UniqueConstraint('n', 'm', name='bosses_n_m_key'))\n"
        "Table('orders', metadata, Column('id', Integer, primary_key=True))\n"
    )
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "alembic"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run([*git, "update-ref", "refs/remotes/origin/main", "main"], check=True)
    pending(shop, "CREATE TABLE orders (id serial PRIMARY KEY)")
    monkeypatch.setenv("GITHUB_OUTPUT", str(root / "output"))
    request, main = re.findall(r"```yaml\n(.*?)```", WORKFLOWS, re.DOTALL)
    for command in (*commands(request, "opened"), *commands(request, "closed")):
        code, out, err = shop.limbeck(*command)
        assert code == 0, (command, out, err)
    assert shop.names() == ["production"]
    for command in commands(main, "push"):
        code, out, err = shop.limbeck(*command)
        assert code == 0, (command, out, err)
    assert shop.run("SELECT count(*) FROM orders") == [(0,)]


SETTINGS: dict[str, Callable[[pytest.MonkeyPatch, Path], None]] = {
    "NEON_API_KEY": lambda patch, _: patch.delenv("NEON_API_KEY"),
    "NEON_PROJECT_ID": lambda patch, _: patch.delenv("NEON_PROJECT_ID"),
}


@NEON
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_missing_setting_is_named(
    shop: Shop, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    SETTINGS[setting](monkeypatch, shop.project.root)
    monkeypatch.setenv("HOME", str(shop.project.root))
    code, _, err = shop.limbeck("branches", "list")
    assert code == 2
    assert setting in err


@NEON
def test_the_project_is_found_in_neons_own_file_which_stays_as_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEON_PROJECT_ID")
    path = shop.project.root / ".neon"
    text = json.dumps({"orgId": "o", "projectId": shop.standin.project_id, "branch": "x"})
    path.write_text(text)
    assert shop.limbeck("branches", "list")[0] == 0
    assert path.read_text() == text
    path.write_text("{")
    assert shop.limbeck("branches", "list")[0] == 2


@NEON
def test_an_environment_with_a_url_of_another_server_is_not_rehearsed(shop: Shop) -> None:
    profiles = shop.project.root / "env_profiles"
    (profiles / "qa.env").write_text("DATABASE_URL=postgresql://u@127.0.0.1/x\n")
    with pytest.raises(ConfigurationError, match="its branch is not known"):
        rehearse.rehearse(shop.project, shop.project.profile("qa"))
    code, _, err = shop.limbeck("branches", "reset", "qa", "--parent", "-e", "qa")
    assert (code, "its branch is not known" in err) == (2, True)
    assert not (shop.project.root / ".limbeck" / "postgres").exists()
    with pytest.raises(BranchError):
        preview.up(shop.project, shop.project.profile("development"), "x")
