"""Projects with other versions of Python, SQLAlchemy, Alembic and other drivers.

`make compat` installs each row of the table from PyPI into an environment of its own. limbeck
stays where it is and runs the project's code there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from limbeck.postgres.embedded.server import Server

ENVIRONMENTS = os.environ.get("LIMBECK_COMPAT", "")
LIMBECK = Path(sys.executable).with_name("limbeck")

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(not ENVIRONMENTS, reason="make compat installs the versions"),
]


@dataclass(frozen=True, slots=True)
class Versions:
    """A project's Python and packages; `url` is how its env.py begins its URL."""

    python: str
    packages: tuple[str, ...]
    url: str

    def __str__(self) -> str:
        packages = " ".join(self.packages)
        return f"Python {self.python}, {packages}"


TABLE = [
    Versions("3.9", ("sqlalchemy==1.4.54", "alembic==1.11.3", "psycopg2-binary"), "psycopg2"),
    Versions("3.10", ("sqlalchemy==1.4.*", "alembic==1.16.*", "pg8000"), "pg8000"),
    Versions("3.10", ("sqlalchemy==2.0.*", "alembic==1.13.*", "pg8000"), "pg8000"),
    Versions("3.11", ("sqlalchemy==2.0.*", "alembic==1.16.*", "psycopg2-binary"), "psycopg2"),
    Versions("3.12", ("sqlalchemy[asyncio]==2.0.*", "alembic==1.18.*", "asyncpg"), "asyncpg"),
    Versions("3.13", ("sqlalchemy[asyncio]==2.1.*", "alembic==1.20.*", "asyncpg"), "asyncpg"),
    Versions("3.13", ("sqlalchemy==2.1.*", "alembic==1.20.*", "psycopg[binary]"), "psycopg"),
]

MODELS = '''
import enum

import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Kind(enum.Enum):
    novel = 1
    essay = 2


class Author(Base):
    """Authors of books."""

    __tablename__ = "authors"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text, nullable=False, unique=True)
    share = sa.Column(sa.Numeric(5, 2), server_default=sa.text("1.5"))


class Book(Base):
    __tablename__ = "books"
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    title = sa.Column(sa.String(200), nullable=False, index=True, comment="100% true")
    kind = sa.Column(sa.Enum(Kind, name="kind"), nullable=False)
    pages = sa.Column(sa.ARRAY(sa.Integer), server_default="{}")
    author_id = sa.Column(sa.ForeignKey("authors.id", ondelete="CASCADE"))
    __table_args__ = (sa.CheckConstraint("title <> ''", name="titled"),)


class Elsewhere(Base):
    __tablename__ = "ext_jobs"
    id = sa.Column(sa.Integer, primary_key=True)
'''

ENV = """
import asyncio
from alembic import context
from sqlalchemy import create_engine, pool
import shop.models

URL = "postgresql+{driver}://nobody:nothing@nowhere.invalid/nothing"


def include_object(thing, name, type_, reflected, compare_to):
    return not (type_ == "table" and name.startswith("ext_"))


def run(connection):
    context.configure(
        connection=connection,
        target_metadata=shop.models.Base.metadata,
        include_object=include_object,
        version_table="shop_versions",
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_async():
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(URL, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


if "{driver}" == "asyncpg":
    asyncio.run(run_async())
else:
    with create_engine(URL, poolclass=pool.NullPool).connect() as connection:
        run(connection)
"""

DATA = """
    bind = op.get_bind()
    bind.execute(sa.text("INSERT INTO authors (name) VALUES (:n)"), [{"n": "Ada"}, {"n": "100%"}])
    cursor = bind.connection.cursor()
    cursor.execute("INSERT INTO authors (name) VALUES ('around 100%')")
    names = [row[0] for row in bind.execute(sa.text("SELECT name FROM authors ORDER BY id"))]
    assert names == ["Ada", "100%", "around 100%"], names
    streamed = sa.text("SELECT name FROM authors").execution_options(stream_results=True)
    assert len(bind.execute(streamed).fetchall()) == 3
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY by_share ON authors (share)")
        op.execute("DROP INDEX CONCURRENTLY by_share")
"""


@cache
def interpreter(version: str) -> str | None:
    """Return a Python of this version: one that pyenv has installed, or one on the path."""
    own = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    for python in (*own, shutil.which(f"python{version}")):
        # pyenv puts a program on the path for every version, also for those that it would refuse.
        if python and subprocess.run([python, "--version"], check=False).returncode == 0:
            return str(python)
    return None


