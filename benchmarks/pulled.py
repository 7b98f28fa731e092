"""Write docs/pulled.md: the same tables as limbeck, sqlacodegen and drizzle-kit pull them.

python benchmarks/pulled.py. Each schema of benchmarks/pulled/ is loaded into a database, pulled by
each tool, and created again from what the tool has written; `limbeck diff` compares the databases.
Peers are those of the benchmark, from its cache.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psycopg
from peers.contender import version_of
from peers.drizzle import Drizzle
from peers.readers import Sqlacodegen

from limbeck.postgres.embedded.server import Server

ROOT = Path(__file__).parents[1]
SCHEMAS = Path(__file__).with_name("pulled")
DOCUMENT = ROOT / "docs" / "pulled.md"
TABLES = {"small": ["books"], "rails": ["users", "articles"], "tenants": ["members", "tasks"]}
"""The tables that the page shows of each schema."""
TITLES = {
    "small": "A small schema",
    "rails": "A schema as Rails writes it",
    "tenants": "Tenants with composite keys",
}
CREATE = "import sys; sys.path.insert(0, '.'); import models, sqlalchemy as sa; "
CREATE += "models.Base.metadata.create_all(sa.create_engine(sys.argv[1]))"
TOP = """\
# Pulled models side by side

The same tables as limbeck, sqlacodegen and drizzle-kit write them from the same databases, as each
tool prints them. The files have more: imports, the base with its naming convention, enums, the
other tables. `python benchmarks/pulled.py` writes this page: it runs {limbeck}, {sqlacodegen}
and {drizzle} on Postgres {postgres}, creates each result in an empty database (`create_all`,
`drizzle-kit push`), and compares that with the source by `limbeck diff`.

| created again | limbeck | sqlacodegen | drizzle-kit |
|---|---|---|---|
{rows}
"""


@dataclass(frozen=True)
class Tool:
    """A tool at work: its versions, its commands, and the language that it writes."""

    label: str
    language: ClassVar[str] = "python"

    def pull(self, folder: Path, url: str) -> str:
        """Write models into a folder and return them."""
        raise NotImplementedError

    def create(self, folder: Path, url: str) -> str:
        """Create the models in an empty database; return what went wrong, or ""."""
        return run(folder, sys.executable, "-c", CREATE, driver(url))

    def shown(self, text: str, table: str) -> str:
        """Return the part of the models that is about a table."""
        return python_class(text, table)


class Limbeck(Tool):
    """limbeck, outside a project."""

    def pull(self, folder: Path, url: str) -> str:
        """Write models.py."""
        program = Path(sys.executable).parent / "limbeck"
        run(folder, program, "pull", "--url", url, "--out", "models.py", needed=True)
        return (folder / "models.py").read_text()


@dataclass(frozen=True)
class Generator(Tool):
    """sqlacodegen."""

    program: Path

    def pull(self, folder: Path, url: str) -> str:
        """Write models.py."""
        program = self.program / "sqlacodegen"
        run(folder, program, "--outfile", "models.py", driver(url), needed=True)
        return (folder / "models.py").read_text()

    def create(self, folder: Path, url: str) -> str:
        """Create the models with its own SQLAlchemy."""
        return run(folder, self.program / "python", "-c", CREATE, driver(url))


@dataclass(frozen=True)
class Kit(Tool):
    """drizzle-kit."""

    modules: Path
    language = "ts"

    def pull(self, folder: Path, url: str) -> str:
        """Write schema.ts."""
        (folder / "node_modules").symlink_to(self.modules)
        (folder / "package.json").write_text('{"private": true}')
        self._run(folder, "pull", "--out=.", url, needed=True)
        return (folder / "schema.ts").read_text()

    def create(self, folder: Path, url: str) -> str:
        """Push the schema."""
        return self._run(folder, "push", "--force", "--schema=schema.ts", url)

    def _run(self, folder: Path, verb: str, *words: str, needed: bool = False) -> str:
        program = self.modules / ".bin" / "drizzle-kit"
        *options, url = words
        given = ("--dialect=postgresql", f"--url={url}", *options)
        return run(folder, program, verb, *given, needed=needed)

    def shown(self, text: str, table: str) -> str:
        """Return the declaration of a table."""
        match = re.search(
            rf'^export const \w+ = pgTable\("{table}".*?^[\]}}]+\);$',
            text,
            re.MULTILINE | re.DOTALL,
        )
        if match is None:
            raise LookupError(table)
        return match[0].expandtabs(2)


def python_class(text: str, table: str) -> str:
    """Return the class with a table's name, as it is written."""
    for block in re.split(r"\n\n\n+", text):
        if re.search(rf"__tablename__ = ['\"]{table}['\"]", block):
            return block.strip()
    raise LookupError(table)


