"""What `init` and `doctor` say of a project before any of its code has run."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck.output import scaffolds
from limbeck.project import scaffold
from limbeck.project.unsupported import unsupported
from limbeck.run import understanding
from limbeck.run.understanding import Understanding

INI = "[alembic]\nscript_location = db\n"
LOOP = """for schema in schemas:
    with context.begin_transaction():
        context.run_migrations()
"""
ONCE = "for name in names:\n    print(name)\ncontext.run_migrations()\n"
CASES = {
    "several databases": (INI + "databases = a, b\n", ONCE, ["several databases in one history"]),
    "no sources": (INI + "sourceless = true\n", ONCE, ["sourceless"]),
    "another server": (INI + "sqlalchemy.url = mysql+pymysql://h/d\n", ONCE, ["databases other"]),
    "hooks": (INI + "[post_write_hooks]\nhooks = black\n", ONCE, ["post_write_hooks"]),
    "tenants": (INI, LOOP, ["migrations that env.py runs in a loop"]),
    "nothing": (INI + "sqlalchemy.url = driver://user:pass@localhost/dbname\n", ONCE, []),
}


@pytest.mark.parametrize("name", CASES)
def test_what_limbeck_does_not_support_is_named(name: str, tmp_path: Path) -> None:
    ini, env, beginnings = CASES[name]
    written(tmp_path, ini, env)
    names = list(unsupported(scaffold.plan(tmp_path, models="shop:metadata").project))
    assert len(names) == len(beginnings)
    assert all(each.startswith(begin) for each, begin in zip(names, beginnings, strict=True))


def test_the_plan_says_what_it_understood_before_anything_is_written(tmp_path: Path) -> None:
    written(tmp_path, INI + "databases = a, b\n", ONCE)
    for id_, label in (("a", "shop"), ("b", "billing")):
        text = f"revision = {id_!r}\ndown_revision = None\nbranch_labels = {label!r}\n"
        (tmp_path / "db" / "versions" / f"{id_}.py").write_text(text)
    files = set(tmp_path.rglob("*"))
    plan = scaffold.plan(tmp_path, models="shop:Base.metadata")
    recorded = understanding.history(plan.project)
    lacking = tuple(unsupported(plan.project))
    understood = Understanding("shop:Base.metadata", recorded, 2, unsupported=lacking)
    text = scaffolds.plan(plan, understood)
    assert "history: 2 revisions in db, 2 heads that stay (shop, billing), version table" in text
    assert "2 tables from shop:Base.metadata" in text
    assert "not supported: several databases in one history (databases = a, b)" in text
    assert set(tmp_path.rglob("*")) == files


def test_heads_in_two_folders_of_the_same_name_stay(tmp_path: Path) -> None:
    written(tmp_path, f"{INI}version_locations = db/versions shop/versions\n", ONCE)
    (tmp_path / "shop" / "versions").mkdir(parents=True)
    for id_, folder in (("a", "db"), ("b", "shop")):
        text = f"revision = {id_!r}\ndown_revision = None\n"
        (tmp_path / folder / "versions" / f"{id_}.py").write_text(text)
    plan = scaffold.plan(tmp_path, models="shop:Base.metadata")
    assert understanding.history(plan.project).lasting == ("db/versions", "shop/versions")


def test_a_project_without_models_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print('hello')\n")
    plan = scaffold.plan(tmp_path)
    assert not any(file.path.parts[0] == "app" for file in plan.files)
    assert "write your models; pyproject.toml names them as app.models" in scaffolds.next_steps(
        plan
    )


def written(root: Path, ini: str, env: str) -> None:
    """Write a project that has a history."""
    (root / "db" / "versions").mkdir(parents=True)
    (root / "alembic.ini").write_text(ini)
    (root / "db" / "env.py").write_text(env)
