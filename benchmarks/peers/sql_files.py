"""dbmate and sqitch, whose migrations are SQL files that a person writes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import histories
import works
from measure import Command
from peers.contender import Contender, Peer, always, fresh, modules, succeed
from sites import Site

BY_HAND = "migrations are written by hand"
CANNOT = {
    works.ONE: BY_HAND,
    works.NOTHING: BY_HAND,
    works.PROTECTED: "judges no migration",
    works.LINT: "judges no migration",
    works.PULL: "knows no models",
    works.PULL_AWAY: "knows no models",
    works.PROVED: "knows no models",
    works.EQUAL: "does not compare",
    works.STATUS: "asks one database a call",
}
PERL = ("usr/share/perl5", "usr/lib/*/perl5/5.*", "usr/lib/*/perl5-base")


class Dbmate(Peer):
    """The program that npm's package contains."""

    name = "dbmate"
    cannot = CANNOT
    most = {works.NEW_AWAY: 100}

    def __init__(self) -> None:
        self.program = Path()

    def install(self, cache: Path) -> str:
        """Install it with npm."""
        self.program = modules(cache, "dbmate", "dbmate@^2.36.0") / ".bin" / "dbmate"
        return succeed(self.program, "--version").split()[-1]

    def prepare(self, site: Site) -> None:
        """Write the migrations and run them in its database."""
        if site.unit == works.REVISIONS:
            histories.dbmate(site.root / "dbmate", site.size)
            self.run(site, site.create("dbmate")).succeed(site.limit)

    def run(self, site: Site, url: str) -> Command:
        """Return the command that migrates a database."""
        flags = ("--migrations-dir", ".", "--no-dump-schema", "--url", f"{url}?sslmode=disable")
        return site.command(self.program, *flags, "migrate", cwd=site.root / "dbmate")

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command."""
        if site.unit != works.REVISIONS:
            return None
        match work:
            case works.PENDING:
                return always(self.run(site, site.url("dbmate")))
            case works.NEW:
                return fresh(site, "dbmate_new", lambda url: self.run(site, url), "template1")
            case works.NEW_AWAY:
                return fresh(
                    site, "dbmate_new", lambda url: self.run(site, site.far(url)), "template1"
                )
        return None


class Sqitch(Peer):
    """sqitch of the PATH, or of Debian's packages, unpacked into the cache."""

    name = "sqitch"
    cannot = CANNOT | {works.NEW_AWAY: "not measured"}
    most = {works.NEW: 500, works.PENDING: 500}

    def __init__(self) -> None:
        self.words: tuple[str | Path, ...] = ("sqitch",)
        self.env: dict[str, str] = {}

    def install(self, cache: Path) -> str:
        """Unpack Debian's packages, unless it is installed."""
        if not shutil.which("sqitch"):
            self._unpack(cache / "sqitch")
        words = [str(word) for word in self.words]
        done = subprocess.run(
            [*words, "--version"],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()[-1]

    def _unpack(self, folder: Path) -> None:
        root = folder / "root"
        if not (folder / "installed").exists():
            root.mkdir(parents=True, exist_ok=True)
            plan = succeed(
                "apt-get", "install", "--simulate", "--no-install-recommends", "sqitch",
                "libdbd-pg-perl",
            )  # fmt: skip
            names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst")]
            # The machine's own Perl stays what it is.
            packages = [name for name in names if name.endswith("-perl") or name == "sqitch"]
            succeed("apt-get", "download", *packages, cwd=folder)
            for package in folder.glob("*.deb"):
                succeed("dpkg", "-x", package, root)
            (folder / "installed").touch()
        places = [str(place) for pattern in PERL for place in sorted(root.glob(pattern))]
        self.env = {"PERL5LIB": ":".join(places)}
        self.words = ("perl", "-CAS", root / "usr" / "bin" / "sqitch")

    def prepare(self, site: Site) -> None:
        """Write the plan and deploy it to its database."""
        if site.unit == works.REVISIONS:
            histories.sqitch(site.root / "sqitch", site.size)
            self.run(site, site.create("sqitch")).succeed(site.limit)

    def run(self, site: Site, url: str) -> Command:
        """Return the command that deploys to a database."""
        target = url.replace("postgresql://", "db:pg://")
        name = ("SQITCH_FULLNAME", "SQITCH_EMAIL")
        env = {**self.env, name[0]: "Bench", name[1]: "bench@example.org"}
        words = (*self.words, "deploy", "--client", site.tool("psql"), "--target", target)
        # 1: nothing to deploy.
        return site.command(*words, cwd=site.root / "sqitch", env=env, exits=(0, 1))

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command."""
        if site.unit != works.REVISIONS:
            return None
        match work:
            case works.PENDING:
                return always(self.run(site, site.url("sqitch")))
            case works.NEW:
                return fresh(site, "sqitch_new", lambda url: self.run(site, url), "template1")
        return None
