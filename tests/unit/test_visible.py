"""Names and messages neither command a terminal nor a shell."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.branches import base, origins
from limbeck.branches.base import Branch
from limbeck.branches.moment import Source
from limbeck.cli import COMMANDS
from limbeck.errors import LimbeckError
from limbeck.output.data import plain_json, to_yaml
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.renames.likeness import Proposal
from limbeck.schema.renames.rename import Rename
from limbeck.shell import command
from limbeck.visible import visible

REPOSITORY = Path(__file__).parents[2]
SOURCES = [path for path in (REPOSITORY / "limbeck").rglob("*.py") if "templates" not in path.parts]

SHOWN = {
    "a title": ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
    "a colour": ("\x1b[31m", r"\x1b[31m"),
    "the same in C1": ("\x9b31m", r"\x9b31m"),
    "a line that is written over": ("good\rbad", r"good\x0dbad"),
    "a letter that is taken back": ("good\b\x7f", r"good\x08\x7f"),
    "a reversed text": ("\u202etxt.exe\u2066", r"\u202etxt.exe\u2066"),
    "half a character": ("\udc9b", r"\udc9b"),
    "lines and columns": ("a\n\tb", "a\n\tb"),
    "letters": ("Größe — 表 👩‍💻 עברית", "Größe — 表 👩‍💻 עברית"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN)
def test_control_characters_are_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.dictionaries(st.text(), st.text()))
def test_json_and_yaml_have_the_same_values_and_no_control_characters(
    value: dict[str, str],
) -> None:
    text = plain_json(value, masked=False)
    assert json.loads(text) == value
    assert visible(text) == text
    assert visible(to_yaml(value)) == to_yaml(value)


def test_only_the_terminal_prints() -> None:
    """A text that is printed elsewhere is neither masked nor made visible."""
    printing = re.compile(r"\bclick\.s?echo\(|(?<!console\.)\bprint\(|sys\.std(?:out|err)\.write\(")
    places = [
        (path.name, line.strip())
        for path in SOURCES
        for line in path.read_text(encoding="utf-8").splitlines()
        if printing.search(line)
    ]
    assert {name for name, _ in places} == {"terminal.py", "__init__.py"}
    assert [line for name, line in places if name == "__init__.py"] == [
        "click.echo(f\"limbeck {version('limbeck')}\")"
    ]


# Shells -------------------------------------------------------------------------------------------

NAMES = [
    "a b; rm -rf ~",
    "$(touch x)",
    "`id`",
    "it's",
    'a"b',
    "!!",
    "*",
    "#",
    "\\",
    "a\nb",
    "é",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reaches_a_command_as_it_is(name: str) -> None:
    line = command("printf", "%s.", name, "next")
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode() == f"{name}.next."


def test_placeholders_and_plain_names_are_not_quoted() -> None:
    line = command("limbeck", "branches", "restore", "preview/a-1", "^self@TIME", "NAME")
    assert line == "limbeck branches restore preview/a-1 ^self@TIME NAME"


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def hints(name: str) -> Iterator[str]:
    """Yield every hint about a branch of this name."""
    root = Branch(name, None, NOW, default=True, expires_at=NOW)
    there = (root, Branch(f"{name}2", name, NOW), Branch("other", None, NOW))
    for refuse in (
        lambda: base.refuse_existing(there, name),
        lambda: base.resettable(there, f"{name}2", "other"),
        lambda: base.refuse_ending_parent(there, name),
        lambda: base.deletable((Branch("p", None, NOW), Branch(name, "p", NOW)), "p"),
        lambda: origins.origin(there, root, Source("^parent", None)),
    ):
        with pytest.raises(LimbeckError) as caught:
            refuse()
        yield str(caught.value.hint)


@pytest.mark.parametrize("name", [each for each in NAMES if each])
def test_a_hint_can_be_pasted_whatever_the_name(name: str) -> None:
    for hint in hints(name):
        words = [word for word in shlex.split(hint, comments=True) if name in word]
        assert words, hint
    before, after = (Address("table", "public", each) for each in (name, f"{name}2"))
    rename = Rename("table", before, after)
    assert shlex.split(Proposal(rename, 1.0).flag) == ["--rename", str(rename)]


# A command of limbeck's or of another program, with a name in it.
SPELLED = re.compile(
    rf"\b(?:limbeck (?:{'|'.join(COMMANDS)})|git (?:log|fetch)|rm -|neon [a-z])[\w '\"*-]*\{{"
)
# The names of sessions, which no shell reads.
SESSIONS = {"worker.py"}


def test_no_hint_spells_a_command_with_a_name_by_itself() -> None:
    """`shell.command` quotes names; a string with a command and a name would not."""
    assert SPELLED.search('hint=f"limbeck migrate -e {name}"')
    spelled = [
        f"{path.name}: {line.strip()}"
        for path in SOURCES
        if path.name not in SESSIONS
        for line in path.read_text(encoding="utf-8").splitlines()
        if SPELLED.search(line)
    ]
    assert spelled == []
