"""Where work is measured: a project of some size, its server, and databases that peers share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import histories
import psycopg
import schema
from measure import Command
from proxy import Proxy
from psycopg import sql

from limbeck.postgres.embedded.binaries import find
from limbeck.postgres.embedded.server import Server

SETUP = 900.0  # seconds that a command of limbeck's own set-up may take
AWAY = 0.030  # seconds of a round trip to a distant server
HEAD = "head"
"""The database that is at head; others are copies of it."""


@dataclass(slots=True)
class Site:
    """A limbeck project with its server, and folders of the peers beside it.

    Args:
        program: the limbeck to measure; its Python has plain Alembic, too.
        root: the folder of everything.
        size: how many tables, revisions or environments.
        unit: which of them.
        limit: seconds that a command of a tool's set-up may take.

    """

    program: Path
    root: Path
    size: int
    unit: str
    limit: float
    modules: schema.Modules | None = None
    proxy: Proxy | None = None
    prepared: set[str] = field(default_factory=set)

    @property
    def project(self) -> Path:
        """The folder of limbeck's project, on whose models and revisions plain Alembic works."""
        return self.root / "limbeck"

    @property
    def server(self) -> Server:
        """The server of all databases, scratch databases included."""
        return Server(self.project / ".limbeck")

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return self.server.url(database)

    def far(self, url: str) -> str:
        """Return the URL of the same database behind a slow line."""
        port = psycopg.conninfo.conninfo_to_dict(url)["port"]
        if self.proxy is None:
            self.proxy = Proxy(("127.0.0.1", int(str(port))), AWAY / 2)
        return url.replace(f":{port}/", f":{self.proxy.port}/")

    def create(self, database: str, template: str = "template1") -> str:
        """Create a database, perhaps as a copy of another one; return its URL."""
        self.drop(database)
        self._admin("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", database, template)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, even one with sessions."""
        self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)

    def _admin(self, text: LiteralString, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))

    def tool(self, name: str) -> Path:
        """Return one of Postgres' programs."""
        return Path(find().program(name))

    def limbeck(self, *words: str, **environments: str) -> Command:
        """Return limbeck's command; an environment's URL is given as a keyword."""
        env = {f"DATABASE_URL_{name.upper()}": url for name, url in environments.items()}
        return self.command(self.program, *words, env=env)

    def command(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        exits: tuple[int, ...] = (0,),
    ) -> Command:
        """Return a command whose sessions on the server are measured, too."""
        return Command(words, cwd or self.project, env or {}, exits, self.server.status().pid)


@contextmanager
def opened(program: Path, root: Path, unit: str, size: int, limit: float) -> Iterator[Site]:
    """Yield a site whose database is at head; stop its server and remove it in the end.

    Args:
        program: the limbeck to measure.
        root: the folder of the run.
        unit: tables, revisions or environments.
        size: how many.
        limit: seconds that a command of a tool's set-up may take.

    """
    site = Site(program, root / f"{unit}-{size}", size, unit, limit)
    site.project.mkdir(parents=True)
    try:
        _fill(site)
        yield site
    finally:
        Command((program, "local", "stop"), site.project).run(60)
        shutil.rmtree(site.root, ignore_errors=True)


def _fill(site: Site) -> None:
    Command((site.program, "init", ".", "--yes"), site.project).succeed(SETUP)
    versions = site.project / "alembic" / "versions"
    for old in versions.glob("*.py"):
        old.unlink()
    shutil.rmtree(site.project / "app")
    Command((site.program, "local", "start"), site.project).succeed(SETUP)
    if site.unit == "revisions":
        histories.sqlalchemy(site.project, site.size)
        histories.alembic(versions, site.size)
    else:
        tables = site.size if site.unit == "tables" else 10
        site.modules = schema.sqlalchemy(site.project, tables)
        site.limbeck("generate", "-m", "all").succeed(SETUP)
    head = site.create(HEAD)
    site.limbeck("migrate", "--yes", development=head).succeed(SETUP)
    with psycopg.connect(head, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
