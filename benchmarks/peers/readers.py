"""Tools that only read databases: sqlacodegen, migra, pg_dump; and psql, which only runs SQL."""

from __future__ import annotations

from pathlib import Path

import histories
import works
from peers.contender import Contender, Peer, always, fresh, succeed, venv, version_of
from sites import HEAD, Site

from limbeck.postgres.embedded.binaries import find

ALL = [work.name for work in works.WORKS]


class Sqlacodegen(Peer):
    """The writer of SQLAlchemy models."""

    name = "sqlacodegen"
    cannot = {
        name: "only writes models" for name in ALL if name not in {works.PULL, works.PULL_AWAY}
    }
    most = {works.PULL: 1000, works.PULL_AWAY: 100}

    def __init__(self) -> None:
        self.bin = Path()

    def install(self, cache: Path) -> str:
        """Install it with pip."""
        self.bin = venv(cache, "sqlacodegen", "sqlacodegen>=4", "psycopg[binary]>=3.2")
        return version_of(self.bin, "sqlacodegen")

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command."""
        if work not in {works.PULL, works.PULL_AWAY}:
            return None
        url = site.far(site.url(HEAD)) if work == works.PULL_AWAY else site.url(HEAD)
        driver = url.replace("postgresql://", "postgresql+psycopg://")
        words = ("--outfile", site.root / "sqlacodegen.py", driver)
        return always(site.command(self.bin / "sqlacodegen", *words))


class Migra(Peer):
    """The comparison of two databases."""

    name = "migra"
    cannot = {name: "only compares databases" for name in ALL if name != works.EQUAL}
    most = {works.EQUAL: 100}

    def __init__(self) -> None:
        self.bin = Path()

    def install(self, cache: Path) -> str:
        """Install it with pip; it needs pkg_resources, and psycopg2 as SQLAlchemy's default."""
        needs = ("psycopg2-binary", "setuptools<81", "sqlalchemy<2")
        self.bin = venv(cache, "migra", "migra", *needs)
        return version_of(self.bin, "migra")

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command; `equal` is a copy that limbeck's side has made."""
        if work != works.EQUAL:
            return None
        return always(site.command(self.bin / "migra", site.url(HEAD), site.url("equal")))


class PgDump(Peer):
    """The floor: pg_dump reads the same, and writes it as SQL."""

    name = "pg_dump"
    cannot = {
        name: "only reads"
        for name in ALL
        if name not in {works.PULL, works.PULL_AWAY, works.EQUAL, works.PROVED}
    }

    def install(self, cache: Path) -> str:  # noqa: ARG002 - the embedded server's own
        """Return its version."""
        return succeed(find().program("pg_dump"), "--version").split()[-1]

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command; where limbeck proves, psql creates what it writes."""
        dump = f"'{site.tool('pg_dump')}' --schema-only"
        head = site.url(HEAD)
        match work:
            case works.PULL | works.EQUAL:
                return always(site.command("sh", "-c", f"{dump} '{head}' > ../dump.sql"))
            case works.PULL_AWAY:
                return always(site.command("sh", "-c", f"{dump} '{site.far(head)}' > ../dump.sql"))
            case works.PROVED:
                psql = f"'{site.tool('psql')}' -Xq --single-transaction"
                line = f"{dump} '{head}' | {psql}"
                return fresh(
                    site,
                    "dumped",
                    lambda url: site.command("sh", "-c", f"{line} '{url}'"),
                    "template1",
                )
        return None


class Psql(Peer):
    """The floor: psql runs the statements of all revisions, and records nothing."""

    name = "psql"
    cannot = {name: "only runs SQL" for name in ALL if name != works.NEW}

    def install(self, cache: Path) -> str:  # noqa: ARG002 - the embedded server's own
        """Return its version."""
        return succeed(find().program("psql"), "--version").split()[-1]

    def prepare(self, site: Site) -> None:
        """Write the script."""
        if site.unit == works.REVISIONS:
            histories.psql(site.root / "all.sql", site.size)

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command."""
        if work != works.NEW:
            return None
        words = (site.tool("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-f", site.root / "all.sql")
        return fresh(
            site,
            "psql",
            lambda url: site.command(*words, url),
            "template1",
        )
