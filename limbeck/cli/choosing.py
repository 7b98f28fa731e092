"""A list to choose from: with the arrow keys on a terminal, by number on any other."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from limbeck.cli.terminal import ask, redraw, say
from limbeck.errors import NotConfirmedError

UP = ("\x1b[A", "\x1bOA", "k")
DOWN = ("\x1b[B", "\x1bOB", "j")
ENTER = ("\r", "\n")
LONGEST_SEQUENCE = 3
END = "\x04"  # Ctrl-D


def choose(question: str, options: Sequence[str], preselected: int | None = None) -> int:
    """Ask until one of the options is chosen; return its place, from 0.

    Args:
        question: What is asked.
        options: The answers.
        preselected: The answer that Enter alone gives; None where none is likelier than the rest.

    Raises:
        NotConfirmedError: The input ended before an answer.
        KeyboardInterrupt: Ctrl-C.

    """
    say(question)
    if _draws():
        return _by_keys(options, preselected)
    return _by_number(options, preselected)


def _draws() -> bool:
    """Return whether the list can be drawn anew, and keys be read one by one."""
    dumb = os.environ.get("TERM", "dumb") in {"", "dumb"}
    return sys.stdin.isatty() and sys.stderr.isatty() and not dumb


def _by_number(options: Sequence[str], preselected: int | None) -> int:
    for number, option in enumerate(options, 1):
        say(f"  {number}) {option}")
    usual = "" if preselected is None else f" [{preselected + 1}]"
    while True:
        text = ask(f"Number{usual}: ")
        if not text and preselected is not None:
            return preselected
        if text.isdecimal() and 1 <= int(text) <= len(options):
            return int(text) - 1
        say(f"Type a number from 1 to {len(options)}.")


def _by_keys(options: Sequence[str], preselected: int | None) -> int:
    """Move a mark through the list; a digit moves it, too."""
    place = preselected
    _draw(options, place)
    for key in _keys():
        if key in ENTER and place is not None:
            return place
        if key == END:
            raise NotConfirmedError("there was no answer; nothing was changed")
        place = _moved(key, place, len(options))
        _draw(options, place, over=True)
    raise NotConfirmedError("there was no answer; nothing was changed")


def _moved(key: str, place: int | None, count: int) -> int | None:
    if key in UP:
        return count - 1 if place is None else (place - 1) % count
    if key in DOWN:
        return 0 if place is None else (place + 1) % count
    if key.isdecimal() and 1 <= int(key) <= count:
        return int(key) - 1
    return place


def _draw(options: Sequence[str], place: int | None, *, over: bool = False) -> None:
    lines = [
        f"{'>' if number == place else ' '} {number + 1}) {option}"
        for number, option in enumerate(options)
    ]
    redraw([*lines, "  up, down or a number; Enter to choose"], bold=place, over=over)


def _keys() -> Iterator[str]:
    """Yield the keys that are pressed; an arrow is one key."""
    descriptor = sys.stdin.fileno()
    with _one_by_one(descriptor):
        while key := _character(descriptor):
            while key.startswith("\x1b") and len(key) < LONGEST_SEQUENCE and _more(descriptor):
                key += _character(descriptor)
            yield key


def _character(descriptor: int) -> str:
    """Read one byte; a part of a letter beyond ASCII is no key of the list."""
    return os.read(descriptor, 1).decode("ascii", "replace")


def _more(descriptor: int) -> bool:
    """Return whether the rest of an arrow follows; Escape alone is a key as well."""
    import select

    ready, _, _ = select.select([descriptor], [], [], 0.05)
    return bool(ready)


@contextmanager
def _one_by_one(descriptor: int) -> Iterator[None]:
    """Read keys without waiting for Enter and without echo; Ctrl-C still interrupts."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSADRAIN)  # keeps what was typed ahead
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