def driver(url: str) -> str:
    """Return a URL as SQLAlchemy needs it."""
    return url.replace("postgresql://", "postgresql+psycopg://")


def run(folder: Path, *words: str | Path, needed: bool = False) -> str:
    """Run a command; return the line that tells why it has failed, "" if it has not."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    if needed and done.returncode:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    errors = [line for line in lines if re.match(r"([\w.]*Error\b|error:|NameError)", line)]
    if done.returncode == 0 and not errors:
        return ""
    return (errors or [line for line in lines if line] or ["failed"])[0][:160]


def again(tool: Tool, folder: Path, server: Server, name: str, url: str) -> str:
    """Create what a tool has written in an empty database; return how that differs."""
    other = server.url(create(server, f"{name}_again"))
    if error := tool.create(folder, other):
        return f"fails: `{error}`"
    program = str(Path(sys.executable).parent / "limbeck")
    words = (program, "diff", other, url, "--no-rename", "--json")
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    steps = json.loads(done.stdout)["steps"]
    objects = list(dict.fromkeys(step["object"] for step in steps))
    return f"differs: {', '.join(f'`{name}`' for name in objects)}" if objects else "exact"


def create(server: Server, name: str) -> str:
    """Create an empty database and return its name."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"'.encode())
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return name


def part(name: str, tools: list[Tool], server: Server, folder: Path) -> Iterator[str]:
    """Yield the row of the table, then the part of the page about a schema."""
    script = (SCHEMAS / f"{name}.sql").read_text()
    url = server.url(create(server, name))
    with psycopg.connect(url) as connection:
        connection.execute(script.encode())
    texts, results = [], []
    for number, tool in enumerate(tools):
        place = folder / f"{name}_{number}"
        place.mkdir()
        text = tool.pull(place, url)
        tables = "\n\n\n".join(tool.shown(text, table) for table in TABLES[name])
        texts.append(f"### {tool.label}\n\n```{tool.language}\n{tables}\n```\n")
        results.append(again(tool, place, server, f"{name}_{number}", url))
    anchor = TITLES[name].lower().replace(" ", "-")
    yield f"| [{TITLES[name]}](#{anchor}) | {' | '.join(results)} |"
    yield f"## {TITLES[name]}\n\n```sql\n{script.strip()}\n```\n"
    yield from texts


def main() -> None:
    """Run all tools and write the page."""
    parser = argparse.ArgumentParser(prog="pulled", description=__doc__)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--cache", type=Path, default=cache / "limbeck-benchmarks")
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    generator, kit = Sqlacodegen(), Drizzle()
    versions = {
        "limbeck": f"limbeck {version_of(Path(sys.executable).parent, 'limbeck')}",
        "sqlacodegen": f"sqlacodegen {generator.install(options.cache)}",
        "drizzle": f"drizzle-kit {kit.install(options.cache)}",
    }
    tools = [
        Limbeck("limbeck"),
        Generator(versions["sqlacodegen"], generator.bin),
        Kit(versions["drizzle"], kit.modules),
    ]
    with tempfile.TemporaryDirectory(prefix="limbeck-pulled-") as name:
        folder = Path(name)
        server = Server(folder / "server", port=None)
        server.start()
        # Outside of a project, limbeck proves on this server as well.
        os.environ["SHADOW_DATABASE_URL"] = server.url()
        try:
            pages = [list(part(schema, tools, server, folder)) for schema in TABLES]
            with psycopg.connect(server.url()) as connection:
                versions["postgres"] = connection.info.parameter_status("server_version") or ""
        finally:
            server.stop()
    rows = "\n".join(page[0] for page in pages)
    text = "\n".join([TOP.format(rows=rows, **versions), *(t for page in pages for t in page[1:])])
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
