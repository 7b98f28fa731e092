"""The talk on stderr: events as lines or a progress bar, colours, questions."""

from __future__ import annotations

import os
import sys

import click

from limbeck.errors import NotConfirmedError
from limbeck.events import (
    BranchCreated,
    Event,
    LockWaiting,
    Notice,
    RevisionFinished,
    RevisionStarted,
    ServerStarted,
    StageStarted,
)


def coloured(text: str, colour: str, *, err: bool = True) -> str:
    """Colour a text for stderr (or stdout) when that is a terminal and NO_COLOR is not set."""
    stream = sys.stderr if err else sys.stdout
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return click.style(text, fg=colour)


def clear_line() -> None:
    """Take away a progress bar that was left in the middle."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True, color=True)


def note(text: str) -> None:
    """Say one line on stderr."""
    click.echo(text, err=True)


def interactive() -> bool:
    """Whether somebody can answer a question."""
    return sys.stdin.isatty()


def ask(question: str) -> str:
    """Ask on stderr and return the answer, stripped.

    Raises:
        NotConfirmedError: the input ended before an answer.
        KeyboardInterrupt: with a text that says that nothing was changed.

    """
    click.echo(question, nl=False, err=True)
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        note("")
        raise KeyboardInterrupt("nothing was changed") from None
    if not line:
        note("")
        raise NotConfirmedError("there was no answer; nothing was changed")
    return line.strip()


def agreed(question: str) -> bool:
    """Ask a question of yes or no; no is the default."""
    return ask(f"{question} [y/N] ").lower() in {"y", "yes"}


class Narrator:
    """A listener that tells events on stderr; on a terminal revisions move a progress bar."""

    def __init__(self) -> None:
        self._bar = sys.stderr.isatty()

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        match event:
            case RevisionStarted() if self._bar:
                self._draw(event.number - 1, event.total, event.revision)
            case RevisionFinished() if self._bar:
                clear_line()
                note(_line(event))
            case StageStarted() if self._bar:
                note(coloured(_line(event), "bright_black"))
            case _:
                if text := _line(event):
                    note(text)

    def _draw(self, done: int, total: int, label: str) -> None:
        width = 24
        filled = width * done // total
        bar = "#" * filled + "-" * (width - filled)
        click.echo(f"\r[{bar}] {done}/{total} {label}", nl=False, err=True)


def _line(event: Event) -> str:
    match event:
        case Notice(text) | StageStarted(text):
            return text
        case ServerStarted(port, created):
            made = "Made and started" if created else "Started"
            return f"{made} the embedded Postgres on port {port}"
        case BranchCreated(name, parent):
            return f"Created branch {name}" + (f" from {parent}" if parent else "")
        case LockWaiting(holder, wait):
            return f"Waiting up to {wait:g} s for the migration lock, held by {holder}"
        case RevisionFinished():
            verb = "reverted" if event.downgrade else "applied"
            counted = f"{event.number}/{event.total}"
            return f"{counted} {verb} {event.revision} {event.message} ({event.seconds:.2f} s)"
        case _:
            return ""
