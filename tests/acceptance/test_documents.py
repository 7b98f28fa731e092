"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from limbeck.cli import COMMANDS, group
from limbeck.project.profile import KEYS
from tests.acceptance.workplace import REPOSITORY

DOCUMENTS = sorted(
    path.relative_to(REPOSITORY)
    for path in [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
)
REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")
GLOBAL = {"--debug", "--project", "--version", "--help", "-h"}


def sections() -> dict[str, str]:
    """The reference by its headings."""
    parts = re.split(r"^## (.+)$", REFERENCE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def subcommands(command: click.Command) -> Iterator[click.Command]:
    """Yield the command itself, or those of a group."""
    if isinstance(command, click.Group):
        yield from command.commands.values()
    else:
        yield command


def options(command: click.Command) -> set[str]:
    """Every spelling of every option that is not a global one."""
    return {
        spelling
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
        for spelling in (*option.opts, *option.secondary_opts)
    }


def loaded(name: str) -> click.Command:
    """One command of the group."""
    found = group.get_command(click.Context(group), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_command_with_every_option(name: str) -> None:
    text = sections()[f"limbeck {name}"]
    for command in subcommands(loaded(name)):
        if command is not loaded(name):
            assert f"`limbeck {name} {command.name}" in text
        missing = {each for each in options(command) if not re.search(rf"[`\[]{each}\b", text)}
        assert missing == set(), f"{name} {command.name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_no_option_that_is_not_there(name: str) -> None:
    text = sections()[f"limbeck {name}"]
    there = {each for command in subcommands(loaded(name)) for each in options(command)}
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", re.sub(r"-- .*", "", text)))
    assert named - there - GLOBAL == set()


def test_the_reference_has_every_setting_of_a_profile() -> None:
    assert set(re.findall(r"^\| `([A-Z_]+)`", sections()["Profiles"], re.MULTILINE)) == set(KEYS)


def test_the_reference_has_every_make_target_and_no_other() -> None:
    targets = set(
        re.findall(r"^(db-[a-z-]+):", (REPOSITORY / "limbeck.mk").read_text(), re.MULTILINE)
    )
    assert set(re.findall(r"`make (db-[a-z-]+)`", sections()["Make targets"])) == targets


def makes() -> set[str]:
    """Every target of the Makefile."""
    text = "".join((REPOSITORY / name).read_text() for name in ("Makefile", "limbeck.mk"))
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_make_target_that_a_document_names_is_there(document: Path) -> None:
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|\$ )make ([a-z][a-z-]*)", text)) - makes() == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_command_that_a_document_names_is_there(document: Path) -> None:
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|\$ )limbeck ([a-z]+)", text)) - set(COMMANDS) == set()


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    path = REPOSITORY / document
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = text.partition("## Rooms")[2].partition("##")[0]
    for row in re.findall(r"^\| (`.+?) \|", rooms, re.MULTILINE):
        names = re.findall(r"`([\w./]+)`", row)
        places = [REPOSITORY, REPOSITORY / "limbeck"]
        missing = [name for name in names if not any((place / name).exists() for place in places)]
        assert missing == []


def test_make_help_lists_every_target_with_a_line() -> None:
    done = subprocess.run(
        ["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    listed = re.findall(r"^  make ([a-z-]+) +\S", done.stdout, re.MULTILINE)
    assert set(listed) == makes()
    assert done.stdout.splitlines()[0].startswith("  make help")


def test_the_first_line_of_ci_s_work_is_the_readmes_test_command() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "make test" in readme
    assert "make test check" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
