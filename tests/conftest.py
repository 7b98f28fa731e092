"""What tests share: one embedded server a run, and a database of its own for each test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from psycopg import sql

from limbeck.errors import LimbeckError
from limbeck.postgres.embedded import binaries
from limbeck.postgres.embedded.server import Server
from limbeck.schema.sql import forms
from tests import logins
from tests.majors.servers import programs
from tests.printed import Printed, listening
from tests.schemas import checking

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from tests.neon.server import StandIn

PROGRAMS = f"{os.environ.get('PATH', '')}:/usr/sbin"  # where Debian puts daemons

MEMORY = Path("/dev/shm")  # noqa: S108 - a name in it is as good as one in /tmp
MEMORY_NEEDED = 2 << 30

MakeDatabase: TypeAlias = "Callable[..., Database]"


def docker_answers() -> bool:
    """Ask the Docker engine that DOCKER_HOST names, or the usual socket, for a sign of life."""
    kind, _, place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    host, _, port = place.partition(":")
    try:
        with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as probe:
            probe.settimeout(5)
            probe.connect(place if kind == "unix" else (host, int(port or 2375)))
            probe.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b"200" in probe.recv(64)
    except (OSError, ValueError):
        return False


def pytest_configure() -> None:
    """Prepare what the programs that tests start inherit."""
    # Without its cache each of them compiles all of limbeck, and each worker every test.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # The projects of the tests run in limbeck's environment, whichever the shell has active.
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"):
        os.environ.pop(name, None)
    # They hear Ctrl-C also where a shell runs pytest with &.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Say which Postgres the tests run on, and what else of the machine they can use."""
    try:
        usual = binaries.find()
        own = binaries.major(usual)
        installed = {major: each.source for major, each in binaries.majors().items()}
        others = {**dict.fromkeys(programs(), "make majors"), **installed}
        names = [f"{major} ({others[major]})" for major in sorted(others) if major != own]
        postgres = f"{own} ({usual.source}); other majors: {', '.join(names) or 'none'}"
    except LimbeckError as error:
        postgres = f"none: {error}"
    docker = "answers" if docker_answers() else "no"
    pooler = shutil.which("pgbouncer", path=PROGRAMS) or "no: its tests are skipped"
    return f"postgres: {postgres}; docker: {docker}; pgbouncer: {pooler}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Docker where no engine answers."""
    wanting = [item for item in items if item.get_closest_marker("docker")]
    if wanting and not docker_answers():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="no Docker engine answers"))


def _shared_home(basetemp: Path) -> Path:
    """Return the folder of the run's server; under xdist all workers get the same one."""
    worker = "PYTEST_XDIST_WORKER" in os.environ
    return _quick((basetemp.parent if worker else basetemp) / "server")


def _quick(home: Path) -> Path:
    """Return another name for a server's folder, in memory where there is room.

    Most tests create a database or a branch of their own, which copies 300 files, and that costs
    a tenth there of what it costs on a disk that others write to, too.
    """
    return MEMORY / "-".join(("limbeck", *home.parts[1:])) if _in_memory() else home


def _in_memory() -> bool:
    # Docker gives containers 64 MB unless told otherwise.
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).total >= MEMORY_NEEDED


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the run's servers when the last worker is done, however it ended."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    # The name is private, but asking for the folder in public would make one for every run.
    factory = session.config._tmp_path_factory  # noqa: SLF001
    for home in _homes(factory._basetemp) if factory._basetemp else ():  # noqa: SLF001
        Server(home, port=None).stop()
        shutil.rmtree(home)


def _homes(basetemp: Path) -> list[Path]:
    """Return the folders of the servers of all workers of a run."""
    if _in_memory():
        return list(MEMORY.glob(f"{_quick(basetemp).name}-*"))
    own = (*basetemp.glob("popen-*/branches"), basetemp / "branches", basetemp / "server")
    return [home for home in own if home.exists()]


PRINTED = pytest.StashKey[Printed]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look through what a test printed and nobody read, too."""
    report = yield
    if (printed := item.config.stash.get(PRINTED, None)) and report.when == "teardown":
        for _, text in report.sections:
            printed.add(text)
        if (leaks := printed.leaks()) and report.passed and not _may_print(item):
            report.outcome, report.longrepr = "failed", f"secrets were printed: {leaks}"
        if (faults := printed.undocumented()) and report.passed:
            report.outcome, report.longrepr = "failed", f"not as docs/json has it: {faults}"
    return report


def _may_print(item: pytest.Item) -> bool:
    return item.get_closest_marker("prints_urls") is not None


@pytest.fixture(scope="session", autouse=True)
def printed(pytestconfig: pytest.Config) -> Iterator[Printed]:
    """What is printed in this run: no test, and no program that one starts, prints a secret."""
    made = pytestconfig.stash.setdefault(PRINTED, Printed())
    with listening(made), checking(made.faults):
        yield made


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, printed: Printed) -> Server:
    """The embedded server of this run."""
    server = Server(_shared_home(tmp_path_factory.getbasetemp()), port=None)
    return _started(server, printed)


@pytest.fixture(scope="session")
def branch_server(tmp_path_factory: pytest.TempPathFactory, printed: Printed) -> Server:
    """A server of this worker's own, as its branches are counted: a test leaves none behind."""
    server = Server(_quick(tmp_path_factory.getbasetemp() / "branches"), port=None)
    return _started(server, printed)


def _started(server: Server, printed: Printed) -> Server:
    server.start()
    logins.cheapen(server)
    printed.secrets.add((server.home / "password").read_text().strip())
    return server


@pytest.fixture(scope="session")
def admin(server: Server) -> Iterator[psycopg.Connection]:
    """A connection to the server's own database, for making others."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def make_database(server: Server, admin: psycopg.Connection) -> Iterator[MakeDatabase]:
    """A function that makes empty databases (or copies of one), dropped after the test."""
    from limbeck.postgres.database import Database  # noqa: PLC0415 - unit tests need not import it

    made: list[str] = []

    def make(name_hint: str = "", template: Database | None = None) -> Database:
        name = f"{name_hint or 'test'}_{uuid.uuid4().hex[:12]}"
        source = sql.Identifier(template.dbname if template else "template1")
        strategy = forms.DATABASE_STRATEGIES.exists(admin.info.server_version // 10000)
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(
                sql.Identifier(name), source, sql.SQL(" STRATEGY FILE_COPY" if strategy else "")
            )
        )
        made.append(name)
        return Database.from_url(name_hint or "test", server.url(name))

    yield make
    for name in made:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    """A new, empty database."""
    return make_database()


@pytest.fixture(scope="module")
def empty(server: Server, admin: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A connection to a database that is empty at the end of each test."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        yield connection
    admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    """An autocommit connection to `database`."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def standin(server: Server, printed: Printed) -> Iterator[StandIn]:
    """A stand-in for Neon with one branch; whatever was said has to be as Neon describes it."""
    from tests.neon.server import StandIn  # noqa: PLC0415 - its validator is slow to import

    made = StandIn(server)
    printed.secrets.update(made.secrets)
    yield made
    made.close()
    assert made.violations == []
