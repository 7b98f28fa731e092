"""What `init` understands of a project: which history, which metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from limbeck.errors import ConfigurationError
from limbeck.project import scaffold
from limbeck.project.project import Project

INI = "[alembic]\nscript_location = {}\n"
BASE = "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): pass\n"
USER = "class User(Base):\n    __tablename__ = 'users'\n"


def history(folder: str, env: str = "target_metadata = None\n") -> dict[str, str]:
    return {f"{folder}/env.py": env, f"{folder}/versions/a.py": "revision = 'a'\n"}


@dataclass(frozen=True)
class Layout:
    """Files of a project, and what `init` makes of them."""

    name: str
    files: dict[str, str]
    models: str
    adopted: str | None
    settings: dict[str, str] = field(default_factory=dict)


LAYOUTS = (
    Layout(
        "Flask-Migrate: no script_location, an application's metadata",
        {
            "migrations/alembic.ini": "[alembic]\n[loggers]\nkeys = root\n",
            **history("migrations", "target_metadata = current_app.extensions['migrate'].db\n"),
            "shop.py": "db = SQLAlchemy()\nclass User(db.Model): pass\n",
        },
        "env.py",
        "migrations",
        {"alembic-ini": "migrations/alembic.ini"},
    ),
    Layout(
        "an ini file in a folder of its own",
        {
            "config/alembic.ini": INI.format("%(here)s/../db"),
            **history("db"),
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "db",
        {"alembic-ini": "config/alembic.ini"},
    ),
    Layout(
        "an ini file of another name, with a section of another name",
        {
            "services.ini": "[billing]\nscript_location = billing\n",
            **history("billing"),
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "billing",
        {"alembic-ini": "services.ini", "alembic-section": "billing"},
    ),
    Layout(
        "pyproject.toml instead of an ini file",
        {
            "pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/db"\n',
            **history("db"),
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "db",
    ),
    Layout(
        "a package in src/ that has the history, too",
        {
            "alembic.ini": INI.format("shop:history"),
            **history("src/shop/history"),
            "src/shop/__init__.py": "",
            "src/shop/models.py": BASE + USER,
        },
        "shop.models:Base.metadata",
        "src/shop/history",
    ),
    Layout(
        "a module that env.py imports, and its attribute",
        {
            "alembic.ini": INI.format("db"),
            **history("db", "import shop.models\ntarget_metadata = shop.models.Base.metadata\n"),
            "shop/models.py": BASE + USER,
        },
        "shop.models:Base.metadata",
        "db",
    ),
    Layout(
        "a module that env.py imports from its package",
        {
            "alembic.ini": INI.format("db"),
            **history("db", "from shop import models as m\ntarget_metadata = m.Base.metadata\n"),
            "shop/models.py": BASE + USER,
        },
        "shop.models:Base.metadata",
        "db",
    ),
    Layout(
        "several metadata",
        {
            "alembic.ini": INI.format("db"),
            **history("db", "from shop import a, b\ntarget_metadata = [a.metadata, b.metadata]\n"),
        },
        "env.py",
        "db",
    ),
    Layout(
        "models in revisions are not the project's",
        {
            "alembic.ini": INI.format("db"),
            **history("db"),
            "db/versions/b.py": BASE + USER,
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "db",
    ),
    Layout(
        "a module that imports the base and all modules with tables",
        {
            "shop/__init__.py": "",
            "shop/db/base.py": BASE,
            "shop/db/user.py": "from shop.db.base import Base\n" + USER,
            "shop/db/all.py": "from .base import Base\nfrom . import user\n",
        },
        "shop.db.all:Base.metadata",
        None,
    ),
    Layout(
        "the package that exports a base, before its module",
        {
            "shop/models/__init__.py": "from shop.models.base import Base\n",
            "shop/models/base.py": BASE + USER,
        },
        "shop.models:Base.metadata",
        None,
    ),
    Layout(
        "a registry",
        {"shop.py": "from sqlalchemy.orm import registry\nmappers = registry()\n"},
        "shop:mappers.metadata",
        None,
    ),
    Layout(
        "SQLModel",
        {"shop.py": "from sqlmodel import SQLModel\nclass User(SQLModel, table=True): pass\n"},
        "shop:SQLModel.metadata",
        None,
    ),
)


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_init_understands_what_is_there(layout: Layout, tmp_path: Path) -> None:
    put(tmp_path, layout.files)
    plan = scaffold.plan(tmp_path)
    adopted = str(plan.adopted) if plan.adopted else None
    assert (plan.models, adopted) == (layout.models, layout.adopted)
    scaffold.write(plan)
    text = (tmp_path / "pyproject.toml").read_text()
    for name, value in layout.settings.items():
        assert f'{name} = "{value}"' in text
    assert {name: (tmp_path / name).read_text() for name in layout.files} == {
        **layout.files,
        **({"pyproject.toml": text} if "pyproject.toml" in layout.files else {}),
    }
    assert not (tmp_path / "app").exists()
    if layout.adopted:
        project = Project.find(tmp_path)
        assert project.script_location.resolve() == tmp_path / layout.adopted
        assert not scaffold.plan(tmp_path).changes


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (
            {"a.ini": INI.format("one"), "b.ini": INI.format("two")},
            "a.ini, b.ini",
        ),
        (
            {"alembic.ini": INI.format("one") + "[other]\nscript_location = two\n"},
            "alembic.ini, alembic.ini:other",
        ),
        (
            {"x/alembic.ini": INI.format("one"), "y/alembic.ini": INI.format("two")},
            "x/alembic.ini, y/alembic.ini",
        ),
    ],
    ids=["ini files", "sections", "services of a monorepo"],
)
def test_one_of_several_histories_has_to_be_chosen(
    files: dict[str, str], names: str, tmp_path: Path
) -> None:
    put(tmp_path, {**files, **history("one"), **history("two"), "shop.py": BASE + USER})
    with pytest.raises(ConfigurationError, match=f"several histories: {names}") as caught:
        scaffold.plan(tmp_path)
    assert "--alembic-ini" in (caught.value.hint or "")
    last = names.rpartition(", ")[2]
    assert str(scaffold.plan(tmp_path, ini=last).adopted) == "two"
