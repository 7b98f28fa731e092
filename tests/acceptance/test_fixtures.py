"""The fixtures for pytest, in a project that `init` wrote, as docs/how-to/testing.md says."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.workplace import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workplace import Result, Workplace

PAGE = (REPOSITORY / "docs" / "how-to" / "testing.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```python\n# (tests/\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
ALONE = """
import psycopg
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it_is_empty(limbeck_database, number):
    with psycopg.connect(limbeck_database.url) as connection:
        assert connection.execute("SELECT count(*) FROM authors").fetchone() == (0,)
        connection.execute("INSERT INTO authors (name) VALUES ('somebody')")

async def count(url):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute("SELECT count(*) FROM authors")).fetchone()

def test_it_is_for_asyncio_too(limbeck_database):
    import asyncio
    assert asyncio.run(count(limbeck_database.url)) == (0,)
"""
NOTHING_SLOW = """
import sys

def test_one():
    assert "limbeck.shadow.testing.fixtures" in sys.modules
    assert not {"sqlalchemy", "psycopg", "alembic", "limbeck.errors"} & set(sys.modules)
"""


def session(project: Workplace, folder: Path, *options: str) -> Result:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".")
    return project.call(*command, *options, cwd=folder)


@pytest.mark.parametrize(
    "workers", ["0", pytest.param("3", marks=pytest.mark.thorough)], ids=["alone", "side by side"]
)
def test_the_tests_of_the_how_to_pass(workers: str, project: Workplace) -> None:
    (project.root / "tests").mkdir()
    for name, text in (BLOCKS | {"tests/test_alone.py": ALONE}).items():
        (project.root / name).write_text(text)
    done = session(project, project.root, "-n", workers)
    assert done.code == 0, done.text
    assert "7 passed" in done.out


def test_outside_of_a_project_only_those_who_ask_are_told(
    tmp_path: Path, project: Workplace
) -> None:
    apart = tmp_path / "apart"
    apart.mkdir()
    (apart / "test_one.py").write_text("def test_one(): pass\ndef test_two(limbeck_url): pass\n")
    done = session(project, apart)
    assert done.code == 1
    assert "1 passed, 1 error" in done.out
    assert "there is no project in" in done.out
    assert "Traceback" not in done.out


def test_a_session_that_uses_none_of_them_imports_nothing_slow(
    tmp_path: Path, project: Workplace
) -> None:
    (tmp_path / "test_one.py").write_text(NOTHING_SLOW)
    done = session(project, tmp_path)
    assert done.code == 0, done.out
