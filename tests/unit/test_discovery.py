"""What `init` understands of a project: which history, which metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from limbeck.errors import ConfigurationError
from limbeck.history.history import History
from limbeck.project import declarations, scaffold, script_location
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
    Layout(
        "several ini files for one history, named by a package with colons",
        {
            "a/alembic.ini": INI.format("shop:data:db"),
            "b/alembic.ini": INI.format("shop:data/db"),
            **history("shop/data/db"),
            "shop/__init__.py": BASE + USER,
        },
        "shop:Base.metadata",
        "shop/data/db",
        {"alembic-ini": "a/alembic.ini"},
    ),
    Layout(
        "the history in the folder of its ini file",
        {
            "deep/db/alembic.ini": INI.format("."),
            **history("deep/db"),
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "deep/db",
        {"alembic-ini": "deep/db/alembic.ini"},
    ),
    Layout(
        "an env.py that imports the base only; its revisions import the models",
        {
            "alembic.ini": INI.format("db"),
            **history("db", "from shop.base import Base\ntarget_metadata = Base.metadata\n"),
            "shop/base.py": BASE,
            "shop/models.py": f"from shop.base import Base\n{USER}",
            "shop/other.py": "from reports import Table\nTable('users')\n",
            "shop/late.py": "from shop.base import Base\ndef f():\n    import shop.other\n",
        },
        "shop.models:Base.metadata",
        "db",
    ),
    Layout(
        "tables without a class",
        {
            "shop/__init__.py": "",
            "shop/meta.py": "from sqlalchemy import MetaData\nmetadata = MetaData()\n",
            "shop/tables.py": "from shop.meta import metadata\nusers = Table('users', metadata)\n",
        },
        "shop.tables:metadata",
        None,
    ),
    Layout(
        "Flask-SQLAlchemy: models that name no table",
        {
            "alembic.ini": INI.format("db"),
            **history("db"),
            "shop/__init__.py": "",
            "shop/extensions.py": "db = SQLAlchemy()\n",
            "shop/models.py": "from .extensions import db\nclass User(db.Model): pass\n",
        },
        "shop.models:db.metadata",
        "db",
    ),
    Layout(
        "models that derive from an abstract one",
        {
            "shop/__init__.py": "",
            "shop/base.py": BASE + "class Row(Base):\n    __abstract__ = True\n",
            "shop/user.py": "from shop.base import Base, Row\nclass User(Row): pass\n",
            "shop/note.py": "from shop.base import Base, Row\n",
        },
        "shop.user:Base.metadata",
        None,
    ),
    Layout(
        "a registry and a MetaData that a base uses are none beside it",
        {
            "shop.py": "mappers = registry(metadata=MetaData())\n"
            "class Base(DeclarativeBase):\n    registry = mappers\n"
        },
        "shop:Base.metadata",
        None,
    ),
    Layout(
        "several bases that env.py chooses between",
        {
            "alembic.ini": INI.format("db"),
            **history(
                "db",
                "from shop import A, B\ntarget_metadata = A.metadata\n"
                "if big:\n    target_metadata = B.metadata\n",
            ),
        },
        "env.py",
        "db",
    ),
    Layout(
        "a star import in env.py",
        {
            "alembic.ini": INI.format("db"),
            **history("db", "from shop import *\ntarget_metadata = Base.metadata\n"),
            "shop.py": BASE + USER,
        },
        "env.py",
        "db",
    ),
    Layout(
        "models in revisions that are somewhere else",
        {
            "alembic.ini": INI.format("db") + "version_locations = changes\n",
            **history("db"),
            "changes/a.py": "revision = 'a'\ndown_revision = None\n" + BASE + USER,
            "old/b.py": "revision: str = 'b'\ndown_revision: None = None\n" + BASE + USER,
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "db",
    ),
    Layout(
        "modules that are imported from src",
        {
            "src/models.py": BASE + USER,
            "src/main.py": "from src.models import User\n",
        },
        "src.models:Base.metadata",
        None,
    ),
    Layout(
        "a uv workspace",
        {
            "pyproject.toml": "[tool.uv.workspace]\nmembers = ['packages/*']\n",
            "uv.lock": "",
            "alembic.ini": INI.format("db"),
            **history("db"),
            "packages/core/pyproject.toml": "",
            "packages/core/src/core/__init__.py": "",
            "packages/core/src/core/models.py": BASE + USER,
            "packages/web/pyproject.toml": "",
            "packages/web/web/views.py": "from core.models import User\n",
        },
        "core.models:Base.metadata",
        "db",
    ),
    Layout(
        "a service below the root, which its ini file imports from",
        {
            "backend/alembic.ini": INI.format("app/alembic") + "prepend_sys_path = .\n",
            **history(
                "backend/app/alembic",
                "from app import models\ntarget_metadata = models.Base.metadata\n",
            ),
            "backend/app/models.py": BASE + USER,
        },
        "app.models:Base.metadata",
        "backend/app/alembic",
        {"alembic-ini": "backend/alembic.ini"},
    ),
    Layout(
        "values of an ini file in other values",
        {
            "alembic.ini": "[DEFAULT]\nplace = db\n" + INI.format("%(here)s/%(place)s"),
            **history("db"),
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "db",
    ),
    Layout(
        "a base that a decorator makes",
        {"shop.py": "@as_declarative()\nclass Base: pass\n" + USER},
        "shop:Base.metadata",
        None,
    ),
    Layout(
        "models whose modules import an abstract model, and not the base",
        {
            "shop/__init__.py": "",
            "shop/base.py": BASE + "class Row(Base):\n    __abstract__ = True\n",
            "shop/user.py": "from shop.base import Row\nclass User(Row): pass\n",
        },
        "shop.user:Row.metadata",
        None,
    ),
    Layout(
        "bases of tests",
        {
            "shop.py": BASE + USER,
            "conftest.py": BASE,
            "test_shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        None,
    ),
    Layout(
        "two files for one history, which differ in the database",
        {
            "alembic.ini": INI.format("db"),
            "ci.ini": INI.format("db") + "sqlalchemy.url = postgresql://ci/shop\n",
            **history("db"),
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "db",
    ),
    Layout(
        "two sections for one history",
        {
            "alembic.ini": "[abroad]\nscript_location = db\n" + INI.format("db"),
            **history("db"),
            "shop.py": BASE + USER,
        },
        "shop:Base.metadata",
        "db",
    ),
    Layout(
        "setup.cfg instead of an ini file",
        {"setup.cfg": INI.format("db"), **history("db"), "shop.py": BASE + USER},
        "shop:Base.metadata",
        "db",
        {"alembic-ini": "setup.cfg"},
    ),
    Layout(
        "an ini file in the folder of its history",
        {"db/alembic.ini": INI.format("."), **history("db"), "shop.py": BASE + USER},
        "shop:Base.metadata",
        "db",
        {"alembic-ini": "db/alembic.ini"},
    ),
    Layout(
        "an ini file of another name in a folder of its own",
        {"config/migrate.ini": INI.format("db"), **history("db"), "shop.py": BASE + USER},
        "shop:Base.metadata",
        "db",
        {"alembic-ini": "config/migrate.ini"},
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


def test_a_history_that_is_chosen_needs_no_other_one(tmp_path: Path) -> None:
    files = {"alembic.ini": INI.format("nowhere") + "[shop]\nscript_location = one\n"}
    put(tmp_path, {**files, **history("one"), "shop.py": BASE + USER})
    assert str(scaffold.plan(tmp_path, ini="alembic.ini:shop").adopted) == "one"
    with pytest.raises(ConfigurationError, match=r"nowhere, which has no env\.py"):
        scaffold.plan(tmp_path, ini="alembic.ini")


@pytest.mark.parametrize(
    ("files", "said", "hint"),
    [
        (
            {"alembic.ini": INI.format("elsewhere:history"), "shop.py": BASE + USER},
            "alembic.ini describes a history in .*elsewhere/history, which has no env.py",
            "Correct its script_location, or remove the section.",
        ),
        (
            {
                "backend/pyproject.toml": "",
                "backend/alembic.ini": INI.format("%(here)s/db"),
                **history("backend/db"),
                "tools/x.py": "",
            },
            "the history belongs to another project, which has a pyproject.toml: backend",
            "limbeck init backend",
        ),
        (
            {
                **{f"{name}/pyproject.toml": "" for name in ("a", "b")},
                **{f"{name}/alembic.ini": INI.format("%(here)s/db") for name in ("a", "b")},
                **history("a/db"),
                **history("b/db"),
            },
            "the histories belong to other projects, each of which has a pyproject.toml: a, b",
            "limbeck init a",
        ),
        (
            {**history("shop/db", "from alembic import context\n"), "shop/models.py": BASE + USER},
            "there is a history in shop/db, and no file that describes it",
            "Write alembic.ini with [alembic] and script_location = shop/db.",
        ),
        (
            {f"{name}.py": BASE + USER for name in ("a", "b")},
            "several declarative bases were found: a:Base.metadata, b:Base.metadata",
            "Choose one: limbeck init --models a:Base.metadata",
        ),
    ],
    ids=[
        "a history that is missing",
        "a project below",
        "projects below",
        "a history that a program finds",
        "several bases",
    ],
)
def test_what_is_not_clear_is_an_error_with_the_next_command(
    files: dict[str, str], said: str, hint: str, tmp_path: Path
) -> None:
    put(tmp_path, files)
    with pytest.raises(ConfigurationError, match=said) as caught:
        scaffold.plan(tmp_path)
    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["tests/test_shop.py", "app/page.tsx", "main.go", "a.ipynb"])
def test_no_sample_application_is_written_beside_code(name: str, tmp_path: Path) -> None:
    put(tmp_path, {name: ""})
    plan = scaffold.plan(tmp_path)
    assert not any(file.path.parts[0] == "app" for file in plan.changes)
    assert (plan.missing, plan.code) == (True, True)


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("class User(Base):\n    __tablename__ = 'users'", True),
        ("class User(models.Base): id = Column()", True),
        ("class User(db.Model): id = db.Column()", True),
        ("class User(SQLModel, table=True): id: int", True),
        ("users = Table('users', metadata)", True),
        ("class Row(Base):\n    __abstract__ = True", False),
        ("class User(BaseModel): id: int", False),
        ("class User(models.Model): pass", False),
        ("revision = 'a'\ndown_revision = None\nt = Table('users', metadata)", False),
    ],
)
def test_a_module_that_declares_tables_is_known_by_its_text(
    text: str, *, declared: bool, tmp_path: Path
) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert declarations.declares(path, "Base") == declared


@pytest.mark.parametrize(
    ("setting", "names"), [("", ["a"]), ("recursive_version_locations = true\n", ["a", "b"])]
)
def test_revisions_in_folders_below_count_where_alembic_reads_them(
    setting: str, names: list[str], tmp_path: Path
) -> None:
    below = {"db/versions/2026/b.py": "revision = 'b'\ndown_revision = 'a'\n"}
    first = {"db/versions/a.py": "revision = 'a'\ndown_revision = None\n"}
    put(tmp_path, {**history("db"), **first, **below, "shop.py": BASE + USER})
    put(tmp_path, {"alembic.ini": INI.format("db") + setting})
    project = scaffold.plan(tmp_path).project
    assert [each.id for each in History.of(project).revisions()] == names


@pytest.mark.parametrize(("module", "imported"), [("env.py", True), ("__init__.py", False)])
def test_no_folder_of_an_ini_file_hides_alembic(
    module: str, tmp_path: Path, *, imported: bool
) -> None:
    folder = tmp_path / "shop"
    put(folder, {"alembic.ini": "[alembic]\nprepend_sys_path = .\n", f"alembic/{module}": ""})
    paths = script_location.places(tmp_path, {}, folder / "alembic.ini").paths
    assert (folder in paths) == imported
