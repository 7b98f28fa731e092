"""Bad input: each has an error and an exit code of its own, and changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.acceptance.workplace import BIN, Workplace

REVISION = """\"\"\"{message}\"\"\"
from alembic import op
revision = "{id}"
down_revision = {down!r}
def upgrade():
    {body}
def downgrade():
    pass
"""


@dataclass(frozen=True)
class Ground:
    """A project before something bad is done to it."""

    place: Workplace

    @property
    def head(self) -> str:
        """The revision that the repository's history ends with."""
        names = [path.stem.split("_")[3] for path in self.versions.glob("*.py")]
        return names[-1]

    @property
    def versions(self) -> Path:
        """The folder of the revisions."""
        return self.place.root / "alembic" / "versions"

    def set(self, **values: str | None) -> None:
        """Change .env; None takes a line out."""
        kept = {**self.place.urls, **values}
        lines = [f"{name}={value}" for name, value in kept.items() if value is not None]
        (self.place.root / ".env").write_text("\n".join(lines) + "\n")

    def url(self, **parts: str) -> None:
        """Change parts of development's URL: password, port or dbname."""
        old = urlsplit(self.place.urls["DATABASE_URL_DEVELOPMENT"])
        password = parts.get("password", old.password)
        port = parts.get("port", old.port)
        path = f"/{parts['dbname']}" if "dbname" in parts else old.path
        place = f"{old.username}:{password}@{old.hostname}:{port}"
        self.set(DATABASE_URL_DEVELOPMENT=f"postgresql://{place}{path}")

    def profile(self, text: str, name: str = "development") -> None:
        """Write a profile."""
        (self.place.root / "env_profiles" / f"{name}.env").write_text(text)

    def revision(self, id_: str, down: str | None = None, body: str = "pass") -> None:
        """Add a revision file, after the head where nothing else is said."""
        text = REVISION.format(message=f"rev {id_}", id=id_, down=down or self.head, body=body)
        (self.versions / f"{id_}.py").write_text(text)

    def execute(self, query: str) -> None:
        """Run SQL in development."""
        with psycopg.connect(
            self.place.urls["DATABASE_URL_DEVELOPMENT"], autocommit=True
        ) as connection:
            connection.execute(query.encode())


@dataclass(frozen=True)
class Case:
    """What is wrong, the command, and what it has to answer."""

    name: str
    arguments: tuple[str, ...]
    code: int
    words: tuple[str, ...]
    prepare: Callable[[Ground], object] = lambda _: None
    variables: Mapping[str, str] = field(default_factory=dict)
    typing: str | None = None


def no_profiles(ground: Ground) -> None:
    """Take all profiles away."""
    for path in (ground.place.root / "env_profiles").iterdir():
        path.unlink()


def two_heads(ground: Ground) -> None:
    """Let two revisions follow the same one."""
    head = ground.head
    ground.revision("aaa111", head)
    ground.revision("bbb222", head)


def broken_models(ground: Ground) -> None:
    """Make a mistake in line 3 of a model."""
    path = ground.place.root / "app" / "models" / "books.py"
    path.write_text('"""Books."""\n\nimport nowhere_at_all\n')


def broken_revision(ground: Ground) -> None:
    """Leave a bracket open."""
    (ground.versions / "bad.py").write_text('revision = "bad"\ndown_revision = (\n')


def unknown_current(ground: Ground) -> None:
    """Put a revision into the database that no file holds."""
    ground.execute(
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO alembic_version VALUES ('feedbeef0000')"
    )


def read_only(ground: Ground) -> None:
    """Let the database's sessions be read-only."""
    name = urlsplit(ground.place.urls["DATABASE_URL_DEVELOPMENT"]).path[1:]
    ground.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')


POOLED = "postgresql://u:p@ep-cool-1-pooler.eu.aws.neon.tech/neondb?sslmode=require"
MIGRATE = ("migrate",)

