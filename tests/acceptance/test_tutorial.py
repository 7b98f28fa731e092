r"""The sessions in README.md and docs/tutorial.md, run from top to bottom.

A block ```console holds `$ ` commands and what they answer; a line `...` stands for any lines,
`\` at a line's end continues the command. What is typed at a question stands after it. A block
```diff is an edit. The embedded server is a real one, below the copy of this repository.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.workplace import BIN, REPOSITORY, Workplace

COPIED = ("app", "alembic", "env_profiles", "alembic.ini", ".env.example")
COPIED_TOO = ("Makefile", "limbeck.mk", "pyproject.toml", "requirements.lock", ".gitignore")
QUESTION = re.compile(r"(Type .+ to continue: |.+\[y/N\] |Number.*: )(.*)")
# What differs from run to run, as it stands in the documents and as it may be.
VARYING = (
    (r"(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])", "[0-9a-f]{12}"),
    (r"\b127\\\.0\\\.0\\\.1:\d+", r"127\.0\.0\.1:\\d+"),
    (r"\bport\\ \d+", r"port \\d+"),
    (r"\b\d+\\\.\d\d\\ s\b", r"\\d+\.\\d\\d s"),
    (r"\b\d+\\\.\d\\ s\b", r"\\d+\.\\d s"),
    (r"20\d\d_\d\d_\d\d_", r"20\\d\\d_\\d\\d_\\d\\d_"),
    (r"\b20\d\d\\-\d\d\\-\d\dT\d\d:\d\d:\d\dZ", r"20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ"),
    (r"\b20\d\d\\-\d\d\\-\d\d\b(?!T)", r"20\\d\\d-\\d\\d-\\d\\d"),
    (r"(\\ )+", " +"),
)


@dataclass
class Step:
    """A command with its answers, or (without a command) an edit."""

    line: int
    command: str = ""
    expected: list[str] = field(default_factory=list)
    typed: str | None = None
    edit: str = ""


def steps(path: Path) -> Iterator[Step]:
    """Read what a document tells its reader to do."""
    text = path.read_text(encoding="utf-8")
    for block in re.finditer(r"^```(console|diff)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, block.start()) + 1
        if block[1] == "diff":
            yield Step(line, edit=block[2])
        else:
            yield from _commands(block[2].replace("\\\n", ""), line)


def _commands(block: str, line: int) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *answers = part.rstrip("\n").split("\n")
        step = Step(line, command)
        for answer in answers:
            if question := QUESTION.fullmatch(answer):
                step.typed = question[2]
            step.expected.append(QUESTION.sub(r"\1", answer) if question else answer)
        yield step


def pattern(expected: list[str]) -> re.Pattern[str]:
    """Make a pattern of the lines, for output whose runs of spaces are of any length."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        part = re.escape(line)
        for known, varying in VARYING:
            part = re.sub(known, varying, part)
        # The answer to a question was typed on a terminal, which this output is not.
        parts.append(part if QUESTION.fullmatch(line) else rf"{part}\s*\n")
    return re.compile("".join(parts) + r"\s*")


@pytest.fixture
def clone(tmp_path: Path, variables: dict[str, str]) -> Iterator[Workplace]:
    """The files that a user works with, for which the tools are installed already."""
    root = tmp_path / "limbeck"
    root.mkdir()
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, root)
    for name in COPIED_TOO:
        shutil.copy2(REPOSITORY / name, root)
    ready = f"LIMBECK={BIN / 'limbeck'} LIMBECK_PYTHON={BIN / 'python'} LIMBECK_READY="
    place = Workplace(root, {**variables, "MAKEFLAGS": ready})
    yield place
    place.run("local", "stop")


@pytest.mark.parametrize("document", ["README.md", "docs/tutorial.md"])
def test_a_session_goes_as_it_is_written(document: str, clone: Workplace) -> None:
    done = 0
    for step in steps(REPOSITORY / document):
        place = f"{document}:{step.line}"
        if step.edit:
            (clone.root / "edit.diff").write_text(step.edit)
            result = clone.call("git", "apply", "edit.diff")
            assert result.code == 0, f"{place}: {result.text}"
            continue
        if re.match(r"git clone|cd |make (test|check)|pip |\. ", step.command):
            continue
        result = clone.call("bash", "-c", f"({step.command}) 2>&1", typing=step.typed)
        said = f"{place}: $ {step.command}\n{result.out}"
        assert result.code == 0, said
        if not pattern(step.expected).fullmatch(result.out):
            written = "\n".join(step.expected)
            pytest.fail(f"{said}\nbut it says:\n{written}", pytrace=False)
        done += 1
    assert done > 0
