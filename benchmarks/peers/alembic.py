"""Plain Alembic on limbeck's models and revisions, with the same driver, as its tutorial has it."""

from __future__ import annotations

from pathlib import Path

import works
from measure import Command
from peers.contender import Contender, Peer, always, fresh, version_of
from peers.limbeck import MESSAGE, edited, waiting
from sites import HEAD, Site

ENV = """from __future__ import annotations

import os

from alembic import context
from app.models import Base
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["BENCH_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
DIFFERS = 255
NO_MODELS = "writes revisions, not models"


class Alembic(Peer):
    """Alembic's own commands."""

    name = "Alembic"
    cannot = {
        works.LINT: "judges no revision",
        works.PULL: NO_MODELS,
        works.PULL_AWAY: NO_MODELS,
        works.PROVED: NO_MODELS,
        works.EQUAL: "compares a database with models, not with another database",
        works.STATUS: "asks one database a call",
    }

    most = {works.NOTHING: 100}

    def __init__(self, program: Path) -> None:
        self.program = program.parent / "alembic"

    def install(self, cache: Path) -> str:  # noqa: ARG002 - limbeck needs it, so it is there
        """Return its version."""
        return version_of(self.program.parent, "alembic")

    def prepare(self, site: Site) -> None:
        """Set it up beside the project, on the same revisions, with a database at head.

        A file in the project's folder would make limbeck import the models once more.
        """
        folder = site.root / "alembic" / "plain"
        folder.mkdir(parents=True)
        (folder / "env.py").write_text(ENV)
        template = site.project / "alembic" / "script.py.mako"
        (folder / "script.py.mako").write_text(template.read_text())
        (folder / "versions").symlink_to(site.project / "alembic" / "versions")
        ini = "[alembic]\nscript_location = %(here)s/plain\n"
        (site.root / "alembic" / "plain.ini").write_text(ini)
        site.create("plain", HEAD)

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command."""

        def run(url: str, *words: str) -> Command:
            env = {
                "BENCH_URL": url.replace("postgresql://", "postgresql+psycopg://"),
                "PYTHONPATH": str(site.project),
            }
            place = site.root / "alembic"
            return site.command(self.program, "-c", "plain.ini", *words, cwd=place, env=env)

        def upgrade(url: str) -> Command:
            return run(url, "upgrade", "head")

        plain = site.url("plain")
        match work:
            case works.ONE:
                return edited(site, run(plain, "revision", "--autogenerate", "-m", MESSAGE))
            case works.NOTHING:
                return always(run(plain, "check"))
            case works.PENDING:
                return always(upgrade(plain))
            case works.PROTECTED | works.NEW:
                return fresh(site, "theirs", upgrade, "template1")
            case works.NEW_AWAY:
                return fresh(site, "theirs", lambda url: upgrade(site.far(url)), "template1")
            case works.WAIT:
                return waiting(site, "theirs", upgrade)
        return None
