"""The command line by itself: help, errors, exit codes, what it costs to start."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from limbeck.cli import COMMANDS, LazyGroup, group, main
from limbeck.cli.examples import EXAMPLES
from limbeck.errors import CheckFailedError, ConfigurationError, LimbeckError, NotConfirmedError

LIMBECK = str(Path(sys.executable).parent / "limbeck")


def commands(
    owner: click.Group = group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with the words that call it."""
    context = click.Context(owner)
    for name in owner.list_commands(context):
        command = owner.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = list(commands())


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_every_command_answers_h_and_help_alike(
    path: tuple[str, ...], command: click.Command
) -> None:
    answers = [CliRunner().invoke(group, [*path, flag]) for flag in ("-h", "--help")]
    assert [answer.exit_code for answer in answers] == [0, 0]
    assert answers[0].output == answers[1].output
    assert command.get_short_help_str(200) in answers[0].output.replace("\n ", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_itself_says(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert (command.help or "").partition("\n")[0] == COMMANDS[name][1]


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_every_option_has_a_help_text(path: tuple[str, ...], command: click.Command) -> None:
    silent = [
        option.opts[0]
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]
    assert silent == [], f"{' '.join(path)}: {silent}"


LEAVES = {" ".join(path): command for path, command in ALL if not isinstance(command, click.Group)}


@pytest.mark.parametrize("words", LEAVES)
def test_the_help_of_a_command_ends_with_examples_that_can_be_typed(words: str) -> None:
    examples = EXAMPLES[words]
    assert len(examples) >= 2
    answer = CliRunner().invoke(group, [*words.split(), "-h"]).output
    for line, purpose in examples:
        assert f"  # {purpose}\n  {line}\n" in answer
        assert f"limbeck {words}" in line.replace("--project shop ", "")
        typed = line.partition(" > ")[0].removeprefix('eval "$(').removesuffix(')"')
        _, *arguments = shlex.split(typed.replace("--project shop ", ""))
        LEAVES[words].make_context(words, arguments[len(words.split()) :])


def test_examples_are_of_commands() -> None:
    assert set(EXAMPLES) == set(LEAVES)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([name, "-h"] for name in COMMANDS)]
)
def test_help_imports_neither_alembic_nor_sqlalchemy_nor_psycopg(arguments: Sequence[str]) -> None:
    code = (
        "import sys, json\n"
        "from limbeck.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as done:\n"
        "    heavy = {'alembic', 'sqlalchemy', 'psycopg'} & set(sys.modules)\n"
        "    print(json.dumps([done.code, sorted(heavy)]), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stderr) == [0, []]


def imported(program: str) -> set[str]:
    """Return the modules that are there when a program has printed its help."""
    code = (
        "import sys\n"
        f"{program}\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_at_most_eight_modules_more_than_any_program_with_click() -> None:
    """A count is the same on every machine, and each import costs some 0.3 ms."""
    another = "click.Group('another', {'one': click.Command('one', help='One.')}, help='Another.')"
    anothers = imported(f"import click\nmain = {another}")
    more = imported("from limbeck.cli import main") - anothers
    assert len(more) <= 8, more  # five of limbeck; dataclasses with copy; gc


FAILURES: list[tuple[BaseException, int, list[str]]] = [
    (LimbeckError("it broke", hint="mend it"), 1, ["Error: it broke", "Hint: mend it"]),
    (ConfigurationError("wrong"), 2, ["Error: wrong"]),
    (CheckFailedError("found"), 3, ["Error: found"]),
    (NotConfirmedError("no"), 4, ["Error: no"]),
    (KeyError("gone"), 1, ["unexpected KeyError: 'gone'", "again with --debug"]),
    (ValueError("two\nlines"), 1, ["unexpected ValueError: two lines"]),
    (KeyboardInterrupt(), 130, ["Interrupted."]),
    (KeyboardInterrupt("nothing was changed"), 130, ["Interrupted; nothing was changed."]),
]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """A command `fail` that raises what is put here."""
    raised: dict[str, BaseException] = {}

    def fail() -> None:
        raise raised["error"]

    found = LazyGroup.get_command

    def get_command(self: LazyGroup, ctx: click.Context, name: str) -> click.Command | None:
        return click.Command("fail", callback=fail) if name == "fail" else found(self, ctx, name)

    monkeypatch.setattr(LazyGroup, "get_command", get_command)
    return raised


@pytest.mark.parametrize(("error", "code", "words"), FAILURES)
def test_an_error_is_lines_on_stderr_and_an_exit_code(
    failing: dict[str, BaseException],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    words: list[str],
) -> None:
    failing["error"] = error
    with pytest.raises(SystemExit) as exited:
        main(["fail"])
    said = capsys.readouterr()
    assert exited.value.code == code
    assert said.out == ""
    assert all(word in said.err for word in words), said.err
    assert "Traceback" not in said.err


def test_debug_shows_the_traceback(
    failing: dict[str, BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing["error"] = LimbeckError("it broke")
    with pytest.raises(SystemExit):
        main(["--debug", "fail"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["nope"], ["migrate", "--nope"], ["diff", "models"], ["migrate", "--wait", "x"]]
)
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2


SLIPS = [
    ("mirgate", "No such command 'mirgate'. Did you mean 'migrate'?"),
    ("branches lsit", "No such command 'lsit'. Did you mean 'list'?"),
    ("wholly-unlike", "No such command 'wholly-unlike'.\n"),
    ("migrate production", "Hint: Name the environment with -e: limbeck migrate -e production\n"),
    ("migrate prod", "Hint: Name the environment with -e: limbeck migrate -e production\n"),
    ("migrate 5f1c0e7a9b24", "Got unexpected extra argument (5f1c0e7a9b24)\n"),
    ("migrate production now", "Got unexpected extra arguments (production now)\n"),
    (
        "psql -e production -c",
        "Hint: Put the arguments of psql after `--`: limbeck psql -- -c ...\n",
    ),
    ("status -e prod", "Hint: Did you mean production?\n"),
    ("status -e prodction", "Hint: Did you mean production?\n"),
]


@pytest.mark.parametrize(("line", "end"), SLIPS, ids=[line for line, _ in SLIPS])
def test_a_slip_is_answered_with_what_was_probably_meant(
    capsys: pytest.CaptureFixture[str], line: str, end: str
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--project", str(Path(__file__).parents[2]), *line.split()])
    assert exited.value.code == 2
    assert capsys.readouterr().err.rstrip("\n").endswith(end.rstrip("\n"))


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [LIMBECK, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("word", "code", "said"), [("--version", 0, "limbeck"), ("nope", 2, "")])
def test_the_program_says_all_it_has_to_say_before_it_ends(word: str, code: int, said: str) -> None:
    program = "import sys; from limbeck.cli import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", program, word], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stdout.startswith(said)
    assert bool(done.stderr) == bool(code)
