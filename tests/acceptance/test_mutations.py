"""Models that were pulled, and got types of our own, follow a database that others change.

Twenty random changes are made to a live database, `pull --write` merges them into the models from
before, and then all of it fits. A small schema runs always; `make mutations` takes many real ones.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from limbeck.schema.catalog.objects.columns import Column
from tests.acceptance import own_types
from tests.acceptance.mutations import mutate
from tests.acceptance.test_real_schemas import ROWS, RUFF, SCHEMAS, catalog, load, project
from tests.acceptance.workplace import REPOSITORY, Workplace

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server
    from limbeck.schema.catalog.catalog import Catalog

SEED = os.environ.get("LIMBECK_MUTATIONS_SEED", "1")
# A file of what has passed already: a run that was stopped goes on where it was.
DONE = os.environ.get("LIMBECK_MUTATIONS_DONE", "")
OUR_OWN = re.compile(r"column (\S+): its type is the models' own; it has become ")

SMALL = """
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE size AS ENUM ('s', 'm');
CREATE TYPE role AS ENUM ('user', 'admin');
CREATE TABLE tenants (id serial PRIMARY KEY, name text NOT NULL UNIQUE, mood mood NOT NULL);
CREATE TABLE users (tenant_id int REFERENCES tenants, id int, mail varchar(80), size size,
    about text, age int, role role NOT NULL DEFAULT 'user', added timestamptz DEFAULT now(),
    PRIMARY KEY (tenant_id, id));
CREATE TABLE notes (id bigserial PRIMARY KEY, tenant_id int NOT NULL, author_id int NOT NULL,
    title varchar(40) NOT NULL, body text, stars int CHECK (stars > 0), tags text[],
    FOREIGN KEY (tenant_id, author_id) REFERENCES users);
