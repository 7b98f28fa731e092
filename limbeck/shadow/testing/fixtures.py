"""The fixtures for pytest; it finds them by itself where limbeck is installed.

It is imported at every start of pytest, so nothing else is imported before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.shadow.testing.copies import Copies


@pytest.fixture(scope="session")
def limbeck_project(pytestconfig: pytest.Config) -> Project:
    """The project around pytest's rootdir; write your own where it is elsewhere."""
    from limbeck.project.project import Project  # noqa: PLC0415 - nothing before it is needed

    with _told():
        return Project.find(pytestconfig.rootpath)


@pytest.fixture(scope="session")
def limbeck_profile() -> Profile | None:
    """The environment whose history or shadow it is; write your own where one has its own."""
    return None


@pytest.fixture(scope="session")
def limbeck_databases(
    limbeck_project: Project, limbeck_profile: Profile | None
) -> Iterator[Copies]:
    """What makes databases, for fixtures of your own: `with limbeck_databases.copy() as ...`."""
    from limbeck.shadow.testing.copies import Copies  # noqa: PLC0415 - nothing before it is needed

    copies = Copies(limbeck_project, limbeck_profile)
    with _told():
        copies.__enter__()
    yield copies
    copies.__exit__(None, None, None)


@pytest.fixture
def limbeck_database(limbeck_databases: Copies) -> Iterator[Database]:
    """A database of the test's own, with every revision applied; dropped after the test."""
    with _told(), limbeck_databases.copy() as database:
        yield database


@pytest.fixture
def limbeck_url(limbeck_database: Database) -> str:
    """Its URL for SQLAlchemy with psycopg, for create_engine and create_async_engine alike."""
    return limbeck_database.url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def _told() -> Iterator[None]:
    """Show what is wrong and what to do about it, instead of where in limbeck it was found."""
    from limbeck.errors import LimbeckError  # noqa: PLC0415 - nothing before it is needed

    try:
        yield
    except LimbeckError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        pytest.fail(f"{error.message}{hint}", pytrace=False)
