"""`limbeck init`: new projects, existing ones, and the equality with this repository."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from limbeck.errors import ConfigurationError
from limbeck.history.history import History
from limbeck.project import scaffold
from limbeck.project.urls import is_at_neon
from limbeck.settings import Project
from tests.acceptance.workplace import REPOSITORY, Workplace

# What a user has and this repository extends or shares with its own files.
EXTENDED = {"Makefile", "pyproject.toml", ".gitignore"}


@pytest.fixture
def place(tmp_path: Path, variables: dict[str, str]) -> Workplace:
    """An empty folder."""
    root = tmp_path / "place"
    root.mkdir()
    return Workplace(root, variables)


def test_what_init_writes_equals_this_repositorys_own_files(place: Workplace) -> None:
    place.good("init", "--yes")
    written = place.files()
    for name in written.keys() - EXTENDED:
        assert written[name] == (REPOSITORY / name).read_bytes(), name
    for name in EXTENDED:
        ours = (REPOSITORY / name).read_text().splitlines()
        missing = [
            line
            for line in written[name].decode().splitlines()
            if line not in ours and not line.startswith("#")
        ]
        assert missing == [], name


def test_every_user_side_file_of_this_repository_is_written_by_init(place: Workplace) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "app", "env_profiles", "alembic", "alembic.ini", ".env.example"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git clone")
    place.good("init", "--yes")
    owned = {
        line for line in listed.stdout.splitlines() if not line.startswith("alembic/versions/")
    }
    assert owned - place.files().keys() == set()


@pytest.mark.parametrize("there", [False, True])
def test_profiles_become_branches_of_a_neon_project(place: Workplace, there: bool) -> None:  # noqa: FBT001 - a case
    """In a new project and in one that is there; what people wrote beside it stays."""
    profile = place.root / "env_profiles" / "qa.env"
    if there:
        place.good("init", "--yes")
        profile.write_text("BRANCH=quality\n# ours\nDATABASE_URL=local\nLOCK_TIMEOUT=1s\n")
        (place.root / "env_profiles" / "own.env").write_text("DATABASE_URL=postgresql://a@b/c\n")
    result = place.good("init", "--neon", "--yes")
    assert "NEON_API_KEY" in result.out
    project = Project.find(place.root)
    found = {each.name: (each.neon_branch, each.protected) for each in project.profiles()}
    expected = {"development": ("development", False), "production": ("production", True)}
    assert found == expected | ({"qa": ("quality", False), "own": (None, False)} if there else {})
    assert all(is_at_neon(project, project.profile(name)) for name in expected)
    if there:
        lines = profile.read_text().splitlines()
        assert (lines[0], lines[1], lines[-1]) == ("BRANCH=quality", "# ours", "LOCK_TIMEOUT=1s")
    assert "Nothing to do" in place.good("init", "--neon", "--yes").err


def test_without_a_terminal_and_yes_nothing_is_written(place: Workplace) -> None:
    result = place.run("init")
    assert result.code == 4
    assert "create  env_profiles/development.env" in result.out
    assert "--yes" in result.err
    assert place.files() == {}


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 4), ("", 4)])
def test_the_answer_on_the_terminal_decides(place: Workplace, answer: str, code: int) -> None:
    result = place.run("init", typing=answer)
    assert result.code == code, result.text
    assert bool(place.files()) == (code == 0)


def test_a_second_init_changes_nothing(place: Workplace) -> None:
    place.good("init", "--yes")
    before = place.files()
    assert "Nothing to do" in place.good("init", "--yes").err
    assert place.files() == before


def test_init_works_from_elsewhere_and_makes_the_folder(place: Workplace) -> None:
    place.good("init", "deep/er", "--yes")
    assert (place.root / "deep" / "er" / "alembic.ini").exists()


ENV = """from alembic import context
from shop.tables import Model
target_metadata = Model.metadata
"""


def existing(root: Path) -> None:
    """Write a project with models, a history and a Makefile of its own."""
    for name, text in {
        "alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\n",
        "migrations/env.py": ENV,
        "migrations/script.py.mako": "own",
        "migrations/versions/a1.py": "revision = 'a1'\ndown_revision = None\n",
        "shop/__init__.py": "",
        "shop/tables.py": (
            "from sqlalchemy.orm import DeclarativeBase\nclass Model(DeclarativeBase): pass\n"
        ),
        "Makefile": "all:\n\techo all\n",
        "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'",
        ".gitignore": "*.pyc",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_an_existing_history_is_adopted_and_its_files_are_kept(place: Workplace) -> None:
    existing(place.root)
    before = place.files()
    place.call("git", "init", "--quiet")
    place.call("git", "add", "--all")
    result = place.good("init", "--yes")
    status = place.call("git", "status", "--porcelain", "--untracked-files=all").out
    assert {line[3:] for line in status.splitlines() if line.startswith("??")} == {
        "env_profiles/development.env",
        "env_profiles/production.env",
    }
    shutil.rmtree(place.root / ".git")
    after = place.files()
    assert (
        "history: 1 revision in migrations, one head, version table alembic_version" in result.out
    )
    assert "to write: 2 new files, and lines at the end of 2; all else stays" in result.out
    grown = {"pyproject.toml", ".gitignore"}
    assert {name for name in before if after[name] != before[name]} == grown
    assert all(after[name].startswith(before[name]) for name in grown)
    assert b'models = "shop.tables:Model.metadata"' in after["pyproject.toml"]


@pytest.mark.parametrize("there", [False, True])
def test_every_make_target_that_is_written_can_run(place: Workplace, there: bool) -> None:  # noqa: FBT001 - a case
    """app/migrate.py is written into new projects only, and so are the targets that run it."""
    if there:
        existing(place.root)
        (place.root / "alembic.ini").unlink()
        shutil.rmtree(place.root / "migrations")
    result = place.good("init", "--yes")
    assert ("include limbeck.mk" in result.out) == there
    helped = place.call("make", "-f", "limbeck.mk", "help").out
    targets = [line.split()[1] for line in helped.splitlines()]
    assert "db-migrate-dev" in targets
    assert any("script" in target for target in targets) != there
    assert ("script" in (place.root / "limbeck.mk").read_text()) != there
    for target in targets:
        done = place.call("make", "-n", "-f", "limbeck.mk", target)
        assert done.code == 0, done.text
        for module in re.findall(r" -m (\S+)", done.out):
            assert (place.root / module.replace(".", "/")).with_suffix(".py").exists()


@pytest.mark.parametrize("there", [False, True])
def test_git_ignores_what_tools_leave(place: Workplace, there: bool) -> None:  # noqa: FBT001 - a case
    if there:
        existing(place.root)
    place.good("init", "--yes")
    place.call("git", "init", "--quiet")
    for name in (".venv/lib/x.py", "app/models/__pycache__/x.pyc", ".limbeck/x", ".env"):
        assert place.call("git", "check-ignore", name).code == 0, name


def test_the_revisions_of_an_adopted_history_are_where_its_alembic_ini_says(
    place: Workplace,
) -> None:
    existing(place.root)
    ini = place.root / "alembic.ini"
    moved = place.root / "migrations" / "revisions"
    (place.root / "migrations" / "versions").rename(moved)
    ini.write_text(ini.read_text() + "version_locations = %(here)s/migrations/revisions\n")
    place.good("init", "--yes")
    project = Project.find(place.root)
    assert [one.id for one in History.of(project).revisions()] == ["a1"]


def test_init_names_what_it_follows_of_env_py_and_what_it_does_not(place: Workplace) -> None:
    existing(place.root)
    (place.root / "migrations" / "env.py").write_text(
        "from alembic import context\n"
        "from shop.tables import Model\n"
        "from sqlalchemy import create_engine\n"
        "target_metadata = Model.metadata\n"
        "with create_engine('postgresql+psycopg://nowhere.invalid/x').connect() as connection:\n"
        "    context.configure(connection=connection, target_metadata=target_metadata,\n"
        "        version_table='mine', render_item=lambda *_: False)\n"
        "    context.run_migrations()\n"
    )
    result = place.good("init", "--yes")
    assert "version table mine\n  models: no tables from shop.tables:Model.metadata" in result.out
    assert "not supported: render_item of env.py" in result.out


def test_the_lines_that_are_added_are_shown_before(place: Workplace) -> None:
    existing(place.root)
    result = place.run("init")
    assert "+ [tool.limbeck]" in result.out
    assert "+ .limbeck/" in result.out
    assert b"limbeck" not in place.files()["pyproject.toml"]


def test_settings_that_are_there_get_what_they_lack(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("Base = declarative_base()\n")
    text = "[tool.limbeck] # ours\ncache = false\n\n[tool.ruff]\n"
    (tmp_path / "pyproject.toml").write_text(text)
    planned = scaffold.plan(tmp_path)
    scaffold.write(planned)
    added = text.replace("cache", 'models = "one:Base.metadata"\ncache')
    assert (tmp_path / "pyproject.toml").read_text() == added
    assert planned.project.models == "one:Base.metadata"
    assert not any(each.path.name == "pyproject.toml" for each in scaffold.plan(tmp_path).changes)


def test_models_are_found_in_the_package_that_exports_their_base(tmp_path: Path) -> None:
    models = tmp_path / "shop" / "models"
    models.mkdir(parents=True)
    (models / "base.py").write_text("class Base(DeclarativeBase):\n    pass\n")
    (models / "__init__.py").write_text("from shop.models.base import Base\n")
    assert scaffold.plan(tmp_path).models == "shop.models:Base.metadata"


def test_several_bases_have_to_be_chosen_from(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("Base = declarative_base()\n")
    with pytest.raises(ConfigurationError, match=r"one:Base\.metadata, two:Base\.metadata"):
        scaffold.plan(tmp_path)
    assert scaffold.plan(tmp_path, models="two:Base.metadata").models == "two:Base.metadata"


@pytest.mark.parametrize(
    ("name", "text"), [("pyproject.toml", "[broken"), ("alembic.ini", "no section")]
)
def test_a_broken_file_is_an_error_that_names_it(place: Workplace, name: str, text: str) -> None:
    (place.root / name).write_text(text)
    result = place.run("init", "--yes")
    assert result.code == 2
    assert name in result.err
    assert place.files() == {name: text.encode()}


def test_a_history_whose_models_are_not_found_asks_for_them(tmp_path: Path) -> None:
    existing(tmp_path)
    (tmp_path / "migrations" / "env.py").write_text("target_metadata = None\n")
    (tmp_path / "shop" / "tables.py").write_text("")
    with pytest.raises(ConfigurationError, match="models were not found"):
        scaffold.plan(tmp_path)
    assert scaffold.plan(tmp_path, models="shop.tables:meta").models == "shop.tables:meta"
