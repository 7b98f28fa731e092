"""A password in a revision is in no output, log, ledger or cache; hostile names stay harmless."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from psycopg import sql

from limbeck.cli import main
from limbeck.visible import visible

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server
    from tests.postgres.conftest import Work

SECRET = "hunter2-of-a-revision"  # noqa: S105 - one that must not be seen
Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(work: Work, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; give its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(["--project", str(work.project.root), *arguments])
        out, err = capsys.readouterr()
        return int(str(caught.value.code)), out, err

    return run


@pytest.fixture
def role(admin: psycopg.Connection) -> Iterator[str]:
    """A role of the server that may not log in."""
    name = f"role_{uuid.uuid4().hex[:12]}"
    admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    yield name
    admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


GOOD = [
    "ALTER ROLE {role} PASSWORD '{secret}'",
    "ALTER ROLE {role} ENCRYPTED PASSWORD/**/E'{secret}\\x21' VALID UNTIL 'infinity'",
    "ALTER ROLE {role} PASSWORD -- it's\n  $x${secret}$x$",
    "ALTER ROLE {role} PASSWORD U&'{secret}'",
    "DO $do$ BEGIN EXECUTE 'ALTER ROLE {role} PASSWORD ''{secret}'''; END $do$",
    "DO $do$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', '{role}', '{secret}'); END $do$",
]
BAD = {
    "a wrong word": "ALTER ROLE {role} PASSWORD '{secret}' VALID UNTL 'infinity'",
    "a wrong word far behind": "ALTER ROLE {role} PASSWORD '{secret}' CONNECTION LIMIT 100000 "
    "VALID UNTIL 'infinity' NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROL NOINHERIT",
    "no quotes": "ALTER ROLE {role} PASSWORD {secret}",
    "in a block": "DO $$ BEGIN EXECUTE 'ALTER ROLE nobody_ PASSWORD ''{secret}'''; END $$",
    "a connection": "SELECT dblink_connect('host=127.0.0.1 user=u password={secret}')",
    "an option": "CREATE USER MAPPING FOR {role} SERVER s OPTIONS (user 'u', password '{secret}')",
}


def test_a_password_in_a_revision_is_shown_and_kept_nowhere(
    work: Work, run: Run, role: str, connection: psycopg.Connection
) -> None:
    calls = [each.format(role=role, secret=SECRET) for each in GOOD]
    work.revision("passwords", "\n".join(f"op.execute({each!r})" for each in calls))
    log = work.project.root / "log.jsonl"
    seen = []
    for arguments in (
        ["migrate", "--dry-run"],
        ["migrate", "--dry-run", "--json"],
        ["lint", "--json"],
        ["migrate", "--json", "--log-json", str(log)],
        ["status", "--json"],
        ["rollback", "--dry-run"],
    ):
        code, *texts = run(*arguments)
        assert code == 0, texts
        seen += texts
    assert "PASSWORD '***'" in seen[0]
    assert "PASSWORD '***'" in json.loads(seen[2])["revisions"][0]["sql"]
    seen.append(log.read_text(encoding="utf-8"))
    rows = connection.execute("SELECT to_jsonb(l)::text FROM limbeck_state.ledger l").fetchall()
    assert len(rows) == 1
    seen += [str(row) for row in rows]
    caches = [path for path in (work.project.root / ".limbeck").rglob("*") if path.is_file()]
    assert caches
    seen += [path.read_bytes().decode(errors="replace") for path in caches]
    assert [text for text in seen if SECRET in text] == []


def test_a_script_has_the_passwords_that_it_needs_and_says_so(work: Work, run: Run) -> None:
    work.revision("password", f"ALTER ROLE x PASSWORD '{SECRET}'")
    code, out, err = run("migrate", "--sql")
    assert (code, err) == (0, "The script contains passwords in clear text.\n")
    assert f"ALTER ROLE x PASSWORD '{SECRET}'" in out


@pytest.mark.parametrize("statement", BAD.values(), ids=BAD)
def test_a_password_in_a_statement_that_fails_is_not_shown(
    work: Work, run: Run, role: str, server: Server, statement: str
) -> None:
    text = statement.format(role=role, secret=SECRET)
    work.revision("wrong", f"text = {text!r}\nop.execute(text)")
    for options in (["--debug"], ["--log-json"]):
        code, out, err = run("migrate", *options)
        assert code == 1
        assert SECRET not in out + err
        assert "***" in err
    code, out, err = run("lint")
    assert SECRET not in out + err
    assert SECRET not in server.log.read_text(encoding="utf-8", errors="replace")


# Names --------------------------------------------------------------------------------------------

NAME = "x\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp.\r\x08y"


def test_a_name_in_a_database_does_not_reach_the_terminal(
    work: Work,
    run: Run,
    connection: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # where --out writes
    table = sql.Identifier(NAME).as_string()
    work.models("")
    work.revision(f"first {NAME}", f"op.execute({f'CREATE TABLE {table} (id int)'!r})")
    assert run("migrate")[0] == 0
    connection.execute(f"ALTER TABLE {table} ADD {table} int".encode())
    statements = f"CREATE INDEX ON {table} (id)", f"CREATE TABLE {table} ()"
    work.revision("broken", "\n".join(f"op.execute({each!r})" for each in statements))
    for arguments in (
        ["status"],
        ["diff", "development", "models"],
        ["diff", "development", "models", "--json"],
        ["pull", "-e", "development", "--out", "pulled_"],
        ["lint"],
        ["migrate"],
        ["migrate", "--debug"],
        ["migrate", "--log-json"],
        ["check", "-e", "development"],
        ["stamp", NAME],
        ["diff", NAME, "models"],
        [NAME],
    ):
        code, out, err = run(*arguments)
        text = out + err
        assert visible(text) == text, arguments
        assert "title" in text, (arguments, code)
    written = [path.read_text(encoding="utf-8") for path in (tmp_path / "pulled_").rglob("*.py")]
    assert written
    assert [text for text in written if visible(text) != text] == []
