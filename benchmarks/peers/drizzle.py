"""drizzle-kit, the version that is recommended and the candidate of the next one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import histories
import schema
import works
from measure import Command
from peers.contender import Contender, Peer, always, fresh, modules
from sites import Site

CONFIG = """import { defineConfig } from "drizzle-kit";
export default defineConfig({
  dialect: "postgresql", schema: "./schema/*.ts", out: process.env.BENCH_OUT ?? "./drizzle",
  dbCredentials: { url: process.env.BENCH_URL! },
});
"""


class Drizzle(Peer):
    """Commands of drizzle-kit 0.31, with SQL files and a journal."""

    name = "drizzle-kit 0.31"
    packages: ClassVar[tuple[str, ...]] = (
        "drizzle-kit@^0.31.11",
        "drizzle-orm@^0.45.4",
        "pg@^8.20.0",
    )
    cannot = {
        works.PROTECTED: "judges no revision",
        works.LINT: "judges no revision",
        works.PROVED: "proves nothing",
        works.EQUAL: "compares a schema with its snapshot, not two databases",
        works.STATUS: "asks one database a call",
    }
    most = {
        works.NEW_AWAY: 100,
        works.PULL: 100,  # several queries a table
        works.PULL_AWAY: 100,
    }

    def __init__(self) -> None:
        self.modules = Path()
        self.schemas: dict[Path, schema.Modules] = {}

    def install(self, cache: Path) -> str:
        """Install it with npm."""
        self.modules = modules(cache, self.name.replace(" ", "-"), *self.packages)
        text = (self.modules / "drizzle-kit" / "package.json").read_text()
        return text.partition('"version": "')[2].partition('"')[0]

    def folder(self, site: Site) -> Path:
        """Return its folder at a site."""
        return site.root / self.name.replace(" ", "-")

    def database(self, site: Site) -> str:
        """Return the URL of its database at a site, which is at head."""
        return site.url(self.name.replace(" ", "_"))

    def write_history(self, folder: Path, revisions: int) -> None:
        """Write its migrations."""
        histories.drizzle(folder, revisions)

    def prepare(self, site: Site) -> None:
        """Write its schema, generate and migrate it; or write the migrations."""
        root = self.folder(site)
        root.mkdir()
        (root / "node_modules").symlink_to(self.modules)
        (root / "package.json").write_text('{"private": true}')
        (root / "drizzle.config.ts").write_text(CONFIG)
        site.create(self.name.replace(" ", "_"))
        if site.unit == works.REVISIONS:
            self.write_history(root / "drizzle", site.size)
        else:
            self.schemas[site.root] = schema.drizzle(root, site.size)
            self.run(site, "generate", self.database(site)).succeed(site.limit)
            shutil.copytree(root / "drizzle", root / "before")
        self.run(site, "migrate", self.database(site)).succeed(site.limit)

    def run(self, site: Site, verb: str, url: str, **env: str) -> Command:
        """Return one of its commands."""
        program = self.folder(site) / "node_modules" / ".bin" / "drizzle-kit"
        return site.command(program, verb, cwd=self.folder(site), env={"BENCH_URL": url, **env})

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command."""
        url = self.database(site)
        name = self.name.replace(" ", "_") + "_new"

        def migrate(new: str) -> Command:
            return self.run(site, "migrate", new)

        match work:
            case works.ONE:
                return self.edited(site, self.run(site, "generate", url))
            case works.NOTHING:
                return always(self.run(site, "generate", url))
            case works.PENDING:
                return always(migrate(url))
            case works.PULL:
                return always(self.run(site, "pull", url, BENCH_OUT="./pulled"))
            case works.PULL_AWAY:
                return always(self.run(site, "pull", site.far(url), BENCH_OUT="./pulled"))
            case works.NEW:
                return fresh(site, name, migrate, "template1")
            case works.NEW_AWAY:
                return fresh(site, name, lambda new: migrate(site.far(new)), "template1")
        return None

    def edited(self, site: Site, command: Command) -> Contender:
        """Return a contender that finds one more column in the schema."""
        root, modules_of = self.folder(site), self.schemas[site.root]

        def ready(turn: int) -> Command:
            modules_of.edit(f"extra{turn:06}")
            return command

        def undo(_turn: int) -> None:
            modules_of.edit("")
            shutil.rmtree(root / "drizzle")
            shutil.copytree(root / "before", root / "drizzle")

        return Contender(ready, undo)


class DrizzleNext(Drizzle):
    """Commands of drizzle-kit 1.0, with a folder for each migration."""

    name = "drizzle-kit 1.0-rc"
    most = Drizzle.most | {works.ONE: 1000, works.NOTHING: 1000, works.PENDING: 2000}
    packages = ("drizzle-kit@1.0.0-rc.5", "drizzle-orm@1.0.0-rc.5", "pg@^8.20.0")

    def write_history(self, folder: Path, revisions: int) -> None:
        """Write its migrations."""
        histories.drizzle_1(folder, revisions)
