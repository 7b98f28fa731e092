"""A list to choose from: by arrows on a terminal, by number on a dumb one."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

PROGRAM = """
from limbeck.cli.choosing import choose
print(choose("What became of it?", ["one", "two", "three"], {preselected}))
"""


def chosen(typed: str, preselected: int | None, term: str) -> tuple[str, str]:
    """Return the answer that keys give on a terminal, and what the terminal showed."""
    keyboard, terminal = pty.openpty()
    try:
        os.write(keyboard, typed.encode())
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(preselected=preselected)],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
            env={**os.environ, "TERM": term},
            check=False,
            timeout=10,
        )
        return done.stdout.decode().strip(), os.read(keyboard, 100_000).decode()
    finally:
        os.close(keyboard)
        os.close(terminal)


@pytest.mark.parametrize(
    ("typed", "preselected", "answer"),
    [
        ("\x1b[B\n", None, "0"),
        ("\x1b[B\x1b[B\n", None, "1"),
        ("\x1b[A\n", None, "2"),
        ("\x1bOB\n", 0, "1"),
        ("j\n", 2, "0"),
        ("\n", 1, "1"),
        ("\n\n3\n", None, "2"),  # Enter alone is no answer where none is usual
        ("x9é2\n", None, "1"),
    ],
)
def test_keys_move_a_mark_through_the_list(
    typed: str, preselected: int | None, answer: str
) -> None:
    assert chosen(typed, preselected, "xterm")[0] == answer


@pytest.mark.parametrize(
    ("typed", "preselected", "answer"),
    [("2\n", None, "1"), ("\n", 2, "2"), ("\n0\n4\nno\n-1\n3\n", None, "2")],
)
def test_a_dumb_terminal_takes_a_number_and_asks_again(
    typed: str, preselected: int | None, answer: str
) -> None:
    given, shown = chosen(typed, preselected, "dumb")
    assert given == answer
    assert "  2) two" in shown
    assert "\x1b" not in shown
    assert shown.count("Type a number from 1 to 3.") == typed.count("\n") - 1


def test_the_end_of_the_input_is_no_answer() -> None:
    assert chosen("\x04", 0, "dumb")[0] == ""
