"""Every command that answers has `--json`, and docs/json has the schema of the answer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator

from limbeck.cli import group as root
from limbeck.output.data import VERSION, to_json
from tests import schemas
from tests.printed import Printed

ACTIONS = {
    "stamp": "it marks a revision and prints nothing",
    "psql": "psql takes its place",
    "preview down": "it deletes a branch and prints nothing",
    "local start": "local status --json tells the same",
    "local stop": "local status --json tells the same",
    "report": "its page shows what status, show and erd answer",
    "studio": "its pages show what status, show and erd answer",
    "completion": "it prints a script for a shell",
}
"""Commands without an answer that a program would read."""


def commands(group: click.Command = root, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its words."""
    assert isinstance(group, click.Group)
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def test_every_command_that_answers_has_json_and_every_json_a_schema() -> None:
    with_json = {
        name
        for name, command in commands()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert with_json == set(schemas.ANSWERS)
    assert {name for name, _ in commands()} - with_json == set(ACTIONS)


def test_docs_have_the_schemas_that_the_types_give() -> None:
    written = {path: path.read_text("utf-8") for path in schemas.FOLDER.glob("*.schema.json")}
    derived = {schemas.path(command): schemas.text(command) for command in schemas.ANSWERS}
    assert written == derived, "run `make schemas`, and read docs/json/README.md about the version"


@pytest.mark.parametrize("command", schemas.ANSWERS)
def test_a_schema_is_valid_and_asks_for_the_version(command: str) -> None:
    schema = schemas.schema(command)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert not validator.is_valid({})
    assert not validator.is_valid({"version": VERSION + 1})


def test_an_answer_has_the_version_first_and_each_of_several_has_it() -> None:
    assert json.loads(to_json([{"a": 1}, {"a": 2}])) == [
        {"version": VERSION, "a": 1},
        {"version": VERSION, "a": 2},
    ]
    assert next(iter(json.loads(to_json({"ok": True})))) == "version"


def test_readers_accept_new_keys_and_the_tests_do_not() -> None:
    answer = {"version": VERSION, "entries": [], "earlier": 0, "problems": []}
    assert schemas.faults("log", answer) == []
    Draft202012Validator(schemas.schema("log")).validate({**answer, "new": 1})
    for wrong in ({**answer, "new": 1}, {**answer, "earlier": None}, {"version": VERSION}):
        assert schemas.faults("log", wrong)


def test_the_answers_of_all_tests_are_held_against_the_schemas(
    printed: Printed, tmp_path: Path
) -> None:
    program = tmp_path / "limbeck"
    program.write_text(f"#!{sys.executable}\nprint({to_json({'ok': True})!r})\n")
    program.chmod(0o755)
    subprocess.run([program, "undo", "--json", "-e", "qa"], capture_output=True, check=True)
    assert any("'destination' is a required property" in fault for fault in printed.undocumented())
    assert printed.undocumented() == []


def test_no_command_imports_the_types_of_the_answers() -> None:
    code = (
        "import sys, limbeck.output.statuses, limbeck.output.rehearsals\n"
        "print([name for name in sys.modules if name.startswith('limbeck.output.answers')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
