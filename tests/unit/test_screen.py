"""What a terminal shows, by its width and its colours; a pipe gets the same words as plain text."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Mapping
from typing import IO, Any

import pytest
from rich.cells import cell_len
from rich.color import Color

from limbeck.cli.drawing import MEANINGS, drawn
from limbeck.cli.invocation import Choice
from limbeck.cli.screen import Screen, seen
from limbeck.output.marks import Answer, Line, Span, Sql, Table, sections

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
ANSWER = sections(
    [
        Table(
            ("Environment", "Current", "Pending", "Database"),
            [
                ("development", "0123456789ab", "none", "limbeck@127.0.0.1:24556/development"),
                (
                    Span("production (protected)", "protected"),
                    "0123456789ab",
                    Span("3", "pending"),
                    "neondb_owner@ep-cool-darkness-123456.eu-central-1.aws.neon.tech/neondb",
                ),
            ],
        ),
        Answer([Span("drift:", "changed"), Line("  ", Span("+ table public.books", "added"))]),
        f"  Run `limbeck migrate -e {'production' * 3}` when {'nobody ' * 12}is at work.",
        f"  limbeck migrate -e {'production' * 20}",
        Sql("CREATE TABLE a (b text DEFAULT 'x');\n\nALTER TABLE a ADD c \"int\"; -- why", 6),
    ]
)


class Stream:
    """A stream that is a terminal, or none."""

    def __init__(self, *, terminal: bool) -> None:
        self.isatty = lambda: terminal

    def fileno(self) -> int:
        """Be no descriptor."""
        raise OSError


def screen(*, terminal: bool, choice: Choice | None = None, **variables: str) -> Screen:
    stream: IO[Any] = Stream(terminal=terminal)  # type: ignore[assignment]
    return seen(stream, {"TERM": "xterm-256color", **variables}, choice)


@pytest.mark.parametrize(
    ("terminal", "choice", "variables", "colours"),
    [
        (True, None, {}, 256),
        (True, None, {"TERM": "xterm"}, 16),
        (True, None, {"TERM": "xterm", "COLORTERM": "truecolor"}, 256),
        (False, None, {}, 0),
        (True, None, {"NO_COLOR": "1"}, 0),
        (True, None, {"NO_COLOR": ""}, 256),
        (False, None, {"FORCE_COLOR": "1"}, 256),
        (False, None, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, 0),
        (True, None, {"TERM": "dumb"}, 0),
        (True, "auto", {"TERM": "dumb"}, 0),
        (False, "always", {"NO_COLOR": "1"}, 256),
        (True, "never", {"FORCE_COLOR": "1"}, 0),
        (False, None, {"LIMBECK_COLOR": "always", "NO_COLOR": "1"}, 256),
        (True, None, {"LIMBECK_COLOR": "never"}, 0),
        (True, "auto", {"LIMBECK_COLOR": "never"}, 256),
        (True, None, {"LIMBECK_COLOR": "auto"}, 256),
    ],
)
def test_one_place_decides_about_colours(
    terminal: bool,  # noqa: FBT001 - a column of the table
    choice: Choice | None,
    variables: Mapping[str, str],
    colours: int,
) -> None:
    assert screen(terminal=terminal, choice=choice, **variables).colours == colours


def test_only_a_terminal_is_wrapped_and_drawn_on() -> None:
    assert screen(terminal=True, COLUMNS="120") == (120, 256, True)
    assert screen(terminal=True) == (80, 256, True)
    assert screen(terminal=False, choice="always") == (0, 256, False)
    assert screen(terminal=True, TERM="dumb").plain
    assert screen(terminal=False).plain


@pytest.mark.parametrize("width", [0, 80, 120, 200])
@pytest.mark.parametrize("colours", [0, 16, 256])
def test_no_width_and_no_colour_loses_a_word(width: int, colours: int) -> None:
    shown = drawn(ANSWER, Screen(width, colours, draws=True), safe=str)
    assert bool(ESCAPE.search(shown)) == bool(colours)
    plain = ESCAPE.sub("", shown)
    # A cell that is folded goes on in the next row, so the characters are counted, not the words.
    assert sorted("".join(plain.split())) == sorted("".join(ANSWER.split()))
    wide = [line for line in plain.split("\n") if width and cell_len(line) > width]
    assert all("production" * 3 in line for line in wide)  # commands stay whole
    assert not re.search(r" +$", plain, re.MULTILINE)
    if width in {0, 200}:
        assert plain == ANSWER


def test_a_secret_is_masked_wherever_it_begins() -> None:
    def safe(text: str) -> str:
        return re.sub("sec\nret|se-cret", "***", text)

    answer = Answer([Line("a ", Span("se-", "error"), "cret"), Span("b", "added"), "sec", "ret"])
    assert drawn(answer, Screen(80, 256, draws=True), safe=safe) == "a ***\nb\n***"
    answer = Answer([Line("a ", Span("se-", "error"), "cret"), Span("b", "added")])
    assert ESCAPE.sub("", drawn(answer, Screen(80, 16, draws=True), safe=safe)) == "a ***\nb"


def luminance(red: int, green: int, blue: int) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [each / 255 for each in (red, green, blue)]
    r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("meaning", [each for each, (_, colour) in MEANINGS.items() if colour])
def test_a_colour_can_be_read_on_white_and_on_black(meaning: str) -> None:
    colour = MEANINGS[meaning][1]  # type: ignore[index]
    assert colour
    light = luminance(*Color.parse(colour[256]).get_truecolor())
    assert 1.05 / (light + 0.05) > 3.8
    assert (light + 0.05) / 0.05 > 3.8
    assert colour[16] not in {"white", "black", "bright_white", "bright_black"}


PROGRAM = """
import sys, time
from limbeck.cli import progress
from limbeck.cli.narrating import Narrator
from limbeck.cli.terminal import answer
from limbeck.events import StageProgress, StageStarted
narrator = Narrator()
progress.LONG = {long}
for number in range({count}):
    narrator(StageStarted("tracing"))
    narrator(StageProgress("tracing", 2, 4, "revision"))
    time.sleep({seconds})
