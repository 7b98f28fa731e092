"""The names that a user of the library imports from limbeck."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import limbeck


def test_the_public_names_are_sorted_and_said_once() -> None:
    assert limbeck.__all__ == sorted(set(limbeck.__all__))


@pytest.mark.parametrize("name", limbeck.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(limbeck, name) is not None


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = limbeck.nope


def imported(module: str) -> set[str]:
    """Return which of the slow libraries a module brings along."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {"alembic", "click", "psycopg", "sqlalchemy"} & set(done.stdout.split())


def test_importing_limbeck_imports_nothing_slow() -> None:
    assert imported("limbeck") == set()


@pytest.mark.parametrize(
    "verb", ["status", "migrate", "merge", "models.pull.pulling", "sources", "settings"]
)
def test_a_verb_imports_sqlalchemy_only_when_there_is_something_to_do(verb: str) -> None:
    assert imported(f"limbeck.{verb}") <= {"psycopg"}


def test_the_version_is_the_package_s() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["project"]["version"] == limbeck.__version__
