"""The wheel: it builds, holds what it needs and nothing else, and works by itself."""

from __future__ import annotations

import email
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.workplace import REPOSITORY, Workplace

MAIN = "from limbeck.cli import main; main()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_it_installs_limbeck_and_nothing_beside_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"limbeck"}
        assert not [name for name in archive.namelist() if "__pycache__" in name]


def test_it_names_its_authors_systems_and_licences_and_no_address(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {name.split("/")[0] for name in archive.namelist() if "dist-info" in name}
        metadata = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        licences = [
            archive.read(f"{folder}/licenses/{name}").decode()
            for name in metadata.get_all("License-File", [])
        ]
    assert metadata["Author"] == "The limbeck authors"
    assert metadata["License-Expression"] == "MIT AND PostgreSQL"
    assert ["PostgreSQL" in licence for licence in licences] == [False, True]
    assert not metadata.get_all("Project-URL")  # there is none that is real
    classifiers = metadata.get_all("Classifier", [])
    assert "Programming Language :: Python :: 3.14" in classifiers
    assert "Operating System :: POSIX :: Linux" in classifiers


def test_its_readme_has_no_link_that_leads_nowhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert not relative_links(str(metadata.get_payload()))
    assert "Tutorial" in str(metadata.get_payload())
    # With an address, every link and picture stays.
    hook = runpy.run_path(str(REPOSITORY / "hatch_build.py"))
    portable = hook["portable"](readme, "https://example.org/files/")
    assert not relative_links(portable)
    assert "](https://example.org/files/docs/tutorial.md)" in portable
    assert "](https://example.org/files/docs/pictures/session.svg)" in portable


def relative_links(text: str) -> list[str]:
    """Return the targets of links that are no address."""
    return [each for each in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in each]


def test_it_holds_the_pages_of_the_rules(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for page in (REPOSITORY / "docs" / "rules").glob("*.md"):
            assert archive.read(f"limbeck/lint/rules/docs/{page.name}") == page.read_bytes()


def test_it_works_where_nothing_of_the_repository_is(
    wheel: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    site, place = tmp_path / "site", tmp_path / "place"
    place.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    limbeck = Workplace(place, {**variables, "PYTHONPATH": str(site)})

    def run(*arguments: str) -> str:
        result = limbeck.call(sys.executable, "-c", MAIN, *arguments)
        assert result.code == 0, result.text
        return result.out

    where = limbeck.call(sys.executable, "-c", "import limbeck; print(limbeck.__file__)")
    assert where.out.startswith(str(site))
    assert "generate" in run("--help")
    run("init", "--yes")
    assert (place / "app" / "models" / "books.py").read_bytes() == (
        REPOSITORY / "app" / "models" / "books.py"
    ).read_bytes()
    try:
        assert "create table public.books" in run("generate")
        assert "books(" in run("migrate")
        assert "No changes" in run("generate")
    finally:
        run("local", "stop")
