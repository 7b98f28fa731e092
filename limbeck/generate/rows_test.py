"""The pytest file of a revision that changes rows, written beside the project's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from limbeck.generate.batches import Batches
from limbeck.history.revisions import Revision
from limbeck.history.writing import slug
from limbeck.project.profile import Profile
from limbeck.project.project import Project, tools
from limbeck.schema.sql import quoting

# It fails until its author has filled it in, because nobody else knows the rows. Upgrade, downgrade
# and upgrade again: the second one meets rows that have the change, as after a run that was killed.
TEXT: Final = '''\
"""The rows of {table} before and after revision {id}."""

from __future__ import annotations
{imports}
from limbeck.testing import MigratedTo

ROWS = {select}
{fixture}

def test_{name}(limbeck_migrated: MigratedTo) -> None:
    database = limbeck_migrated(to="{id}")  # every revision before it has run
    # EDIT: rows as they are today, some that need the change and some that do not.
    database.execute({insert})
    database.upgrade()
    changed = database.execute(ROWS)
    assert changed == [("EDIT: the rows as the revision leaves them",)]
    database.downgrade()
    assert database.execute(ROWS) == changed  # EDIT: or what its downgrade leaves
    database.upgrade()
    assert database.execute(ROWS) == changed
'''

# Of an environment with a history of its own; without it, the fixture takes the project's.
IMPORTS: Final = """
import pytest
from limbeck import Profile, Project"""
FIXTURE: Final = '''

@pytest.fixture(scope="session")
def limbeck_profile(limbeck_project: Project) -> Profile:
    """The environment that keeps this history."""
    return limbeck_project.profile({name!r})

'''


def write(project: Project, profile: Profile | None, revision: Revision, rows: Batches) -> Path:
    """Write the test of a revision and return its path; no file is overwritten.

    Args:
        project: The project with the tests.
        profile: The environment, if it has a history of its own.
        revision: The revision, in the history.
        rows: The table whose rows it changes.

    """
    name = slug(revision.message) or "rows"
    path = folder(project) / f"test_{revision.id}_{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = quoting.quoted(rows.required)
    values = ", ".join("NULL" for _ in rows.required)
    given = f"({columns}) VALUES ({values})" if columns else "DEFAULT VALUES"
    own = profile if profile and profile.versions else None
    text = TEXT.format(
        imports=IMPORTS if own else "",
        fixture=FIXTURE.format(name=own.name) if own else "",
        id=revision.id,
        table=rows.name.replace("\\", "\\\\").replace('"', "'"),
        name=name,
        insert=_literal(f"INSERT INTO {rows.name} {given}"),
        select=_literal(f"SELECT * FROM {rows.name} ORDER BY {quoting.quoted(rows.key)}"),
    )
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


def folder(project: Project) -> Path:
    """Return the folder of tests of revisions: `migrations` in the one that pytest is told of."""
    settings = tools(project.root).get("pytest", {}).get("ini_options", {})
    paths = settings.get("testpaths", ())
    paths = paths.split() if isinstance(paths, str) else paths
    names = [*map(str, paths), "tests", "test"]
    tests = next((each for each in names if (project.root / each).is_dir()), "tests")
    return project.root / tests / "migrations"


def _literal(text: str) -> str:
    return f'"{text}"' if not {'"', "\\"} & set(text) else repr(text)
