"""Which major a project runs and tries schemas out on, by what its profiles declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck.project import majors, scaffold, seen, servers
from limbeck.settings import Project


def project(root: Path, **profiles: str) -> Project:
    """A project with these profiles, whose lines are separated by spaces."""
    (root / "pyproject.toml").write_text("[tool.limbeck]\n")
    (root / "env_profiles").mkdir(exist_ok=True)
    for name, lines in profiles.items():
        (root / "env_profiles" / f"{name}.env").write_text("\n".join(lines.split()) + "\n")
    return Project.find(root)


@pytest.mark.parametrize(
    ("profiles", "environment", "wanted", "local"),
    [
        ({"development": ""}, "development", None, None),
        ({"development": "", "production": "POSTGRES=17"}, "development", 17, 17),
        ({"development": "", "production": "POSTGRES=17"}, None, 17, 17),
        ({"development": "", "a": "POSTGRES=16", "b": "POSTGRES=18"}, "development", 16, 16),
        ({"development": "", "a": "POSTGRES=16", "b": "POSTGRES=18"}, "b", 18, 18),
        ({"development": "PARENT=b", "a": "POSTGRES=16", "b": "POSTGRES=18"}, None, 16, 18),
        ({"development": "PARENT=b", "b": "PARENT=development"}, None, None, None),
        ({"development": "", "own": "POSTGRES=16 VERSIONS=own"}, None, None, 16),
        ({"development": "", "own": "POSTGRES=16 VERSIONS=own"}, "own", 16, 16),
    ],
)
def test_the_major_is_the_environments_own_or_the_lowest_that_is_declared(
    tmp_path: Path,
    profiles: dict[str, str],
    environment: str | None,
    wanted: int | None,
    local: int | None,
) -> None:
    made = project(tmp_path, **profiles)
    profile = made.profile(environment) if environment else None
    assert majors.wanted(made, profile) == wanted
    assert majors.local(made, profile) == local
    assert majors.wanted(made.on(99), profile) == 99


def test_each_major_has_a_folder_of_its_own_and_the_usual_one_keeps_its_data(
    tmp_path: Path,
) -> None:
    def version(folder: str, major: int) -> None:
        (tmp_path / folder / "postgres").mkdir(parents=True)
        (tmp_path / folder / "postgres" / "PG_VERSION").write_text(f"{major}\n")

    def home(major: int | None) -> str:
        return servers.at(tmp_path, major).home.relative_to(tmp_path).as_posix()

    assert (home(None), home(99)) == (".", "postgres-99")
    version(".", 98)
    assert (home(98), home(99)) == (".", "postgres-99")
    version("postgres-98", 98)  # a server that has data keeps them, whatever is made later
    assert home(98) == "postgres-98"


def test_a_seen_major_is_a_note_that_completes_only_what_declares_none(tmp_path: Path) -> None:
    url = "DATABASE_URL=postgresql://a@127.0.0.1/b"
    made = project(tmp_path, remote=url, declared=f"{url} POSTGRES=16", here="DATABASE_URL=local")
    profiles = made.profiles()
    for profile in profiles:
        seen.note(made, profile, 170004)
    assert seen.seen(made) == {"remote": 17}
    assert majors.declared(made) == (16,)
    (completion,) = seen.completions(made)
    assert completion.path.name == "remote.env"
    assert completion.text == f"{url}\nPOSTGRES=17\n"
    plan = scaffold.plan(tmp_path, models="models:metadata")
    added = {each.path.name: each.text for each in plan.changes if each.action == "append"}
    assert added["remote.env"] == "POSTGRES=17\n"
    assert "declared.env" not in added
    numbers = {each.name: seen.with_major(made, each).postgres for each in profiles}
    assert numbers == {"remote": 17, "declared": 16, "here": None}
