"""The cache of catalogs: what an older version wrote is read, or counts as not there."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from limbeck.project.project import Project
from limbeck.schema.catalog import store
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.tables import Table
from limbeck.shadow import cache, ingredients

# One object of each kind, as c1f59d4 cached it on Postgres 18.
OLD = Path(__file__).parents[1] / "fixtures" / "c1f59d4" / "every-kind-of-object"

# Sets stand beside them, in any order.
SAME = ("format", "server", "fields", "objects")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose cache has the old catalog, and others that cannot be read."""
    (tmp_path / "alembic").mkdir()
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = alembic\n")
    (tmp_path / "pyproject.toml").write_text('[tool.limbeck]\nmodels = "models:metadata"\n')
    project = Project.find(tmp_path)
    folder = cache.folder(project)
    folder.mkdir(parents=True)
    shutil.copy(OLD, folder / "replay-everything")
    text = OLD.read_bytes()
    (folder / "replay-older").write_bytes(text.replace(b'"format":2', b'"format":1'))
    (folder / "replay-unknown").write_bytes(text.replace(b'"Sequence"', b'"Counter"'))
    (folder / "replay-half").write_bytes(text[:4000])
    (folder / "replay-damaged").write_bytes(b'\n{"format":2,"server":180006}')
    (folder / "replay-empty").write_bytes(b"")
    return project


def test_a_catalog_of_c1f59d4_is_read(project: Project) -> None:
    catalog = cache.catalog(project, "replay-everything")
    assert catalog is not None
    assert {type(item) for item in catalog.objects.values()} == set(get_args(Object))
    assert store.loads(store.dumps(catalog)) == catalog
    before, after = json.loads(OLD.read_bytes().split(b"\n")[1]), json.loads(store.dumps(catalog))
    assert [before[key] for key in SAME] == [after[key] for key in SAME]


def test_a_catalog_in_parts_is_read_as_a_whole_or_not_at_all(project: Project) -> None:
    old = cache.catalog(project, "replay-everything")
    assert old is not None
    kept = cache.keep(project, "models-parts", old)
    path = cache.folder(project) / "models-parts"
    text = path.read_bytes()
    assert kept == old == cache.catalog(project, "models-parts")
    assert cache.fingerprint(project, "models-parts") == f"{old.fingerprint()} {tables(old)}"
    for damaged in (text[:-5], text[:200], text[:-9] + b"#" + text[-8:], text + b"x"):
        assert damaged != text
        path.write_bytes(damaged)
        assert cache.catalog(project, "models-parts") is None


def tables(catalog: Catalog) -> int:
    """Return the number of tables."""
    return sum(1 for _ in catalog.every(Table))


@pytest.mark.parametrize("name", ["older", "unknown", "half", "damaged", "empty", "missing"])
def test_what_cannot_be_read_is_not_there(project: Project, name: str) -> None:
    assert cache.catalog(project, f"replay-{name}") is None


def test_without_the_cache_nothing_is_there(project: Project) -> None:
    uncached = replace(project, cache=False)
    assert cache.catalog(uncached, "replay-everything") is None
    assert cache.fingerprint(uncached, "replay-everything") is None


@pytest.mark.parametrize(
    "text",
    [
        '{"files": ["a"], "folders": [], "sites": [], "variables": null}',  # c1f59d4: all of them
        '{"files": ["a"], "folders": []}',
        "[]",
        "",
    ],
)
def test_ingredients_that_cannot_be_read_are_unknown(project: Project, text: str) -> None:
    (cache.folder(project) / ingredients.FILE).write_text(text)
    assert ingredients.load(project) is None
