"""`local` in a profile: the embedded server runs and the branch is there when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from limbeck import settings
from limbeck.branches.local import LocalBranches
from limbeck.errors import BranchError, ConfigurationError
from limbeck.events import BranchCreated, Event, ServerStarted
from limbeck.postgres.connect import connect
from limbeck.postgres.embedded.server import Server
from limbeck.settings import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose server has not been started yet."""
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text("[tool.limbeck]\n")
    (root / "env_profiles").mkdir()
    write(root, "production", "PROTECTED=yes")
    write(root, "development", "PARENT=production")
    found = Project.find(root)
    yield found
    Server(found.home).stop()


def write(root: Path, name: str, *lines: str) -> None:
    """A profile with a local branch."""
    text = "\n".join(["DATABASE_URL=local", *lines])
    (root / "env_profiles" / f"{name}.env").write_text(text + "\n")


def created(events: list[Event]) -> list[tuple[str, str | None]]:
    """The branches that the events tell of, with their parents."""
    return [(each.name, each.parent) for each in events if isinstance(each, BranchCreated)]


def test_the_first_use_starts_the_server_and_makes_the_branch_and_its_parent(
    project: Project,
) -> None:
    heard: list[Event] = []
    database = settings.database(project, project.profile("development"), heard.append)
    assert [type(each) for each in heard].count(ServerStarted) == 1
    assert created(heard) == [("production", None), ("development", "production")]
    with connect(database) as connection:
        assert connection.execute("select current_database()").fetchone() == ("development",)
    again: list[Event] = []
    assert settings.database(project, project.profile("development"), again.append) == database
    assert again == []


def test_the_profile_decides_whether_its_branch_is_protected(project: Project) -> None:
    branches = LocalBranches(Server(project.home))
    for answer, protected in (("yes", True), ("no", False), ("yes", True)):
        write(project.root, "guarded", f"PROTECTED={answer}")
        settings.database(project, project.profile("guarded"))
        assert branches.get("guarded").protected is protected
    with pytest.raises(BranchError, match="protected"):
        branches.delete("guarded")


def test_a_new_file_is_a_new_branch_with_all_that_it_descends_from(project: Project) -> None:
    write(project.root, "staging", "PARENT=seed", "BRANCH=team/staging")
    write(project.root, "qa", "PARENT=team/staging")
    heard: list[Event] = []
    settings.database(project, project.profile("qa"), heard.append)
    assert created(heard) == [
        ("seed", None),
        ("team/staging", "seed"),
        ("qa", "team/staging"),
    ]


def test_commands_that_start_at_once_make_a_branch_once(project: Project) -> None:
    write(project.root, "rush", "PARENT=rushed")
    heard: list[Event] = []

    def ask(_: int) -> str:
        return settings.database(project, project.profile("rush"), heard.append).url

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert sorted(created(heard)) == [("rush", "rushed"), ("rushed", None)]


def test_branches_that_are_each_others_parents_are_refused(project: Project) -> None:
    write(project.root, "hen", "PARENT=egg")
    write(project.root, "egg", "PARENT=hen")
    with pytest.raises(ConfigurationError, match="hen → egg → hen"):
        settings.database(project, project.profile("hen"))
    assert "hen" not in {each.name for each in LocalBranches(Server(project.home)).all()}
