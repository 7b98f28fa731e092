"""Real applications' databases, taken over: models, a baseline, and rows through the models.

The schemas lie beside the repository, and are read there. Two of them run always;
`make real-schemas` runs all, and holds the models against pyright, too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from limbeck.postgres.connect import connect
from limbeck.postgres.embedded import binaries
from limbeck.project import scaffold
from limbeck.pull import compared
from limbeck.schema.catalog.read import read
from tests.acceptance.workplace import REPOSITORY, Workplace

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server
    from limbeck.schema.catalog.catalog import Catalog

SCHEMAS = REPOSITORY.parent / "shared" / "corpora" / "schemas"
ROLES = SCHEMAS.parents[1] / "tools" / "roles.sql"
# Small ones that run always: enums and composite keys; partitions and functions in a schema of
# their own.
ALWAYS = ("guacamole", "pgboss")
# Whose every class gets a row: enums, arrays, citext, many checks.
FILLED = ("guacamole", "airflow", "danbooru", "hexpm", "langfuse")
ROWS = Path(__file__).with_name("rows.py")
RULES = "E4,E7,E9,F,W,I,UP,B,C4,PIE,RET,SIM"
RUFF = ("ruff", "check", "--isolated", "--quiet", "--line-length=100", f"--select={RULES}", "app")
# What Postgres itself spells in another way when it reads its own words again.
RESPELLED: Mapping[str, set[str]] = {}


def schemas() -> Iterator[ParameterSet]:
    """Every schema by its name; all but a few are marked."""
    paths = sorted(SCHEMAS.glob("*.sql"))
    if not paths:
        yield pytest.param(None, marks=pytest.mark.skip(reason=f"{SCHEMAS} is not here"))
    for path in paths:
        marks = () if path.stem in ALWAYS else pytest.mark.real_schemas
        yield pytest.param(path, id=path.stem, marks=marks)


@dataclass(frozen=True)
class Takeover:
    """A schema's name, a project, its database, and an empty one."""

    name: str
    place: Workplace
    source: Database
    empty: Database


@pytest.fixture(params=schemas())
def taken_over(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    variables: dict[str, str],
    server: Server,
    make_database: Callable[[str], Any],
) -> Takeover:
    """A real schema that a project took over by a baseline."""
    source, empty = make_database("source"), make_database("empty")
    load(request.param, source)
    place = project(tmp_path / "project", variables, server, source, empty)
    place.good("pull", "--out", "app/models")
    place.good("pull", "--baseline", "--yes")
    return Takeover(request.param.stem, place, source, empty)


def load(path: Path, database: Database) -> None:
    """Run a schema's script, statement by statement, where there are the roles that it names."""
    psql = [binaries.find().program("psql"), "-Xq", database.url]
    options = {"PGOPTIONS": "-c client_min_messages=error"}
    # Another process may make them at the same time, so that a failure means nothing here.
    for words in (["-c", "CREATE ROLE postgres"], ["-f", str(ROLES)]):
        subprocess.run([*psql, *words], capture_output=True, check=False, env=options)
    psql += ["-vON_ERROR_STOP=1", "-f", str(path)]
    done = subprocess.run(psql, capture_output=True, text=True, check=False, env=options)
    if "is not available" in done.stderr:
        pytest.skip(done.stderr.splitlines()[0])
    assert done.returncode == 0, done.stderr


def project(
    root: Path, variables: dict[str, str], server: Server, source: Database, empty: Database
) -> Workplace:
    """A new project without models; the database is development, an empty one production."""
    (root / "app").mkdir(parents=True)
    (root / "app" / "__init__.py").touch()
    scaffold.write(scaffold.plan(root))
    urls = (server.url(), source.url, empty.url)
    names = ("SHADOW_DATABASE_URL", "DATABASE_URL_DEVELOPMENT", "DATABASE_URL_PRODUCTION")
    lines = [f"{name}={url}\n" for name, url in zip(names, urls, strict=True)]
    (root / ".env").write_text("".join(lines))
    return Workplace(root, variables)


def catalog(database: Database) -> Catalog:
    """What a database holds, but for Alembic's own table."""
    with connect(database) as connection:
        return read(connection)


def test_a_real_database_is_taken_over_exactly(taken_over: Takeover) -> None:
    place = taken_over.place
    assert "No changes" in place.good("generate").out
    assert "No changes" in place.good("pull").out
    nothing, wanted = catalog(taken_over.empty), catalog(taken_over.source)
    place.good("migrate", "-e", "production", "--yes")
    proof = compared(wanted, catalog(taken_over.empty))
    assert {str(change.address) for change in proof.lost} == RESPELLED.get(taken_over.name, set())
    assert proof.reordered == ()
    place.good("rollback", "-e", "production", "--to", "base", "--yes")
    assert nothing.changes_to(catalog(taken_over.empty)) == ()
    assert_well_written(place)
    if taken_over.name in FILLED:
        filled = place.call(sys.executable, str(ROWS), "app.models", taken_over.source.url)
        assert re.fullmatch(r"\d+ classes\n", filled.text)


def assert_well_written(place: Workplace) -> None:
    """Hold models against mypy and ruff, at their strict settings, and pyright, where it is."""
    # Its settings are strict, and its cache has SQLAlchemy, which takes mypy 16 s to read.
    own = (f"--config-file={REPOSITORY}/pyproject.toml", f"--cache-dir={REPOSITORY}/.mypy_cache")
    mypy = ("mypy", *own, "--no-error-summary", "app/models")
    for tool in (mypy, RUFF, ("ruff", "format", "--check", "--quiet", "app")):
        assert place.call(sys.executable, "-m", *tool).text == ""
    if pyright := os.environ.get("LIMBECK_PYRIGHT"):
        # As editors run it: with its own defaults, and the project's interpreter.
        command = (pyright, "--outputjson", "--pythonpath", sys.executable, "app/models")
        answer = json.loads(place.call(*command).out)
        assert answer["summary"]["filesAnalyzed"] > 0
        assert answer["generalDiagnostics"] == []
