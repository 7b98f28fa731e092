"""The fixtures for pytest, which finds them by an entry point where limbeck is installed.

pytest imports this module at every start, so nothing else is imported before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.project.profile import Profile
    from limbeck.project.project import Project
    from limbeck.shadow.testing.copies import Copies
    from limbeck.shadow.testing.migrated import Migrated, MigratedTo


@pytest.fixture(scope="session")
def limbeck_project(pytestconfig: pytest.Config) -> Project:
    """The project around pytest's rootdir; override it if the project is elsewhere."""
    from limbeck.project.project import Project  # noqa: PLC0415 - nothing before it is needed

    with _explained():
        return Project.find(pytestconfig.rootpath)


@pytest.fixture(scope="session")
def limbeck_profile() -> Profile | None:
    """The environment with the history and the shadow; override it if one has its own."""
    return None


@pytest.fixture(scope="session")
def limbeck_databases(
    limbeck_project: Project, limbeck_profile: Profile | None
) -> Iterator[Copies]:
    """The factory of databases, for other fixtures: `with limbeck_databases.copy() as ...`."""
    from limbeck.shadow.testing.copies import Copies  # noqa: PLC0415 - nothing before it is needed

    copies = Copies(limbeck_project, limbeck_profile)
    with _explained():
        copies.__enter__()
    yield copies
    copies.__exit__(None, None, None)


@pytest.fixture
def limbeck_database(limbeck_databases: Copies) -> Iterator[Database]:
    """A database of this test alone, with every revision applied; dropped after the test."""
    with _explained(), limbeck_databases.copy() as database:
        yield database


@pytest.fixture
def limbeck_url(limbeck_database: Database) -> str:
    """The URL of limbeck_database for create_engine and create_async_engine, with psycopg."""
    return limbeck_database.url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def limbeck_migrated(
    limbeck_project: Project, limbeck_profile: Profile | None
) -> Iterator[MigratedTo]:
    """A function: `limbeck_migrated(to=REV)` is a database with every revision before REV."""
    from limbeck.shadow.testing.migrated import migrated  # noqa: PLC0415 - as above

    with ExitStack() as stack:

        def migrated_to(*, to: str) -> Migrated:
            with _explained():
                return stack.enter_context(migrated(limbeck_project, limbeck_profile, to))

        yield migrated_to


@contextmanager
def _explained() -> Iterator[None]:
    """Fail the test with the message and hint of an error, instead of limbeck's traceback."""
    from limbeck.errors import LimbeckError  # noqa: PLC0415 - nothing before it is needed

    try:
        yield
    except LimbeckError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        pytest.fail(f"{error.message}{hint}", pytrace=False)