CREATE TABLE readers (note_id bigint REFERENCES notes, tenant_id int, user_id int,
    PRIMARY KEY (note_id, tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users);
CREATE INDEX ON notes (title) WHERE stars > 3;
CREATE VIEW starred AS SELECT id, title FROM notes WHERE stars > 0;
"""


def schemas() -> Iterator[ParameterSet]:
    """Every real schema by its name."""
    paths = sorted(SCHEMAS.glob("*.sql"))
    if not paths:
        yield pytest.param(None, marks=pytest.mark.skip(reason=f"{SCHEMAS} is not here"))
    for path in paths:
        yield pytest.param(path, id=path.stem)


@pytest.fixture
def start(
    tmp_path: Path,
    variables: dict[str, str],
    server: Server,
    make_database: Callable[[str], Any],
) -> Callable[[Path], tuple[Workplace, Database]]:
    """A function that loads a schema and pulls its models."""

    def started(path: Path) -> tuple[Workplace, Database]:
        source = make_database("source")
        load(path, source)
        place = project(tmp_path / "project", variables, server, source, make_database("empty"))
        place.good("pull", "--out", "app/models", "--no-prove")
        return place, source

    return started


def test_models_follow_twenty_changes(
    start: Callable[[Path], tuple[Workplace, Database]], tmp_path: Path
) -> None:
    path = tmp_path / "small.sql"
    path.write_text(SMALL)
    place, source = start(path)
    dress(place)
    follow(place, source, "small-1")
    complete(place, source)
    assert_rows(place, source, failing="")


@pytest.mark.thorough
@pytest.mark.parametrize("path", list(schemas()))
def test_models_of_real_schemas_follow_twenty_changes(
    start: Callable[[Path], tuple[Workplace, Database]], path: Path
) -> None:
    name = f"{path.stem}-{SEED}"
    if DONE and name in Path(DONE).read_text().split():
        pytest.skip("has passed already")
    place, source = start(path)
    failing = rows(place, source)
    dress(place)
    assert "No changes" in place.good("pull", "--no-prove").out, "they change no schema"
    renames = follow(place, source, name)
    assert_well_written(place)
    complete(place, source)
    place.good("pull", "--baseline", "--yes")
    assert "No changes" in place.good("generate").out
    for old, new in (rename.removeprefix("public.").split(":") for rename in renames):
        failing += f"\n{new.removeprefix('public.')}: renamed" * f"\n{failing}".count(f"\n{old}:")
    assert_rows(place, source, failing)
    if DONE:
        with Path(DONE).open("a") as file:
            file.write(f"{name}\n")


def dress(place: Workplace) -> None:
    """Give models types of our own."""
    own_types.give(place.root / "app" / "models", "app.models")
    format_(place)


def follow(place: Workplace, source: Database, seed: str) -> list[str]:
    """Change the database of models and merge: what was ours is still there.

    Return what was renamed.
    """
    folder = place.root / "app" / "models"
    had, before = own_types.has(folder), catalog(source)
    with psycopg.connect(source.url, autocommit=True) as connection:
        done, renames = mutate(connection, seed)
    print(seed, *done, *renames, sep=";\n")  # noqa: T201 - shown when the test fails
    after = catalog(source)
    # What was renamed is answered; the rest was dropped and created, however alike.
    answers = ["--no-rename", *(word for rename in renames for word in ("--rename", rename))]
    result = place.run("pull", "--write", "--force", "--json", *answers)
    assert result.code in {0, 3}, result.text
    pulled = json.loads(result.out)
    print(*(pulled[key] for key in ("gone", "left", "lost")), sep="\n")  # noqa: T201 - the same
    assert_only_dropped(pulled, before, after)
    files = place.files()
    place.run("pull", "--write", "--force", "--no-prove", "--no-rename")
    assert place.files() == files, "a second pull changes nothing"
    assert_types(had, own_types.has(folder), before, after)
    return renames


def format_(place: Workplace) -> None:
    """Sort the imports that were added, and format."""
    for words in (("check", "--select=I,F401", "--fix", "--quiet"), ("format", "--quiet")):
        place.call(sys.executable, "-m", "ruff", *words, "app")


def assert_only_dropped(pulled: Mapping[str, Any], before: Catalog, after: Catalog) -> None:
    """Hold what the merge left against what the database has no more."""
    dropped = {str(address) for address in before.objects.keys() - after.objects.keys()}
    assert set(pulled["gone"]) <= dropped
    by_hand = {match[1] for task in pulled["left"] if (match := OUR_OWN.match(task))}
    assert len(by_hand) == len(pulled["left"]), pulled["left"]
    lost = {change["object"] for change in pulled["lost"]}
    assert {address.removeprefix("column ") for address in lost} <= by_hand


def assert_types(
    had: Mapping[own_types.Column, frozenset[str]],
    has: Mapping[own_types.Column, frozenset[str]],
    before: Catalog,
    after: Catalog,
) -> None:
    """Hold the types of the columns that are as before, but for what is not about their type."""
    sides = (_types(before), _types(after))
    same = {at for at in sides[0].keys() & sides[1].keys() if sides[0][at] == sides[1][at]}
    lost = {at: names - has.get(at, frozenset()) for at, names in had.items() if at in same}
    assert {at: names for at, names in lost.items() if names} == {}


def _types(catalog: Catalog) -> dict[own_types.Column, list[str]]:
    """Return the types of columns, of all tables with a name in any schema."""
    types: dict[own_types.Column, list[str]] = {}
    for column in sorted(catalog.of(Column), key=lambda column: column.address):
        types.setdefault((column.table, column.name), []).append(column.type)
    return types


def complete(place: Workplace, source: Database) -> None:
    """Create again what only the models have, as somebody does who wants to keep it."""
    script = place.run("diff", "development", "models", "--sql", "--no-rename")
    with psycopg.connect(source.url, autocommit=True) as connection:
        connection.execute(script.out.encode())


def rows(place: Workplace, source: Database) -> str:
    """Insert a row through every class and read it; return what went wrong."""
    # What SQLAlchemy deprecates in itself is no matter of the models.
    quiet = ("-W", "ignore::DeprecationWarning")
    return place.call(sys.executable, *quiet, str(ROWS), "app.models", source.url).text


def assert_rows(place: Workplace, source: Database, failing: str) -> None:
    """Insert and read rows; what could not be filled before the changes need not be now."""
    tables = {line.partition(":")[0] for line in failing.splitlines()}
    # Nothing goes into a partitioned table without partitions, whatever its name is by now.
    unfit = "no partition of relation"
    *lines, count = rows(place, source).splitlines()
    assert re.fullmatch(r"\d+ classes", count), (lines, count)
    lines = [line for line in lines if unfit not in line]
    assert [line for line in lines if line.partition(":")[0] not in tables] == []


def assert_well_written(place: Workplace) -> None:
    """Hold models against mypy and ruff, at their strict settings."""
    own = (f"--config-file={REPOSITORY}/pyproject.toml", f"--cache-dir={REPOSITORY}/.mypy_cache")
    mypy = ("mypy", *own, "--no-error-summary", "app/models")
    for tool in (mypy, RUFF, ("ruff", "format", "--check", "--quiet", "app")):
        assert place.call(sys.executable, "-m", *tool).text == ""
