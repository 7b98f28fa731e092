"""A session in a terminal as a picture that moves, by CSS alone: GitHub and PyPI run no scripts."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.text import Text

COLUMNS: Final = 110
ROWS: Final = 27
LETTER, ROW, MARGIN, TOP = 7.8, 19, 16, 36
PROMPT: Final = "$ "
PATIENCE: Final = 120.0
"""Seconds that a command may be silent."""

# The picture has the pace of a reader, not that of the machine which recorded it.
WORD, LINE, THINKING, ANSWERING, LAST = 0.3, 0.08, 0.7, 3.0, 6.0
READING: Final = 0.3
"""Seconds for each line of an answer, before the next command is typed."""

STYLE: Final = """
text { fill: #e6edf3; white-space: pre;
  font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.typed { fill: #7ee787; font-weight: 600; }
"""
# A stage of more than a second leaves a line with its duration: that depends on the machine.
STAGE: Final = re.compile(r" \(\d+\.\d s\)$|^(replaying|tracing|probing) | on the shadow$")
ERASED: Final = re.compile(r"^.*\x1b\[2K")
END_OF_FILE: Final = "\x04"
HIDDEN, SHOWN = "visibility:hidden", "visibility:visible"


class Typing(NamedTuple):
    """Keys that are pressed once the terminal shows a text."""

    after: str
    keys: str


class Scene(NamedTuple):
    """A command as it is typed, what the terminal then shows, and what was typed at questions."""

    command: str
    shown: str
    answers: tuple[Typing, ...] = ()


class Piece(NamedTuple):
    """A part of a line, and the second of the picture at which it appears."""

    text: str
    look: str
    second: float


def typed(
    command: Sequence[str], answers: Iterable[Typing], root: Path, variables: Mapping[str, str]
) -> str:
    """Run a command on a terminal and return what that shows.

    Args:
        command: The program and its arguments.
        answers: What is typed while it runs.
        root: The folder in which it runs.
        variables: Its environment.

    """
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (ROWS, COLUMNS))
    look = {name: value for name, value in variables.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        command,
        cwd=root,
        env={**look, "TERM": "xterm-256color"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as running:
        os.close(terminal)
        try:
            text = _followed(screen, list(answers))
        finally:
            os.close(screen)
    assert running.returncode in {0, 3}, text
    return text


def _followed(screen: int, answers: list[Typing]) -> str:
    """Return everything that a terminal shows until its last program ends."""
    text = b""
    while True:
        if answers and answers[0].after.encode() in text:
            os.write(screen, answers.pop(0).keys.encode())
        assert select.select([screen], [], [], PATIENCE)[0], text
        try:
            part = os.read(screen, 65536)
        except OSError:  # Linux: no program has the terminal open any more
            part = b""
        if not part:
            return text.decode()
        text += part


def drawn(scenes: Sequence[Scene]) -> str:
    """Return a session as a picture: what is typed and answered appears bit by bit."""
    lines, end = _paced(scenes)
    end += LAST
    moments = sorted({piece.second for line in lines for piece in line})
    width, height = COLUMNS * LETTER + 2 * MARGIN, TOP + ROW * ROWS + MARGIN
    box = f'width="{width:.0f}" height="{height}"'
    view = f'viewBox="0 0 {width:.0f} {height}"'
    dots = enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box} {view}>',
        "<title>A session of limbeck</title>",
        f"<style>{STYLE}{_motion(lines, moments, end)}</style>",
        f'<rect {box} rx="8" fill="#0d1117"/>',
        *(f'<circle cx="{18 + 18 * n}" cy="18" r="6" fill="{colour}"/>' for n, colour in dots),
        f'<svg y="{TOP}" width="{width:.0f}" height="{ROW * ROWS}"><g class="page">',
        *(_line(number, line, moments) for number, line in enumerate(lines)),
        "</g></svg>",
        "</svg>\n",
    ]
    return "\n".join(parts)


def _paced(scenes: Sequence[Scene]) -> tuple[list[list[Piece]], float]:
    """Return the lines of a session, each with its pieces, and when the last one appears."""
    lines: list[list[Piece]] = []
    second = THINKING
    for scene in scenes:
        pieces = [Piece(PROMPT, "", second)]
        for word in re.findall(r"\S+ *", scene.command):
            second += WORD
            pieces.append(Piece(word, ' class="typed"', second))
        lines.append(pieces)
        second += THINKING
        texts = list(_texts(scene.shown))
        for text in texts:
            second += LINE
            before, keys = _answered(text, scene.answers)
            lines.append([Piece(part, look, second) for part, look in _looks(before)])
            if keys:
                second += ANSWERING
                lines[-1].append(Piece(keys, ' class="typed"', second))
                second += THINKING
        lines.append([])
        second += THINKING + READING * min(len(texts), ROWS)
    return lines[:-1], second


def _texts(shown: str) -> Iterator[Text]:
    """Yield the lines that a terminal shows in the end, wrapped to its width."""
    shown = shown.replace("\r\n", "\n").replace("^D\b\b", "")
    for line in shown.rstrip("\n").split("\n"):
        text = Text.from_ansi(ERASED.sub("", line))
        if not STAGE.search(text.plain):
            yield from text.divide(range(COLUMNS, len(text), COLUMNS))


def _answered(text: Text, answers: Iterable[Typing]) -> tuple[Text, str]:
    """Return a line as the program printed it, and what was typed behind it."""
    for answer in answers:
        keys = answer.keys.rstrip("\n")
        if answer.after and answer.after in text.plain and text.plain.endswith(keys):
            return text[: len(text) - len(keys)], keys
    return text, ""


def _looks(text: Text) -> Iterator[tuple[str, str]]:
    """Yield the parts of a line with the attributes of their colours."""
    for part, style, _ in text.render(Console(), end=""):
        weight = ' font-weight="600"' if style and style.bold else ""
        colour = style.color.get_truecolor().hex if style and style.color else ""
        yield part, f'{weight} fill="{colour}"' if colour else weight


def _line(number: int, line: Iterable[Piece], moments: Sequence[float]) -> str:
    parts = "".join(
        f"<tspan{_marked(piece.look, f't{moments.index(piece.second)}')}>"
        f"{escape(piece.text)}</tspan>"
        for piece in line
    )
    return f'<text x="{MARGIN}" y="{ROW * number + 14}">{parts}</text>'


def _marked(look: str, name: str) -> str:
    """Return attributes with a class more."""
    return (
        look.replace('"typed"', f'"typed {name}"') if "class" in look else f'{look} class="{name}"'
    )


def _motion(lines: Sequence[Sequence[Piece]], moments: Sequence[float], end: float) -> str:
    """Return the style sheet of the motion; without it, the end of the session is shown."""
    last = f"translateY({-ROW * max(len(lines) - ROWS, 0)}px)"
    frames = [
        f"@keyframes t{number}{{0%{{{HIDDEN}}}{100 * moment / end:.2f}%,to{{{SHOWN}}}}}"
        f".t{number}{{animation-name:t{number}}}"
        for number, moment in enumerate(moments)
    ]
    scrolls = [
        f"{100 * line[0].second / end:.2f}%{{transform:translateY({-ROW * (number + 1 - ROWS)}px)}}"
        for number, line in enumerate(lines)
        if line and number >= ROWS
    ]
    return "\n".join(
        [
            f".page {{ transform: {last}; }}",
            "@media (prefers-reduced-motion: no-preference) {",
            f".page,tspan{{animation:page {end:.1f}s step-end infinite}}",
            *frames,
            f"@keyframes page{{0%{{transform:none}}{''.join(scrolls)}to{{transform:{last}}}}}",
            "}",
        ]
    )