CASES = [
    Case("no profiles", MIGRATE, 2, ("env_profiles/ has no profile",), no_profiles),
    Case("unknown profile", ("migrate", "-e", "prodution"), 2, ("Did you mean production",)),
    Case(
        "missing URL",
        MIGRATE,
        2,
        (
            "DATABASE_URL_DEVELOPMENT in the process environment",
            "in .env",
            "env_profiles/development.local.env",
            "env_profiles/development.env",
            "DATABASE_URL=local",
        ),
        lambda ground: (
            ground.profile("BRANCH=development\n"),
            ground.set(DATABASE_URL_DEVELOPMENT=None),
        ),
    ),
    Case(
        "unknown setting",
        MIGRATE,
        2,
        ("development.env line 1", "Did you mean PROTECTED"),
        lambda ground: ground.profile("PROTECTD=yes\n"),
    ),
    Case(
        "pooled URL",
        MIGRATE,
        2,
        ("pooler", "ep-cool-1.eu.aws.neon.tech"),
        variables={"DATABASE_URL_DEVELOPMENT": POOLED},
    ),
    Case(
        "no TLS",
        MIGRATE,
        2,
        ("TLS",),
        variables={"DATABASE_URL_DEVELOPMENT": "postgresql://u:p@db.example.org/x?sslmode=disable"},
    ),
    Case(
        "not Postgres",
        MIGRATE,
        2,
        ("mysql",),
        variables={"DATABASE_URL_DEVELOPMENT": "mysql://u:p@localhost/x"},
    ),
    Case(
        "wrong password",
        MIGRATE,
        1,
        ("password", "development"),
        lambda ground: ground.url(password="wrong"),  # noqa: S106 - a wrong one
    ),
    Case(
        "server down",
        MIGRATE,
        1,
        ("no server is listening", "127.0.0.1:9"),
        lambda ground: ground.url(port="9"),
    ),
    Case(
        "database missing",
        MIGRATE,
        1,
        ("there is no database nowhere",),
        lambda ground: ground.url(dbname="nowhere"),
    ),
    Case(
        "status of a server that is down",
        ("status",),
        1,
        (),
        lambda ground: ground.url(port="9"),
    ),
    Case(
        "models that do not import",
        ("generate",),
        1,
        ("app/models/books.py line 3", "nowhere_at_all"),
        broken_models,
    ),
    Case("a syntax error in a revision", MIGRATE, 1, ("bad.py:2",), broken_revision),
    Case("the same for generate", ("generate",), 1, ("bad.py:2",), broken_revision),
    Case("the same for status", ("status",), 1, ("bad.py:2",), broken_revision),
    Case("two heads", MIGRATE, 1, ("aaa111", "bbb222", "limbeck merge"), two_heads),
    Case("generate on two heads", ("generate",), 1, ("limbeck merge",), two_heads),
    Case("check of two heads", ("check",), 3, (), two_heads),
    Case("merge of one head", ("merge",), 1, ("nothing to merge",)),
    Case("unknown current revision", MIGRATE, 1, ("feedbeef0000",), unknown_current),
    Case("read-only database", MIGRATE, 1, ("read-only",), read_only),
    Case("unknown revision", ("migrate", "--to", "zzz"), 1, ("zzz",)),
    Case("too many to downgrade", ("rollback", "-n", "9"), 2, ("cannot be downgraded",)),
    Case(
        "no terminal for a protected environment",
        ("migrate", "-e", "production"),
        4,
        ("production is protected", "--yes"),
    ),
    Case(
        "another name typed",
        ("migrate", "-e", "production"),
        4,
        ("not confirmed", "Type production"),
        typing="development",
    ),
    Case("end of input at the prompt", ("migrate", "-e", "production"), 4, (), typing="\x04"),
    Case("diff with nothing known", ("diff", "models", "qa"), 2, ("qa is not an environment",)),
    Case(
        "a revision that fails",
        MIGRATE,
        1,
        ("broken1", "SELECT 1/0", "division by zero", "not applied"),
        lambda ground: (
            ground.place.good("migrate"),
            ground.revision(
                "broken1", body="op.execute('CREATE TABLE x (i int)'); op.execute('SELECT 1/0')"
            ),
        ),
    ),
]


def holdings(urls: Mapping[str, str]) -> list[object]:
    """Everything that a migration could have changed in the databases."""
    found: list[object] = []
    for name in ("DATABASE_URL_DEVELOPMENT", "DATABASE_URL_PRODUCTION"):
        with psycopg.connect(urls[name]) as connection:
            query = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            tables = sorted(connection.execute(query.encode()).fetchall())
            found.append(tables)
            if ("alembic_version",) in tables:
                found.append(connection.execute("SELECT * FROM alembic_version").fetchall())
    return found


@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "_") for case in CASES])
def test_bad_input_is_named_has_its_code_and_changes_nothing(
    case: Case, project: Workplace
) -> None:
    ground = Ground(project)
    good = ground.place.urls
    case.prepare(ground)
    files, held = project.files(), holdings(good)
    result = project.run(*case.arguments, typing=case.typing, **case.variables)
    assert result.code == case.code, result.text
    assert [word for word in case.words if word not in result.err] == [], result.err
    assert "Traceback" not in result.text
    assert "unexpected" not in result.err
    passwords = {urlsplit(url).password for url in good.values()}
    assert not any(password in result.text for password in passwords if password)
    assert project.files() == files
    assert holdings(good) == held


def test_outside_a_project_the_command_says_so(tmp_path: Path, project: Workplace) -> None:
    result = project.run("migrate", cwd=tmp_path)
    assert result.code == 2
    assert "no project" in result.err
    assert "limbeck init" in result.err


def interrupted(
    project: Workplace, *arguments: str, when: Callable[[str], bool]
) -> tuple[int, str]:
    """Run a command, send Ctrl-C when something is so, and return its code and what it said.

    `when` is told what the command has said until then.
    """
    keyboard, terminal = os.openpty()
    told = project.root.parent / "told"
    with (
        told.open("w") as said,
        subprocess.Popen(
            [str(BIN / "limbeck"), *arguments],
            cwd=project.root,
            env=dict(project.variables),
            stdin=terminal,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as process,
    ):
        deadline = time.monotonic() + 60
        while not when(told.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        finally:
            process.kill()
    os.close(keyboard)
    os.close(terminal)
    return process.returncode, told.read_text()


def test_ctrl_c_at_the_prompt_changes_nothing(project: Workplace) -> None:
    held = holdings(project.urls)
    code, said = interrupted(
        project, "migrate", "-e", "production", when=lambda said: "Type production" in said
    )
    assert code == 130, said
    assert "nothing was changed" in said
    assert holdings(project.urls) == held


def test_ctrl_c_in_the_middle_keeps_what_was_finished_and_nothing_else(project: Workplace) -> None:
    ground = Ground(project)
    head = ground.head
    ground.revision(
        "slow1", body="op.execute('CREATE TABLE half (i int)'); op.execute('SELECT pg_sleep(60)')"
    )

    def sleeping(_: str) -> bool:
        with psycopg.connect(ground.place.urls["DATABASE_URL_DEVELOPMENT"]) as connection:
            query = "SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
            return connection.execute(query.encode()).fetchone() is not None

    code, said = interrupted(project, "migrate", when=sleeping)
    assert code == 130, said
    assert "slow1" in said
    tables, current = holdings(ground.place.urls)[:2]
    assert ("half",) not in tables  # type: ignore[operator]
    assert current == [(head,)]