def installed(versions: Versions) -> Path:
    """Return the interpreter of an environment with these versions, made once."""
    python = interpreter(versions.python)
    if python is None:
        pytest.skip(f"Python {versions.python} is not here: untested")
    folder = Path(ENVIRONMENTS) / re.sub(r"[^\w.]+", "-", str(versions))
    if not (folder / "complete").exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([folder / "bin/python", *install, *versions.packages], check=True)
        (folder / "complete").touch()
    return folder / "bin/python"


@pytest.fixture(scope="session")
def shadow(tmp_path_factory: pytest.TempPathFactory) -> str:
    server = Server(tmp_path_factory.mktemp("compat"))
    server.start()
    return server.url()


@dataclass(frozen=True)
class Shop:
    """A project on disk, and limbeck's command in it."""

    root: Path
    environment: dict[str, str]

    def run(self, *words: str, code: int = 0) -> str:
        """Return the output of a command, which has to end with this code."""
        done = subprocess.run(
            [LIMBECK, *words],
            cwd=self.root,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


def shop(root: Path, shadow: str, python: Path | None, driver: str) -> Shop:
    (root / "alembic/versions").mkdir(parents=True)
    (root / "shop").mkdir()
    (root / "shop/__init__.py").write_text("")
    (root / "shop/models.py").write_text(MODELS)
    (root / "alembic/env.py").write_text(ENV.replace("{driver}", driver))
    template = Path(__file__).parents[2] / "alembic/script.py.mako"
    shutil.copy(template, root / "alembic/script.py.mako")
    (root / "alembic.ini").write_text("[alembic]\nscript_location = alembic\n")
    setting = f'python = "{python}"\n' if python else ""
    models = 'models = "shop.models:Base.metadata"\n'
    (root / "pyproject.toml").write_text(f"[tool.limbeck]\n{models}{setting}")
    (root / "env_profiles").mkdir()
    (root / "env_profiles/development.env").write_text("")
    return Shop(root, {"SHADOW_DATABASE_URL": shadow, "VIRTUAL_ENV": ""})


def body(path: Path) -> str:
    """Return a revision's functions, which do not depend on its id."""
    return path.read_text().partition("def upgrade")[2]


def written(project: Shop) -> Path:
    (path,) = (project.root / "alembic/versions").glob("*.py")
    return path


@pytest.fixture(scope="session")
def in_process(tmp_path_factory: pytest.TempPathFactory, shadow: str) -> str:
    """The revision that limbeck writes with its own versions."""
    project = shop(tmp_path_factory.mktemp("own"), shadow, None, "psycopg")
    (project.root / "alembic/env.py").unlink()
    models = project.root / "shop/models.py"
    models.write_text(models.read_text().partition("class Elsewhere")[0])
    project.run("generate", "-m", "all")
    return body(written(project))


@pytest.mark.parametrize("versions", TABLE, ids=str)
def test_the_whole_workflow_gives_the_same_as_in_process(
    tmp_path: Path, shadow: str, in_process: str, versions: Versions
) -> None:
    project = shop(tmp_path / "shop", shadow, installed(versions), versions.url)
    url = shadow.rpartition("/")[0] + "/" + re.sub(r"\W", "_", tmp_path.name)[-60:].lower()
    import psycopg  # noqa: PLC0415 - only where these tests run

    with psycopg.connect(shadow, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{url.rpartition("/")[2]}"'.encode())
    environment = {**project.environment, "DATABASE_URL_DEVELOPMENT": url}
    project = Shop(project.root, environment)
    project.run("check", code=3)
    project.run("generate", "-m", "all")
    assert body(written(project)) == in_process
    path = written(project)
    path.write_text(path.read_text().replace("\n\ndef downgrade", f"{DATA}\n\ndef downgrade"))
    if "import sqlalchemy as sa" not in path.read_text():
        path.write_text(
            path.read_text().replace("from alembic", "import sqlalchemy as sa\nfrom alembic")
        )
    project.run("check")
    assert json.loads(project.run("lint", "--json"))["revisions"]
    project.run("migrate", "-e", "development", "--yes")
    (status,) = json.loads(project.run("status", "--json"))["environments"]
    assert (len(status["pending"]), status["drift"]) == (0, [])
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM shop_versions").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM authors").fetchone() == (3,)
    project.run("rollback", "-e", "development", "--to", "base", "--yes")
