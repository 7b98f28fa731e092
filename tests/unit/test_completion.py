"""What a shell offers at Tab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from limbeck.cli import group

HEAD = '"""{message}"""\nrevision = "{id}"\ndown_revision = {down!r}\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a project with two environments and two revisions, and enter it."""
    (tmp_path / "pyproject.toml").write_text("[tool.limbeck]\n")
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = alembic\n")
    (tmp_path / "env_profiles").mkdir()
    (tmp_path / "env_profiles" / "development.env").write_text("BRANCH=dev\n")
    (tmp_path / "env_profiles" / "production.env").write_text("PROTECTED=yes\n")
    versions = tmp_path / "alembic" / "versions"
    versions.mkdir(parents=True)
    for id_, down in (("aa11", None), ("aa22", "aa11")):
        text = HEAD.format(message=f"revision {id_}", id=id_, down=down)
        (versions / f"{id_}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(words: str, incomplete: str) -> list[str]:
    shell = ShellComplete(group, {}, "limbeck", "_LIMBECK_COMPLETE")
    return [item.value for item in shell.get_completions(words.split(), incomplete)]


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        ("", "mig", ["migrate"]),
        ("migrate -e", "", ["development", "production"]),
        ("status --env", "p", ["production"]),
        ("migrate --to", "", ["head", "aa22", "aa11"]),
        ("show", "aa", ["aa22", "aa11"]),
        ("lint aa11", "aa2", ["aa22"]),
        ("branches delete", "", ["dev", "production"]),
        ("completion", "z", ["zsh"]),
    ],
)
@pytest.mark.usefixtures("project")
def test_names_are_completed(words: str, incomplete: str, expected: list[str]) -> None:
    assert offered(words, incomplete) == expected


def test_nothing_is_offered_where_there_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("migrate -e", "") == []


def test_a_project_that_is_named_is_used(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert offered(f"--project {project} migrate -e", "p") == ["production"]


def test_nothing_is_offered_where_the_history_is_broken(project: Path) -> None:
    (project / "alembic" / "versions" / "broken.py").write_text("revision = ")
    assert offered("show", "a") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str) -> None:
    answer = CliRunner().invoke(group, ["completion", shell])
    assert answer.exit_code == 0
    assert f"_LIMBECK_COMPLETE={shell}_complete" in answer.stdout


@pytest.mark.usefixtures("project")
def test_bash_completes_with_the_script() -> None:
    words = "COMP_WORDS=(limbeck migrate -e p); COMP_CWORD=3; _limbeck_completion limbeck"
    folder = Path(sys.executable).parent
    text = f'eval "$(limbeck completion bash)"; {words}; echo "${{COMPREPLY[*]}}"'
    answer = subprocess.run(
        ["bash", "-c", text],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "production"
