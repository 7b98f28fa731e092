"""Django's migrations of the same tables, with the same driver."""

from __future__ import annotations

from pathlib import Path

import histories
import schema
import works
from measure import Command
from peers.contender import Contender, Peer, always, fresh, venv, version_of
from sites import Site

SETTINGS = """import os
from urllib.parse import unquote, urlsplit

url = urlsplit(os.environ["BENCH_URL"])
INSTALLED_APPS = ["items"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "HOST": url.hostname,
    "PORT": url.port, "USER": url.username, "PASSWORD": unquote(url.password or ""),
}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
SILENCED_SYSTEM_CHECKS = ["fields.W342"]
"""


class Django(Peer):
    """Commands of Django's manage.py."""

    name = "Django"
    cannot = {
        works.PROTECTED: "judges no migration",
        works.LINT: "judges no migration",
        works.PROVED: "proves nothing",
        works.EQUAL: "compares models with migrations, not two databases",
        works.STATUS: "asks one database a call",
        works.NEW_AWAY: "not measured",
        works.PULL_AWAY: "not measured",
    }
    most = {
        works.NEW: 500,
        works.ONE: 100,  # its set-up takes minutes from 1,000 tables on
        works.NOTHING: 100,
        works.PENDING: 500,
        works.PULL: 100,
    }

    def __init__(self) -> None:
        self.bin = Path()
        self.schemas: dict[Path, schema.Modules] = {}

    def install(self, cache: Path) -> str:
        """Install it with pip."""
        self.bin = venv(cache, "django", "Django>=5.2,<7", "psycopg[binary]>=3.2")
        return version_of(self.bin, "Django")

    def prepare(self, site: Site) -> None:
        """Write its models, make and run their migration; or write the migrations."""
        root = site.root / "django"
        root.mkdir()
        (root / "settings.py").write_text(SETTINGS)
        url = site.create("django")
        if site.unit == works.REVISIONS:
            histories.django(root, site.size)
        else:
            self.schemas[site.root] = schema.django(root, site.size)
            (root / "items" / "migrations").mkdir()
            (root / "items" / "migrations" / "__init__.py").touch()
            self.run(site, url, "makemigrations").succeed(site.limit)
        self.run(site, url, "migrate").succeed(site.limit)

    def run(self, site: Site, url: str, *words: str) -> Command:
        """Return one of its commands."""
        root = site.root / "django"
        env = {"BENCH_URL": url, "PYTHONPATH": str(root), "DJANGO_SETTINGS_MODULE": "settings"}
        return site.command(self.bin / "django-admin", *words, cwd=root, env=env)

    def contender(self, work: str, site: Site) -> Contender | None:
        """Return its command."""
        url = site.url("django")
        match work:
            case works.ONE:
                return self.edited(site, self.run(site, url, "makemigrations", "-n", "bench"))
            case works.NOTHING:
                return always(self.run(site, url, "makemigrations"))
            case works.PENDING:
                return always(self.run(site, url, "migrate"))
            case works.PULL:
                return always(self.run(site, url, "inspectdb"))
            case works.NEW:
                return fresh(
                    site, "django_new", lambda new: self.run(site, new, "migrate"), "template1"
                )
        return None

    def edited(self, site: Site, command: Command) -> Contender:
        """Return a contender that finds one more column in the models."""
        migrations = site.root / "django" / "items" / "migrations"

        def ready(turn: int) -> Command:
            self.schemas[site.root].edit(f"extra{turn:06}")
            return command

        def undo(_turn: int) -> None:
            self.schemas[site.root].edit("")
            for path in migrations.glob("*bench.py"):
                path.unlink()

        return Contender(ready, undo)
