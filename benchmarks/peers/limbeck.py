"""limbeck itself, the bare import of the models that it is compared with, and its own generate."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import schema
import works
from measure import Command
from peers.contender import Contender, Peer, always, fresh, version_of
from sites import HEAD, Site

MESSAGE = "bench"
PENDING = '''"""One more column."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "pending"
down_revision = "r{last:05}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("t0", sa.Column("extra", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("t0", "extra")
'''


def models(site: Site) -> schema.Modules:
    """Return the modules of a site of tables."""
    if site.modules is None:
        raise RuntimeError("a site of revisions has no modules")
    return site.modules


def edited(site: Site, command: Command) -> Contender:
    """Return a contender that finds one more column in the models, another one in each turn."""

    def ready(turn: int) -> Command:
        models(site).edit(f"extra{turn:06}")
        return command

    def undo(_turn: int) -> None:
        models(site).edit("")
        for path in (site.project / "alembic" / "versions").glob(f"*{MESSAGE}.py"):
            path.unlink()

    return Contender(ready, undo)


def waiting(site: Site, name: str, command: Callable[[str], Command]) -> Contender:
    """Return a contender that adds a column to the first table, while a session reads it.

    Args:
        site: where it works.
        name: what its databases are called.
        command: makes the command of a URL.

    """
    contender = fresh(site, name, command, HEAD)
    path = site.project / "alembic" / "versions" / "pending.py"

    def ready(turn: int) -> Command:
        path.write_text(PENDING.format(last=site.size - 1))
        return replace(contender.ready(turn), reader=site.url(f"{name}_{turn}"))

    def undo(turn: int) -> None:
        path.unlink(missing_ok=True)
        contender.undo(turn)

    return Contender(ready, undo)


class Limbeck(Peer):
    """The commands of limbeck."""

    name = "limbeck"

    def __init__(self, program: Path) -> None:
        self.program = program

    def install(self, cache: Path) -> str:  # noqa: ARG002 - it is what is measured
        """Return the version and the commit."""
        return commit(self.program)

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return limbeck's command."""
        generate = site.limbeck("generate", "-m", MESSAGE)
        head = site.url(HEAD)
        pull = ("pull", "--out", str(site.root / "pulled.py"), "--force")
        match work:
            case works.ONE:
                return edited(site, generate)
            case works.NOTHING:
                return always(generate)
            case works.PENDING:
                return always(site.limbeck("migrate", development=head))
            case works.PROTECTED:
                return fresh(site, "ours", self.production(site), "template1")
            case works.LINT:
                return self.lint(site)
            case works.PULL:
                return always(site.limbeck(*pull, "--no-prove", "--url", head))
            case works.PULL_AWAY:
                return always(site.limbeck(*pull, "--no-prove", "--url", site.far(head)))
            case works.PROVED:
                return always(site.limbeck(*pull, "--url", head))
            case works.EQUAL:
                return always(site.limbeck("diff", head, site.create("equal", HEAD)))
            case works.NEW:
                return fresh(site, "ours", self.development(site), "template1")
            case works.NEW_AWAY:
                return fresh(site, "ours", self.development(site, away=True), "template1")
            case works.WAIT:
                return waiting(site, "ours", self.development(site))
            case works.STATUS:
                return always(self.status(site))
        return None

    @staticmethod
    def lint(site: Site) -> Contender:
        """Return lint of a revision that generate has just written."""
        lint = site.limbeck("lint", development=site.url(HEAD))
        written = edited(site, site.limbeck("generate", "-m", MESSAGE))

        def ready(turn: int) -> Command:
            written.ready(turn).succeed()
            return lint

        return Contender(ready, written.undo)

    @staticmethod
    def development(site: Site, *, away: bool = False) -> Callable[[str], Command]:
        """Return what migrates an unprotected database, perhaps a distant one."""
        return lambda url: site.limbeck(
            "migrate", "--yes", development=site.far(url) if away else url
        )

    @staticmethod
    def production(site: Site) -> Callable[[str], Command]:
        """Return what migrates a protected database, with lint."""
        return lambda url: site.limbeck("migrate", "-e", "production", "--yes", production=url)

    @staticmethod
    def status(site: Site) -> Command:
        """Return status of all environments, each of which has a database of its own."""
        env = {}
        profiles = site.project / "env_profiles"
        for path in profiles.glob("*.env"):
            path.unlink()
        for number in range(site.size):
            name = "development" if not number else f"customer{number}"
            (profiles / f"{name}.env").write_text("DATABASE_URL=local\n")
            env[f"DATABASE_URL_{name.upper()}"] = site.create(name, HEAD)
        return site.command(site.program, "status", env=env)


class Bare(Peer):
    """The import of the models, which every command that needs them pays for."""

    name = "bare import"

    def __init__(self, program: Path) -> None:
        self.python = program.parent / "python"

    def install(self, cache: Path) -> str:  # noqa: ARG002 - Python is there
        """Return the version of SQLAlchemy."""
        return f"SQLAlchemy {version_of(self.python.parent, 'sqlalchemy')}"

    def contender(self, work: str, site: Site) -> Contender | None:
        """Import the models, after the same edit."""
        command = site.command(
            self.python, "-c", "import app.models", env={"PYTHONPATH": str(site.project)}
        )
        if work == works.ONE:
            return edited(site, command)
        if work == works.NEW:
            return always(command)
        return None


class Generate(Peer):
    """limbeck's generate beside its lint."""

    name = "limbeck generate"

    def __init__(self, program: Path) -> None:
        self.program = program

    def install(self, cache: Path) -> str:  # noqa: ARG002 - it is what is measured
        """Return the version and the commit."""
        return commit(self.program)

    def contender(self, work: str, site: Site) -> Contender | None:
        """Generate the revision that lint judges."""
        if work != works.LINT:
            return None
        return edited(site, site.limbeck("generate", "-m", MESSAGE))


def commit(program: Path) -> str:
    """Return the commit of a limbeck in the .venv of a worktree; edits are told."""
    root = program.parents[2]
    words = ("git", "-C", str(root), "status", "--porcelain", "--", "limbeck", "benchmarks")
    edits = subprocess.run(words, check=False, capture_output=True, text=True).stdout
    words = ("git", "-C", str(root), "rev-parse", "--short=7", "HEAD")
    head = subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip()
    return (head or "unknown") + ("-edited" if edits.strip() else "")