narrator.progress and narrator.progress.end()
answer("done")
print(sorted(each for each in sys.modules if each.partition(".")[0] == "rich")[:1])
"""


def narrated(long: float, seconds: float, width: int = 80, term: str = "xterm") -> str:
    """Return what a terminal has been sent about a stage."""
    keyboard, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, width))
    try:
        program = PROGRAM.format(long=long, seconds=seconds, count=1)
        own = {"TERM": term, "NO_COLOR": "", "COLUMNS": "", "PYTHONIOENCODING": "utf-8"}
        variables = {**os.environ, **own}
        command = [sys.executable, "-c", program]
        subprocess.run(
            command, stdout=terminal, stderr=terminal, env=variables, check=True, timeout=20
        )
        return os.read(keyboard, 100_000).decode().replace("\r\n", "\n")
    finally:
        os.close(keyboard)
        os.close(terminal)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_long_stage_says_how_far_it_is_on_one_line(width: int) -> None:
    frames, *_, last = ESCAPE.sub("", narrated(0, 1.2, width)).split("\x1b[2K")[1:], ""
    shown = [frame.rstrip("\r") for frame in frames[:-1]]
    assert len({frame[0] for frame in shown}) > 1  # it turns
    for frame in shown:
        assert "2 of 4 revisions, 0 s" in frame or "2 of 4 revisions, 1 s" in frame
        assert cell_len(frame) < width
    assert frames[-1].startswith("tracing (")
    assert frames[-1].splitlines()[1:] == ["done", "['rich']"]
    assert last == ""


def test_a_short_stage_shows_nothing_and_imports_no_rich() -> None:
    assert narrated(1, 0) == "done\n[]\n"


def test_a_dumb_terminal_gets_what_a_pipe_gets() -> None:
    assert narrated(0, 0.3, term="dumb") == "tracing\ndone\n[]\n"


def test_the_dot_of_a_qualified_name_is_not_drawn_as_a_number() -> None:
    shown = drawn(Sql("ALTER TABLE public.books"), Screen(80, 256, draws=True), safe=str)
    assert "public.books" in shown
