"""Every command of docs/how-to/runbook.md can be typed as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from limbeck.cli import group

PAGE = (Path(__file__).parents[2] / "docs/how-to/runbook.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)).splitlines()
LINES = {line.partition("#")[0].strip() for line in BLOCKS if line.startswith("limbeck ")}
COMMANDS = sorted(LINES | set(re.findall(r"`(limbeck [a-z]+ [^`]+)`", PAGE)))


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_runbook_is_one(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    if not isinstance(command, click.Group):
        command.make_context(name, arguments)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) > 15
