"""Which project, which environments, and where each environment's URL is taken from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from limbeck import settings
from limbeck.errors import (
    ConfigurationError,
    InsecureUrlError,
    MissingUrlError,
    ModelsError,
    PooledUrlError,
    UnknownProfileError,
)
from limbeck.events import Event, Notice
from limbeck.settings import Profile, Project

LIMBECK = '[tool.limbeck]\nmodels = "shop.models:Base.metadata"\n'
MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase): ...

class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.fixture(autouse=True)
def plain_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No URL of the machine's own, and nothing of a test's models is left behind."""
    for name in [each for each in os.environ if each.startswith(("DATABASE_URL", "SHADOW_", "PG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in [each for each in sys.modules if each not in before and each.startswith("shop")]:
        del sys.modules[name]


def write(root: Path, files: dict[str, str]) -> Path:
    """Files by their path."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def project(root: Path, files: dict[str, str] | None = None) -> Project:
    """A project with two environments and these files."""
    basis = {
        "pyproject.toml": LIMBECK,
        "env_profiles/development.env": "PARENT=production\n",
        "env_profiles/production.env": "PROTECTED=yes\n",
    }
    return Project.find(write(root, basis | (files or {})))


# The project --------------------------------------------------------------------------------------


def test_a_project_is_found_from_any_folder_in_it(tmp_path: Path) -> None:
    root = write(tmp_path, {"pyproject.toml": LIMBECK, "a/b/pyproject.toml": "[project]\n"})
    assert Project.find(root / "a" / "b").root == root
    assert Project.find(root).home == root / ".limbeck"


def test_alembic_ini_beside_profiles_is_a_project_too(tmp_path: Path) -> None:
    root = write(tmp_path, {"alembic.ini": "[alembic]\n", "env_profiles/qa.env": ""})
    assert Project.find(root).models == "app.models:Base.metadata"


def test_no_project_is_an_error_that_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Project.find(tmp_path)
    assert caught.value.hint == "limbeck init"
    assert caught.value.exit_code == 2


def test_a_package_that_would_hide_alembic_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"alembic/__init__.py .* hides the Alembic"):
        project(tmp_path, {"alembic/__init__.py": ""})


SETTINGS = {
    'models = "m:a"': ("models", "m:a"),
    'default-environment = "qa"': ("default_environment", "qa"),
    'exclude-schemas = ["a", "b"]': ("exclude_schemas", ("a", "b")),
    'exclude-tables = ["a"]': ("exclude_tables", ("a",)),
    'include-schemas = ["a"]': ("include_schemas", ("a",)),
    'include-tables = ["a"]': ("include_tables", ("a",)),
    'mask = ["people.*"]': ("mask", ("people.*",)),
}


@pytest.mark.parametrize(("line", "expected"), SETTINGS.items())
def test_a_setting_is_read(tmp_path: Path, line: str, expected: tuple[str, object]) -> None:
    found = Project.find(write(tmp_path, {"pyproject.toml": f"[tool.limbeck]\n{line}\n"}))
    assert getattr(found, expected[0]) == expected[1]


WRONG_SETTINGS = {
    'modles = "a:b"': ("no setting modles", "Did you mean models"),
    "models = 1": ("models is not a string", 'models = "..."'),
    'exclude-schemas = "a"': ("exclude-schemas is not a list", "exclude-schemas = "),
    "models = [": ("pyproject.toml cannot be read", ""),
}


@pytest.mark.parametrize(("line", "expected"), WRONG_SETTINGS.items())
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, expected: tuple[str, str]) -> None:
    write(tmp_path, {"pyproject.toml": f"[tool.limbeck]\n{line}\n"})
    with pytest.raises(ConfigurationError, match=expected[0]) as caught:
        Project.find(tmp_path)
    assert expected[1] in (caught.value.hint or "")


LOCATIONS = {
    "nothing says it": ({}, "alembic"),
    "alembic.ini": ({"alembic.ini": "[alembic]\nscript_location = %(here)s/db/m\n"}, "db/m"),
    "a relative one": ({"alembic.ini": "[alembic]\nscript_location = migrations\n"}, "migrations"),
    "in a package": ({"alembic.ini": "[alembic]\nscript_location = a.b:m\n"}, "a/b/m"),
    "a % elsewhere": (
        {"alembic.ini": "[alembic]\nscript_location = m\nsqlalchemy.url = postgres://u:a%b@h/d\n"},
        "m",
    ),
    "pyproject.toml": (
        {"pyproject.toml": LIMBECK + '[tool.alembic]\nscript_location = "%(here)s/m"\n'},
        "m",
    ),
}


@pytest.mark.parametrize(("files", "expected"), LOCATIONS.values(), ids=LOCATIONS)
def test_the_scripts_are_where_alembic_finds_them(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    assert project(tmp_path, files).script_location == tmp_path / expected


@pytest.mark.parametrize("text", ["script_location = m\n", "[alembic]\na\n", "[a]\n[a]\n"])
def test_a_broken_alembic_ini_is_told_by_its_path(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        project(tmp_path, {"alembic.ini": text})
    assert caught.value.message.startswith(f"{tmp_path / 'alembic.ini'} cannot be read: ")
    assert "PosixPath" not in caught.value.message
    assert "\n" not in caught.value.message


# Profiles -----------------------------------------------------------------------------------------


def test_a_profile_is_made_of_its_file(tmp_path: Path) -> None:
    text = """
        # a comment
        export BRANCH='team/qa 1'
        PARENT=production
        PROTECTED=Yes
        LOCK_TIMEOUT=2 s
        STATEMENT_TIMEOUT=10min
        IDLE_IN_TRANSACTION_SESSION_TIMEOUT=0
        VERSIONS=alembic/qa
        DIRECT=allow
        ZERO_DOWNTIME=yes
        POSTGRES=17
        SHADOW=development
        SHADOW_DATABASE_URL=postgres://u:hunter2@h/d
    """
    found = project(tmp_path, {"env_profiles/qa-1.env": text}).profile("qa-1")
    assert found == Profile(
        name="qa-1",
        branch="team/qa 1",
        parent="production",
        protected=True,
        lock_timeout="2s",
        statement_timeout="10min",
        idle_in_transaction_session_timeout="0",
        versions=tmp_path / "alembic/qa",
        direct=True,
        zero_downtime=True,
        postgres=17,
        shadow="development",
        shadow_url="postgres://u:hunter2@h/d",
    )
    assert found.variable == "DATABASE_URL_QA_1"
    assert "hunter2" not in repr(found)


def test_an_empty_file_is_an_environment_with_a_branch_of_its_name(tmp_path: Path) -> None:
    made = project(tmp_path, {"env_profiles/dev1.env": "", "env_profiles/mine.local.env": ""})
    assert made.profile("dev1") == Profile("dev1", "dev1")
    names = [each.name for each in made.profiles()]
    assert names == ["dev1", "development", "mine", "production"]


def test_the_untracked_file_overrides_the_committed_one(tmp_path: Path) -> None:
    files = {
        "env_profiles/qa.env": "BRANCH=a\nPARENT=b\nPROTECTED=yes\n",
        "env_profiles/qa.local.env": "BRANCH=mine\nPARENT=\nNEON_BRANCH=x\nPGHOST=y\n",
    }
    found = project(tmp_path, files).profile("qa")
    assert (found.branch, found.parent, found.protected) == ("mine", "b", True)


def test_without_a_name_the_default_environment_is_meant(tmp_path: Path) -> None:
    assert project(tmp_path).profile().name == "development"
    settings_text = LIMBECK + 'default-environment = "production"\n'
    assert project(tmp_path, {"pyproject.toml": settings_text}).profile().name == "production"


def test_an_unknown_environment_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownProfileError, match="development, production") as caught:
        project(tmp_path).profile("developement")
    assert caught.value.hint == "Did you mean development?"
    with pytest.raises(UnknownProfileError) as caught:
        project(tmp_path).profile("../etc/passwd")
    assert caught.value.exit_code == 2


WRONG_PROFILES = {
    "BRANHC=a": ("qa.env line 1: BRANHC is no setting", "Did you mean BRANCH?"),
    "NEON_KEY=a": ("qa.env line 1: NEON_KEY is no setting", "The settings are BRANCH"),
    "\n# hm\nPROTECTED=maybe": ("qa: PROTECTED=maybe is neither yes nor no", "PROTECTED=yes"),
    "POSTGRES=17.4": ("qa: POSTGRES=17.4 is not a major version", "POSTGRES=17"),
    "POSTGRES=9": ("qa: POSTGRES=9 is not a major version", "14 or newer"),
    "LOCK_TIMEOUT=soon": ("qa: LOCK_TIMEOUT=soon is not a time", "LOCK_TIMEOUT=5s"),
    "LOCK_TIMEOUT='1s -c a=b'": ("qa: LOCK_TIMEOUT=1s -c a=b is not a time", "LOCK_TIMEOUT=5s"),
    "BRANCH=a\n\nPARENT": ("qa.env line 3 is not KEY=value", "Quote a value"),
    "BRANCH='a": ("qa.env line 1 is not KEY=value", "Quote a value"),
    "postgres://u:hunter2@h/d?sslmode=require": ("qa.env line 1 is not KEY=value", "Quote"),
    "hunter2==": ("qa.env line 1: the key is no setting of a profile", "The settings are"),
    "SSLMODE=prefer": ("qa: SSLMODE=prefer is none of require", "SSLMODE=verify-full"),
}


@pytest.mark.parametrize(("text", "expected"), WRONG_PROFILES.items())
def test_a_wrong_line_of_a_profile_is_named(
    tmp_path: Path, text: str, expected: tuple[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match=expected[0]) as caught:
        project(tmp_path, {"env_profiles/qa.env": text}).profile("qa")
    assert expected[1] in (caught.value.hint or "")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


NO_ASSIGNMENTS = {
    "a name": "A=b\n\nhunter2\n",
    "words": "A=b\n# c\nmy hunter2\n",
    "the rest of a value": "A=b\nB=c\nhunter2'\n",
    "a quote that stays open": "A=b\nB=c\nC='hunter2\n",
    "a URL": "\n\npostgres://u:hunter2@h/d?sslmode=require",
    "an exported name": "A=b\nexport B=c\nexport hunter2\n",
}


@pytest.mark.parametrize("text", NO_ASSIGNMENTS.values(), ids=NO_ASSIGNMENTS)
def test_a_line_that_is_no_assignment_is_an_error_that_does_not_repeat_it(
    tmp_path: Path, text: str
) -> None:
    found = project(tmp_path, {".env": text})
    with pytest.raises(ConfigurationError) as caught:
        settings.database(found, found.profile())
    assert caught.value.message == ".env line 3 is not KEY=value"
    assert caught.value.exit_code == 2
    assert "hunter2" not in str(caught.value.hint)


def test_a_major_in_the_untracked_file_is_refused(tmp_path: Path) -> None:
    files = {"env_profiles/qa.env": "", "env_profiles/qa.local.env": "POSTGRES=17\n"}
    with pytest.raises(ConfigurationError, match=r"qa\.local\.env: POSTGRES decides") as caught:
        project(tmp_path, files).profile("qa")
    assert caught.value.hint == "Write it into env_profiles/qa.env."


def test_two_environments_never_share_a_variable(tmp_path: Path) -> None:
    files = {"env_profiles/qa-1.env": "", "env_profiles/qa_1.env": ""}
    with pytest.raises(ConfigurationError, match="DATABASE_URL_QA_1"):
        project(tmp_path, files).profiles()


def test_a_file_whose_name_is_no_environments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="old copy"):
        project(tmp_path, {"env_profiles/old copy.env": ""}).profiles()


# URLs ---------------------------------------------------------------------------------------------

PLACES = [
    ("process", "DATABASE_URL_QA_1_UNPOOLED"),
    ("process", "DATABASE_URL_UNPOOLED_QA_1"),
    ("process", "DATABASE_URL_QA_1"),
    (".env", "DATABASE_URL_QA_1_UNPOOLED"),
    (".env", "DATABASE_URL_UNPOOLED_QA_1"),
    (".env", "DATABASE_URL_QA_1"),
    ("env_profiles/qa-1.local.env", "DATABASE_URL_UNPOOLED"),
    ("env_profiles/qa-1.local.env", "DATABASE_URL"),
    ("env_profiles/qa-1.env", "DATABASE_URL_UNPOOLED"),
    ("env_profiles/qa-1.env", "DATABASE_URL"),
]


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_the_first_of_the_places_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    files = {"env_profiles/qa-1.env": ""}
    for number, (place, key) in enumerate(PLACES):
        url = f"postgres://u@place{number}/d" if number >= first else ""
        if place == "process":
            monkeypatch.setenv(key, url)
        else:
            files[place] = files.get(place, "") + f"{key}={url}\n"
    made = project(tmp_path, files)
    found = settings.find_url(made, made.profile("qa-1"))
    assert found.text == f"postgres://u@place{first}/d"
    place, key = PLACES[first]
    assert found.place == f"{key} in {place.replace('process', 'the process environment')}"


def test_a_missing_url_names_every_place_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u@elsewhere/d")
    monkeypatch.setenv("DATABASE_URL_PRODUCTION", "postgres://u@elsewhere/d")
    made = project(tmp_path, {".env": "DATABASE_URL=postgres://u@elsewhere/d\n"})
    with pytest.raises(MissingUrlError) as caught:
        settings.database(made, made.profile("development"))
    for place in (
        "DATABASE_URL_DEVELOPMENT in the process environment",
        "DATABASE_URL_DEVELOPMENT in .env",
        "DATABASE_URL in env_profiles/development.local.env",
        "DATABASE_URL in env_profiles/development.env",
    ):
        assert place in caught.value.message
    assert "DATABASE_URL=local" in str(caught.value.hint)
    assert caught.value.exit_code == 2


def test_a_url_is_taken_letter_by_letter(tmp_path: Path) -> None:
    url = "postgresql://u:p%25$HOME${HOME}#x@localhost/d?options=endpoint%3Dx"
    made = project(tmp_path, {".env": f"DATABASE_URL_DEVELOPMENT='{url}'\n"})
    assert settings.find_url(made, made.profile()).text == url


def test_a_database_has_what_its_profile_says(tmp_path: Path) -> None:
    profile = "PROTECTED=yes\nLOCK_TIMEOUT=2s\nSTATEMENT_TIMEOUT=1min\n"
    made = project(
        tmp_path,
        {"env_profiles/qa.env": profile, ".env": "DATABASE_URL_QA=postgres://u:p@db.example/d\n"},
    )
    found = settings.database(made, made.profile("qa"))
    assert (found.name, found.protected) == ("qa", True)
    assert (found.lock_timeout, found.statement_timeout) == ("2s", "1min")
    assert found.destination == "u@db.example:5432/d"
    assert found.parameters["sslmode"] == "require"


REFUSED = {
    "mysql://u:hunter2@h/d": ConfigurationError,
    "postgres://u:hunter2@h-pooler.example/d": PooledUrlError,
    "postgres://u:hunter2@h.example/d?sslmode=disable": InsecureUrlError,
}


@pytest.mark.parametrize(("url", "kind"), REFUSED.items())
def test_a_refused_url_is_told_with_its_place(
    tmp_path: Path, url: str, kind: type[ConfigurationError]
) -> None:
    made = project(tmp_path, {".env": f"DATABASE_URL_DEVELOPMENT={url}\n"})
    with pytest.raises(kind, match=r"^DATABASE_URL_DEVELOPMENT in \.env: ") as caught:
        settings.database(made, made.profile())
    assert type(caught.value) is kind
    assert caught.value.hint
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_a_profile_may_allow_the_change_to_the_direct_host(tmp_path: Path) -> None:
    heard: list[Event] = []
    text = "DIRECT=allow\nDATABASE_URL=postgres://u@h-pooler.example/d\n"
    made = project(tmp_path, {"env_profiles/qa.env": text})
    found = settings.database(made, made.profile("qa"), heard.append)
    assert found.destination == "u@h.example:5432/d"
    assert [type(event) for event in heard] == [Notice]


def test_a_password_in_a_committed_file_is_said_aloud(tmp_path: Path) -> None:
    text = "DATABASE_URL=postgres://u:hunter2@h.example/d\n"
    for name, notices in (("qa.env", 1), ("mine.local.env", 0)):
        heard: list[Event] = []
        made = project(tmp_path, {f"env_profiles/{name}": text})
        settings.database(made, made.profile(name.partition(".")[0]), heard.append)
        assert len(heard) == notices
        assert "hunter2" not in str(heard)


def test_a_shadow_is_taken_from_the_same_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(tmp_path, {"env_profiles/qa.env": "SHADOW_DATABASE_URL=postgres://profile\n"})
    qa = made.profile("qa")
    assert settings.shadow_url(made) is None
    assert settings.shadow_url(made, qa) == "postgres://profile"
    write(tmp_path, {".env": "SHADOW_DATABASE_URL=postgres://file\n"})
    assert settings.shadow_url(made, qa) == "postgres://file"
    monkeypatch.setenv("SHADOW_DATABASE_URL", "local")
    assert settings.shadow_url(made, qa) is None


# Models -------------------------------------------------------------------------------------------


def test_models_are_imported_from_the_project_whatever_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(tmp_path / "one", {"shop/__init__.py": "", "shop/models.py": MODELS})
    monkeypatch.chdir("/")
    assert list(made.metadata().tables) == ["thing"]
    assert made.metadata() is made.metadata()


def test_a_source_folder_is_looked_into_too(tmp_path: Path) -> None:
    made = project(tmp_path, {"src/shop/__init__.py": "", "src/shop/models.py": MODELS})
    assert list(made.metadata().tables) == ["thing"]


def test_two_projects_with_a_package_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        models = MODELS.replace("thing", name)
        made = project(tmp_path / name, {"shop/__init__.py": "", "shop/models.py": models})
        assert list(made.metadata().tables) == [name]


def test_a_class_or_module_with_metadata_will_do(tmp_path: Path) -> None:
    text = '[tool.limbeck]\nmodels = "shop:Base"\n'
    made = project(tmp_path, {"pyproject.toml": text, "shop.py": MODELS})
    assert list(made.metadata().tables) == ["thing"]


BROKEN = {
    "a syntax error": ("x = 1\nclass (:\n", r"shop/models.py line 2: SyntaxError: "),
    "an indent": ("def f():\nx = 1\n", r"shop/models.py line 2: IndentationError: "),
    "an unknown name": ("x = 1\n\nunknown\n", r"shop/models.py line 3: NameError: .*unknown"),
    "a missing package": ("import nowhere_at_all\n", r"shop/models.py line 1: ModuleNotFoundError"),
    "below another module": (
        "from shop import below\n",
        r"shop/below.py line 2: ZeroDivisionError",
    ),
    "an exit": ("raise SystemExit(3)\n", r"shop/models.py line 1: SystemExit: 3"),
    "in SQLAlchemy": (
        MODELS.replace("(primary_key=True)", "()"),
        r"shop/models.py line 6: ArgumentError: [^\n]*primary key[^\n]*$",
    ),
}
NAMED_WRONGLY = {
    "no such attribute": ("x = 1\n", r"shop.models has no Base.metadata"),
    "no metadata": ("class Base:\n    metadata = 1\n", r"Base.metadata is no MetaData"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_models_that_do_not_import_are_told_by_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    files = {"shop/__init__.py": "", "shop/models.py": text, "shop/below.py": "\nx = 1 / 0\n"}
    made = project(tmp_path, files)
    for _ in range(2):  # the second attempt begins anew
        with pytest.raises(ModelsError, match=message) as caught:
            made.metadata()
        assert "Traceback" not in caught.value.message
        assert caught.value.hint
    write(tmp_path, {"shop/models.py": MODELS + "# mended, of another length\n" * 9})
    assert list(made.metadata().tables) == ["thing"]


@pytest.mark.parametrize(("text", "message"), NAMED_WRONGLY.values(), ids=NAMED_WRONGLY)
def test_a_models_setting_that_names_no_metadata_is_a_wrong_setting(
    tmp_path: Path, text: str, message: str
) -> None:
    made = project(tmp_path, {"shop/__init__.py": "", "shop/models.py": text})
    with pytest.raises(ConfigurationError, match=message) as caught:
        made.metadata()
    assert caught.value.exit_code == 2
    assert "[tool.limbeck] models" in (caught.value.hint or "")


def test_a_models_module_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no module shop in {tmp_path}"):
        project(tmp_path).metadata()


def test_a_reference_without_an_attribute_is_refused(tmp_path: Path) -> None:
    text = '[tool.limbeck]\nmodels = "shop.models"\n'
    with pytest.raises(ConfigurationError, match="not module:attribute"):
        project(tmp_path, {"pyproject.toml": text}).metadata()


# This repository ----------------------------------------------------------------------------------

HERE = Path(__file__).parents[2]


def test_reading_settings_imports_neither_sqlalchemy_nor_psycopg() -> None:
    code = (
        "import sys; from limbeck.settings import Project; Project.find().profiles();"
        "print(sorted({'sqlalchemy', 'psycopg', 'alembic'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"


def test_the_reference_project_has_the_two_environments_of_a_newcomer() -> None:
    found = Project.find(HERE)
    development, production = found.profile("development"), found.profile("production")
    assert (development.parent, development.protected) == ("production", False)
    assert (production.parent, production.protected) == (None, True)
    for profile in (development, production):
        assert (found.profiles_dir / f"{profile.name}.env").read_text().count("local\n") >= 1


def test_every_variable_of_the_example_file_is_understood() -> None:
    names = {
        line.lstrip("#").partition("=")[0]
        for line in (HERE / ".env.example").read_text().splitlines()
        if "=" in line.split(" ")[0]
    }
    assert names == {
        "DATABASE_URL_DEVELOPMENT",
        "DATABASE_URL_PRODUCTION",
        "SHADOW_DATABASE_URL",
        "DATABASE_URL",
        "NEON_API_KEY",
        "NEON_PROJECT_ID",
    }


def test_a_hint_to_generate_names_an_environment_with_a_folder_of_its_own() -> None:
    assert Profile("production", "production").generate == "limbeck generate"
    tenants = Profile("tenants", "tenants", versions=Path("tenants/versions"))
    assert tenants.generate == "limbeck generate -e tenants"
