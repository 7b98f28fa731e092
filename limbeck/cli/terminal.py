"""The talk on stderr: events as lines or a progress bar, colours, questions."""

from __future__ import annotations

import os
import sys

import click

from limbeck.errors import NotConfirmedError
from limbeck.events import (
    Blocked,
    BranchCreated,
    Event,
    IndexProgress,
    IndexRepaired,
    LockNotObtained,
    LockWaiting,
    Notice,
    RevisionFinished,
    RevisionResumed,
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


def confirm(question: str, *, yes: bool) -> None:
    """Ask a question of yes or no, if --yes has not answered it already.

    Raises:
        NotConfirmedError: the answer is no, or nobody is there to give one.

    """
    if yes:
        return
    if not interactive():
        raise NotConfirmedError(
            "there is no terminal to ask on; nothing was changed",
            hint="Add --yes when the plan above is what you want.",
        )
    if not agreed(question):
        raise NotConfirmedError("not confirmed; nothing was changed")


class Narrator:
    """A listener that tells events on stderr; on a terminal revisions move a progress bar."""

    def __init__(self) -> None:
        self.bar = sys.stderr.isatty()

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        match event:
            case RevisionStarted() if self.bar:
                self._draw(event.number - 1, event.total, event.revision)
            case RevisionFinished() if self.bar:
                clear_line()
                note(_line(event))
            case IndexProgress(index, phase, done, total):
                percent = f" {100 * done // total} %" if total else ""
                clear_line()
                click.echo(f"\r{index}: {phase}{percent}", nl=False, err=True)
            case StageStarted() if self.bar:
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
            return _line_of_step(event)


def _line_of_step(event: Event) -> str:
    match event:
        case RevisionResumed(revision, message, done):
            return f"{revision} {message} goes on after step {done}, where it was interrupted"
        case LockNotObtained():
            return f"step {event.step} of {event.revision} {_without_lock(event)}"
        case Blocked(blockers, waited):
            names = "; ".join(map(str, blockers))
            return f"Waiting for {waited:.0f} s, and nobody waits for us; in the way: {names}"
        case IndexRepaired(index, table):
            return f"Dropped the INVALID index {index} of {table}, left by a build that broke off"
        case _:
            return ""


def _without_lock(event: LockNotObtained) -> str:
    names = "; ".join(map(str, event.blockers)) or "a session that was gone too soon to be seen"
    again = f"again in {event.pause:.1f} s, attempt {event.attempt + 1}"
    return f"did not get its locks and was rolled back; in the way: {names}; {again}"
